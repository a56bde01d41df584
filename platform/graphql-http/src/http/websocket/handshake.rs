//! The HTTP request that opens a WebSocket (RFC 6455, section 4.2).

use axum::body::Body;
use axum::response::Response;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use hyper::upgrade::OnUpgrade;
use sha1::{Digest, Sha1};

use super::protocol::PROTOCOL;
use crate::errors::{ApiError, Code};
use crate::http::headers::only;

/// Appended to the client's key.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const VERSION: &str = "13";

/// An accepted request.
#[derive(Debug)]
pub struct Handshake {
    /// Completes when the response has been sent.
    pub upgrade: OnUpgrade,
    pub response: Response,
    /// Whether the client offers the protocol. For another client a close code says why, which a page can read.
    pub is_known_protocol: bool,
}

/// Whether the request asks for a WebSocket.
#[must_use]
pub fn is_requested(headers: &HeaderMap) -> bool {
    has_token(headers, &header::UPGRADE, "websocket")
}

impl Handshake {
    /// # Errors
    /// The request is no valid handshake.
    pub fn accept(parts: &mut Parts) -> Result<Self, ApiError> {
        let bad_request = |message| ApiError::new(Code::BadRequest, message);
        let headers = &parts.headers;
        if parts.method != Method::GET || !has_token(headers, &header::CONNECTION, "upgrade") {
            return Err(bad_request(
                "a WebSocket is opened by GET with Connection: upgrade",
            ));
        }
        let version = header::SEC_WEBSOCKET_VERSION;
        let version = only(headers, version, "Sec-WebSocket-Version")?;
        if version.is_none_or(|version| version != VERSION) {
            return Err(bad_request("the Sec-WebSocket-Version must be 13"));
        }
        let key = only(headers, header::SEC_WEBSOCKET_KEY, "Sec-WebSocket-Key")?;
        let key = key.filter(|key| BASE64_STANDARD.decode(key).is_ok_and(|it| it.len() == 16));
        let key = key.ok_or_else(|| bad_request("the Sec-WebSocket-Key is not a key"))?;
        let answer =
            BASE64_STANDARD.encode(Sha1::new().chain_update(key).chain_update(GUID).finalize());
        let is_known_protocol = has_token(headers, &header::SEC_WEBSOCKET_PROTOCOL, PROTOCOL);
        let upgrade = parts.extensions.remove::<OnUpgrade>();
        let upgrade = upgrade.ok_or_else(|| bad_request("the connection cannot be upgraded"))?;
        Ok(Self {
            upgrade,
            response: switching(&answer, is_known_protocol),
            is_known_protocol,
        })
    }
}

fn switching(answer: &str, is_known_protocol: bool) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    // Base64 is always a valid value.
    if let Ok(answer) = HeaderValue::from_str(answer) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, answer);
    }
    if is_known_protocol {
        let protocol = HeaderValue::from_static(PROTOCOL);
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, protocol);
    }
    response
}

fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).into_iter();
    let mut tokens = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    tokens.any(|given| given.trim().eq_ignore_ascii_case(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[(&'static str, &'static str)]) -> HeaderMap {
        let values = values.iter();
        let values = values.map(|(name, value)| {
            let name = HeaderName::from_static(name);
            (name, HeaderValue::from_static(value))
        });
        values.collect()
    }

    #[test]
    fn an_upgrade_is_recognised_among_other_tokens() {
        assert!(is_requested(&headers(&[("upgrade", "h2c, WebSocket")])));
        assert!(!is_requested(&headers(&[("upgrade", "h2c")])));
        assert!(!is_requested(&HeaderMap::new()));
    }
}
