//! Which pages may call the gateway.
//!
//! Browsers let every page send requests to every server, and state the origin of the page. One rule decides what a page may do:
//! read responses (CORS), open a `WebSocket` or an event stream, and have its responses compressed.

use std::net::IpAddr;
use std::sync::Arc;

use http::uri::Authority;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Uri, header};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The origins whose pages may call the gateway, in addition to its own.
#[derive(Clone, Debug, Default)]
pub struct AllowedOrigins {
    listed: Arc<[String]>,
    /// Whether the pages of all ports of this machine may call it too: those of a developer's front end.
    loopback: bool,
}

/// The page that sends a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// None, one of the gateway itself, or one of an allowed origin.
    Allowed,
    /// One of another origin.
    Foreign,
}

impl Page {
    /// What the [guard](super::guard) found. Without it no page is allowed.
    pub fn of(request: &Extensions) -> Self {
        request.get().copied().unwrap_or(Self::Foreign)
    }
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

    /// The page that sends a request with these headers.
    pub fn page(&self, target: &Uri, headers: &HeaderMap) -> Page {
        let site = headers.get(SEC_FETCH_SITE).map(HeaderValue::as_bytes);
        let mut origins = headers.get_all(header::ORIGIN).iter().peekable();
        let is_allowed = if site == Some(b"same-origin") {
            true
        } else if origins.peek().is_some() {
            origins.all(|origin| {
                let origin = origin.to_str().unwrap_or_default();
                is_own(origin, target, headers) || self.allows(origin)
            })
        } else {
            // For images, scripts and links browsers state only that they are of another site.
            matches!(site, None | Some(b"none"))
        };
        if is_allowed {
            Page::Allowed
        } else {
            Page::Foreign
        }
    }

    fn allows(&self, origin: &str) -> bool {
        self.listed.iter().any(|listed| listed == origin) || self.loopback && is_loopback(origin)
    }
}

/// Whether an origin has the host and the port to which the request was sent. The scheme is that of a proxy in front of the
/// gateway, which the request does not tell.
fn is_own(origin: &str, target: &Uri, headers: &HeaderMap) -> bool {
    let Ok(origin) = origin.parse::<Uri>() else {
        return false;
    };
    let default_port = match origin.scheme_str() {
        Some("http") => 80,
        Some("https") => 443,
        _ => return false,
    };
    let given = headers.get(header::HOST).and_then(|it| it.to_str().ok());
    let given = given.and_then(|host| host.parse::<Authority>().ok());
    let (Some(asked), Some(origin)) = (target.authority().cloned().or(given), origin.authority())
    else {
        return false;
    };
    let port = |authority: &Authority| authority.port_u16().unwrap_or(default_port);
    asked.host().eq_ignore_ascii_case(origin.host()) && port(&asked) == port(origin)
}

/// Whether an origin is a page on this machine.
fn is_loopback(origin: &str) -> bool {
    let Ok(uri) = origin.parse::<Uri>() else {
        return false;
    };
    let host = uri.host().unwrap_or_default();
    host == "localhost" || address(host).is_some_and(|address| address.is_loopback())
}

/// The address that a host is, if it is no name. IPv6 stands in brackets.
pub fn address(host: &str) -> Option<IpAddr> {
    let bare = host
        .strip_prefix('[')
        .and_then(|inner| inner.strip_suffix(']'));
    bare.unwrap_or(host).parse().ok()
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue, Uri};

    use super::{AllowedOrigins, Page};

    fn page(origins: &AllowedOrigins, headers: &[(&'static str, &'static str)]) -> Page {
        let pair = |(name, value): &(&'static str, &'static str)| {
            let name = HeaderName::from_static(name);
            (name, HeaderValue::from_static(value))
        };
        let mut all = HeaderMap::new();
        for (name, value) in headers.iter().map(pair) {
            all.append(name, value);
        }
        origins.page(&Uri::from_static("/graphql"), &all)
    }

    #[test]
    fn listed_origins_are_allowed_and_those_of_this_machine_in_development() {
        let listed = ["https://shop.example".to_owned()];
        let production = AllowedOrigins::new(&listed, false);
        let development = AllowedOrigins::new(&listed, true);
        let expected = |allowed| {
            if allowed {
                Page::Allowed
            } else {
                Page::Foreign
            }
        };
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
            ("", false, false),
        ] {
            // What browsers state of the site does not make an origin one of those that are allowed, or the opposite.
            for site in ["cross-site", "same-site"] {
                let headers = [
                    ("host", "api.example"),
                    ("origin", origin),
                    ("sec-fetch-site", site),
                ];
                let found = page(&production, &headers);
                assert_eq!(found, expected(in_production), "{origin}");
                let found = page(&development, &headers);
                assert_eq!(found, expected(in_development), "{origin}");
            }
        }
    }

    #[test]
    fn pages_of_the_gateway_itself_are_allowed() {
        let none = AllowedOrigins::default();
        let of = |origin, host| page(&none, &[("origin", origin), ("host", host)]);
        for (origin, host) in [
            ("http://localhost:4000", "localhost:4000"),
            ("https://Shop.example", "shop.example"),
            ("https://shop.example", "shop.example:443"),
            ("http://shop.example:80", "shop.example"),
            ("http://[::1]:4000", "[::1]:4000"),
        ] {
            assert_eq!(of(origin, host), Page::Allowed, "{origin} {host}");
        }
        for (origin, host) in [
            ("http://localhost:3000", "localhost:4000"),
            ("https://shop.example:4000", "shop.example"),
            ("https://evil.example", "localhost:4000"),
            ("ftp://localhost:4000", "localhost:4000"),
            ("null", "localhost:4000"),
            ("null", "null"),
        ] {
            assert_eq!(of(origin, host), Page::Foreign, "{origin} {host}");
        }
        let two = [
            ("host", "localhost:4000"),
            ("origin", "http://localhost:4000"),
            ("origin", "https://evil.example"),
        ];
        assert_eq!(page(&none, &two), Page::Foreign);
        // A proxy may have replaced the host.
        let proxied = [
            ("host", "gateway:4000"),
            ("origin", "https://shop.example"),
            ("sec-fetch-site", "same-origin"),
        ];
        assert_eq!(page(&none, &proxied), Page::Allowed);
    }

    #[test]
    fn without_an_origin_only_requests_of_other_sites_are_foreign() {
        let development = AllowedOrigins::new(&[], true);
        assert_eq!(page(&development, &[]), Page::Allowed);
        for (site, expected) in [
            ("none", Page::Allowed),
            ("same-origin", Page::Allowed),
            ("same-site", Page::Foreign),
            ("cross-site", Page::Foreign),
        ] {
            let found = page(&development, &[("sec-fetch-site", site)]);
            assert_eq!(found, expected, "{site}");
        }
    }
}
