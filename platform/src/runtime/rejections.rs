//! Requests that are answered before they reach a router.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, Request, StatusCode, header};

use super::host;
use crate::health::{HEALTH, LIVE, METRICS, READY};

const LATE: &str = "the request did not arrive in time\n";

/// The answer to a request that no router gets: it names no host or several, or its connection is over the limit.
pub(super) fn before_router<B>(request: &Request<B>, is_over_limit: bool) -> Option<Response> {
    if !host::is_unambiguous(request) {
        Some(ambiguous_host())
    } else if is_over_limit && !is_for_operators(request.uri().path()) {
        Some(over_limit())
    } else {
        None
    }
}

/// The answer to a request whose body did not arrive in time.
pub(super) fn late() -> Response {
    reject(StatusCode::REQUEST_TIMEOUT, LATE)
}

fn ambiguous_host() -> Response {
    let message = "a request must have exactly one Host header, in ASCII\n";
    (StatusCode::BAD_REQUEST, message).into_response()
}

/// What connections over the limit may request.
fn is_for_operators(path: &str) -> bool {
    [HEALTH, LIVE, READY, METRICS].contains(&path)
}

fn over_limit() -> Response {
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
