//! Requests that are answered before they reach a router.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

use crate::health::{HEALTH, LIVE, METRICS, READY};

pub(super) fn ambiguous_host() -> Response {
    let message = "a request must have exactly one Host header, in ASCII\n";
    (StatusCode::BAD_REQUEST, message).into_response()
}

/// What connections over the limit may request.
pub(super) fn is_for_operators(path: &str) -> bool {
    [HEALTH, LIVE, READY, METRICS].contains(&path)
}

pub(super) fn over_limit() -> Response {
    let message = "there are too many connections\n";
    let mut response = reject(StatusCode::SERVICE_UNAVAILABLE, message);
    let soon = HeaderValue::from_static("1");
    response.headers_mut().insert(header::RETRY_AFTER, soon);
    response
}

/// An error response after which a connection of HTTP/1.1 is closed.
pub(super) fn reject(status: StatusCode, message: &'static str) -> Response {
    let close = HeaderValue::from_static("close");
    (status, [(header::CONNECTION, close)], message).into_response()
}
