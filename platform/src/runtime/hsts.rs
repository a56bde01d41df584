//! HTTP Strict Transport Security (RFC 6797).

use axum::response::Response;
use http::{HeaderValue, header};

/// Browsers that have seen it use TLS alone for two years, whatever a link says. Without TLS they ignore it.
const ONLY_TLS: HeaderValue = HeaderValue::from_static("max-age=63072000");

/// Adds what every response over TLS has, also one that no router made.
pub(super) fn secured(mut response: Response, is_over_tls: bool) -> Response {
    if is_over_tls {
        let headers = response.headers_mut();
        headers.insert(header::STRICT_TRANSPORT_SECURITY, ONLY_TLS);
    }
    response
}
