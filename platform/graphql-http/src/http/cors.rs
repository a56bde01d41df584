//! Which pages of other origins may call the gateway from a browser (CORS).
//!
//! Off by default in production: a browser then withholds each response from a page of another origin. Credentials are never
//! allowed, because the gateway does not use cookies.

use std::time::Duration;

use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, header};
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::page::Page;
use super::rate_limit;
use super::response::MIN_POSITION;

/// How long a browser remembers the answer to a preflight: the longest that Chromium accepts.
const REMEMBERED: Duration = Duration::from_hours(2);

/// The headers of requests that a page may set.
const REQUEST_HEADERS: [HeaderName; 15] = [
    header::ACCEPT,
    header::AUTHORIZATION,
    header::CONTENT_TYPE,
    header::IF_NONE_MATCH,
    // Apollo's clients send them if they have a name.
    HeaderName::from_static("apollographql-client-name"),
    HeaderName::from_static("apollographql-client-version"),
    // Apollo's way to state that a request is not one that a form could send.
    HeaderName::from_static("apollo-require-preflight"),
    HeaderName::from_static("x-apollo-operation-name"),
    HeaderName::from_static("idempotency-key"),
    HeaderName::from_static("graphql-cost"),
    HeaderName::from_static("last-event-id"),
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
    HeaderName::from_static("x-request-id"),
    MIN_POSITION,
];

/// The headers of responses that a page may read.
const RESPONSE_HEADERS: [HeaderName; 5] = [
    header::ETAG,
    header::RETRY_AFTER,
    header::WWW_AUTHENTICATE,
    HeaderName::from_static("x-request-id"),
    MIN_POSITION,
];

/// Lets allowed pages read responses, once it is known which page sends a request.
pub fn layer() -> CorsLayer {
    let allowed = |_: &HeaderValue, request: &Parts| Page::of(&request.extensions) == Page::Allowed;
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(allowed))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(REQUEST_HEADERS)
        .expose_headers([&RESPONSE_HEADERS[..], &rate_limit::HEADERS].concat())
        .max_age(REMEMBERED)
}
