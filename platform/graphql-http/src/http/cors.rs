//! Which pages of other origins may call the gateway from a browser (CORS).
//!
//! Off by default in production: a browser then withholds each response from a page of another origin. Credentials are never
//! allowed, because the gateway does not use cookies.

use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Uri, header};
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::hosts::address;
use super::response::MIN_POSITION;

/// How long a browser remembers the answer to a preflight: the longest that Chromium accepts.
const REMEMBERED: Duration = Duration::from_hours(2);

/// The headers of requests that a page may set.
const REQUEST_HEADERS: [HeaderName; 9] = [
    header::ACCEPT,
    header::AUTHORIZATION,
    header::CONTENT_TYPE,
    header::IF_NONE_MATCH,
    HeaderName::from_static("idempotency-key"),
    HeaderName::from_static("graphql-cost"),
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("x-request-id"),
    MIN_POSITION,
];

/// The headers of responses that a page may read.
const RESPONSE_HEADERS: [HeaderName; 4] = [
    header::ETAG,
    header::RETRY_AFTER,
    HeaderName::from_static("x-request-id"),
    MIN_POSITION,
];

/// The origins whose pages may call the gateway.
#[derive(Clone, Debug, Default)]
pub struct AllowedOrigins {
    listed: Arc<[String]>,
    /// Whether the pages of all ports of this machine may call it too: those of a developer's front end.
    loopback: bool,
}

impl AllowedOrigins {
    /// `listed` are origins as browsers send them: `https://shop.example`.
    #[must_use]
    pub fn new(listed: &[String], loopback: bool) -> Self {
        Self {
            listed: listed.into(),
            loopback,
        }
    }

    fn allows(&self, origin: &HeaderValue) -> bool {
        let Ok(origin) = origin.to_str() else {
            return false;
        };
        self.listed.iter().any(|listed| listed == origin) || self.loopback && is_loopback(origin)
    }

    pub(super) fn layer(&self) -> CorsLayer {
        let origins = self.clone();
        let allowed = move |origin: &HeaderValue, _: &Parts| origins.allows(origin);
        CorsLayer::new()
            .allow_origin(AllowOrigin::predicate(allowed))
            .allow_methods([Method::GET, Method::POST])
            .allow_headers(REQUEST_HEADERS)
            .expose_headers(RESPONSE_HEADERS)
            .max_age(REMEMBERED)
    }
}

/// Whether an origin is a page on this machine.
fn is_loopback(origin: &str) -> bool {
    let Ok(uri) = origin.parse::<Uri>() else {
        return false;
    };
    let host = uri.host().unwrap_or_default();
    host == "localhost" || address(host).is_some_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::AllowedOrigins;

    #[test]
    fn listed_origins_are_allowed_and_those_of_this_machine_in_development() {
        let listed = ["https://shop.example".to_owned()];
        let production = AllowedOrigins::new(&listed, false);
        let development = AllowedOrigins::new(&listed, true);
        for (origin, in_production, in_development) in [
            ("https://shop.example", true, true),
            ("http://shop.example", false, false),
            ("https://shop.example.evil", false, false),
            ("https://shop.example:8443", false, false),
            ("http://localhost:5173", false, true),
            ("http://127.0.0.1:3000", false, true),
            ("http://[::1]:3000", false, true),
            ("http://localhost.evil", false, false),
            ("http://127.0.0.1.nip.io", false, false),
            ("null", false, false),
        ] {
            let value = HeaderValue::from_static(origin);
            assert_eq!(production.allows(&value), in_production, "{origin}");
            assert_eq!(development.allows(&value), in_development, "{origin}");
        }
    }
}
