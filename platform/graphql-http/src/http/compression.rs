//! Compresses responses: zstd, brotli or gzip, as the client prefers.
//!
//! Not what a page of another site asks for: it cannot read the response, but it sees the length, and the length of a
//! compressed response tells whether a guess that the page sends occurs in it (BREACH).

use axum::extract::Request;
use http::{HeaderMap, HeaderName, header};
use platform::runtime::host_of;
use tower_http::compression::predicate::{And, NotForContentType, Predicate, SizeAbove};
use tower_http::compression::{CompressionLayer, CompressionLevel};

/// A shorter response fits into one packet anyway.
const MIN_BYTES: u16 = 1_024;
/// Of brotli, gzip and zstd alike: about as fast as they are sent.
const LEVEL: CompressionLevel = CompressionLevel::Precise(4);

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Compresses long responses that are not streams.
pub fn layer() -> CompressionLayer<And<SizeAbove, NotForContentType>> {
    let streams = NotForContentType::const_new("text/event-stream");
    CompressionLayer::new()
        .quality(LEVEL)
        .compress_when(SizeAbove::new(MIN_BYTES).and(streams))
}

/// Asks for a plain response if the request comes from a page of another site.
pub fn plain_for_other_sites(mut request: Request) -> Request {
    let host = host_of(request.uri(), request.headers());
    if is_cross_site(request.headers(), host.as_deref()) {
        request.headers_mut().remove(header::ACCEPT_ENCODING);
    }
    request
}

/// Browsers state it in `Sec-Fetch-Site`; older ones send an `Origin` of another host.
fn is_cross_site(headers: &HeaderMap, host: Option<&str>) -> bool {
    if let Some(site) = headers.get(SEC_FETCH_SITE) {
        return !matches!(site.as_bytes(), b"same-origin" | b"same-site" | b"none");
    }
    let Some(origin) = headers.get(header::ORIGIN) else {
        return false;
    };
    let uri = origin
        .to_str()
        .ok()
        .and_then(|origin| origin.parse::<http::Uri>().ok());
    uri.as_ref().and_then(http::Uri::host) != host
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};

    use super::is_cross_site;

    #[test]
    fn a_request_is_cross_site_by_what_the_browser_states() {
        let of = |name: &'static str, value: &'static str| {
            let pair = (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
            is_cross_site(&HeaderMap::from_iter([pair]), Some("shop.example"))
        };
        assert!(of("sec-fetch-site", "cross-site"));
        assert!(!of("sec-fetch-site", "same-origin"));
        assert!(!of("sec-fetch-site", "none"));
        assert!(of("origin", "https://evil.example"));
        assert!(of("origin", "null"));
        assert!(!of("origin", "https://shop.example:4000"));
        assert!(!is_cross_site(&HeaderMap::new(), Some("shop.example")));
    }
}
