//! The id of an HTTP request: the client's own, or a generated one.
//!
//! It is part of every response, of every log line about the request, and of the metadata of the events that it causes,
//! so that an operator can trace what a client reports.

use std::time::Instant;

use axum::response::Response;
use event_sourcing::{Clock, CommandId, SystemClock};
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use tracing::Span;

use crate::fields;
use crate::request_log::millis;

/// The header that carries it, in requests and responses.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Limit of characters in an id from a client.
const MAX_CHARS: usize = 128;

/// The id of a request: 1 to 128 visible ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(HeaderValue);

/// A response extension that describes the request, set by the handler for the log line about the request.
#[derive(Clone, Debug, Default)]
pub struct RequestSummary {
    /// For example the kind and the name of a GraphQL operation.
    pub operation: String,
    /// The code of its first error.
    pub code: Option<String>,
}

impl RequestId {
    /// A new id, a UUID v7.
    #[must_use]
    pub fn new_random() -> Self {
        let id = CommandId::from_parts(SystemClock.now(), rand::random());
        // A UUID's text is always a valid value.
        let value = HeaderValue::from_str(&id.to_string());
        Self(value.unwrap_or(HeaderValue::from_static("none")))
    }

    /// The id in these headers, if there is exactly one and it is well-formed.
    fn given(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(X_REQUEST_ID).iter();
        let only = values.next().filter(|_| values.next().is_none())?;
        let bytes = only.as_bytes();
        let is_well_formed =
            (1..=MAX_CHARS).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic);
        is_well_formed.then(|| Self(only.clone()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        // Always ASCII, so the default is never used.
        self.0.to_str().unwrap_or_default()
    }
}

/// Adds the [`RequestId`] to the request's extensions and to the response, and logs the request at debug level when
/// the response is complete, within the span that the handler has added to the extensions of the response.
pub(super) async fn identified<B>(
    mut request: Request<B>,
    answer: impl AsyncFnOnce(Request<B>) -> Response,
) -> Response {
    let started = Instant::now();
    let id = RequestId::given(request.headers()).unwrap_or_else(RequestId::new_random);
    request.extensions_mut().insert(id.clone());
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let mut response = answer(request).await;
    response.headers_mut().insert(X_REQUEST_ID, id.0.clone());
    let span = response.extensions().get::<Span>().cloned();
    let _within = span.as_ref().map(Span::enter);
    let summary = response.extensions().get::<RequestSummary>();
    tracing::debug!(
        { fields::HTTP_METHOD } = %method,
        { fields::HTTP_PATH } = path,
        { fields::HTTP_STATUS } = response.status().as_u16(),
        { fields::OPERATION } = summary.map(|summary| &*summary.operation),
        { fields::CODE } = summary.and_then(|summary| summary.code.as_deref()),
        { fields::ELAPSED_MS } = millis(started.elapsed()),
        { fields::CORRELATION_ID } = id.as_str(),
        "http request"
    );
    response
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::{RequestId, X_REQUEST_ID};

    fn given(values: &[&[u8]]) -> Option<RequestId> {
        let values = values.iter().map(|value| {
            (
                X_REQUEST_ID,
                HeaderValue::from_bytes(value).expect("a value"),
            )
        });
        RequestId::given(&values.collect::<HeaderMap>())
    }

    #[test]
    fn an_id_of_1_to_128_visible_characters_is_accepted() {
        for good in ["a", "~!/", &"x".repeat(128)] {
            let id = given(&[good.as_bytes()]).expect(good);
            assert_eq!(id.as_str(), good);
        }
        let long = "x".repeat(129);
        for bad in [
            b"".as_slice(),
            b"a b",
            b"a\tb",
            b"\xc3\xa4",
            long.as_bytes(),
        ] {
            assert_eq!(given(&[bad]), None);
        }
        assert_eq!(given(&[]), None);
        assert_eq!(given(&[b"a", b"b"]), None, "an ambiguous id is ignored");
    }

    #[test]
    fn a_generated_id_is_a_uuid_of_version_7() {
        let id = RequestId::new_random();
        let version = id.as_str().as_bytes().get(14);
        assert_eq!((id.as_str().len(), version), (36, Some(&b'7')));
        assert_ne!(id, RequestId::new_random());
    }
}
