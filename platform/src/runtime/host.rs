//! The target host of a request.

use http::uri::Authority;
use http::{HeaderMap, Request, Uri, Version, header};

/// The host of a request without its port: from its target if that is absolute, else from its Host header. `None` if
/// there is no Host header or more than one.
#[must_use]
pub fn host_of(target: &Uri, headers: &HeaderMap) -> Option<String> {
    if let Some(host) = target.host() {
        return Some(host.to_owned());
    }
    let authority: Authority = only_host(headers)?.parse().ok()?;
    Some(authority.host().to_owned())
}

fn only_host(headers: &HeaderMap) -> Option<&str> {
    let mut given = headers.get_all(header::HOST).iter();
    let only = given.next().filter(|_| given.next().is_none())?;
    only.to_str().ok()
}

/// Whether a request names one host, as RFC 9112 requires of HTTP/1.1 and RFC 9113 of HTTP/2: of several, a proxy may have used
/// another one than this process would.
pub(super) fn is_unambiguous<B>(request: &Request<B>) -> bool {
    let headers = request.headers();
    let authority = request.uri().authority();
    match request.version() {
        Version::HTTP_11 => only_host(headers).is_some(),
        Version::HTTP_2 => match (authority, headers.contains_key(header::HOST)) {
            (Some(_), false) => true,
            (Some(authority), true) => {
                only_host(headers).is_some_and(|host| authority.as_str().eq_ignore_ascii_case(host))
            }
            (None, _) => only_host(headers).is_some(),
        },
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, Request, Uri, Version, header};

    use super::{host_of, is_unambiguous};

    fn host(target: &str, hosts: &[&'static str]) -> Option<String> {
        let target: Uri = target.parse().expect("a target");
        let hosts = hosts.iter().map(|host| HeaderValue::from_static(host));
        let headers: HeaderMap = hosts.map(|host| (header::HOST, host)).collect();
        host_of(&target, &headers)
    }

    #[test]
    fn the_host_has_no_port_and_must_be_unambiguous() {
        assert_eq!(host("/x", &["shop:4000"]).as_deref(), Some("shop"));
        assert_eq!(host("/x", &["[::1]:4000"]).as_deref(), Some("[::1]"));
        assert_eq!(host("http://a/x", &["b"]).as_deref(), Some("a"));
        assert_eq!(host("/x", &[]), None);
        assert_eq!(host("/x", &["a", "b"]), None);
        assert_eq!(host("/x", &[""]), None);
    }
    #[test]
    fn a_request_names_one_host_in_both_versions() {
        let unambiguous = |version, target: &str, hosts: &[&str]| {
            let mut request = Request::builder().version(version).uri(target);
            for host in hosts {
                request = request.header(header::HOST, *host);
            }
            is_unambiguous(&request.body(()).expect("a request"))
        };
        let (one, two) = (Version::HTTP_11, Version::HTTP_2);
        assert!(unambiguous(one, "/x", &["a"]));
        assert!(unambiguous(two, "https://a/x", &[]));
        assert!(unambiguous(two, "https://a:1/x", &["A:1"]));
        assert!(unambiguous(two, "/x", &["a"]));
        for hosts in [&[][..], &["a", "a"], &["a", "b"]] {
            assert!(!unambiguous(one, "/x", hosts), "{hosts:?}");
            assert!(!unambiguous(two, "/x", hosts), "{hosts:?}");
        }
        assert!(!unambiguous(two, "https://a/x", &["b"]));
        assert!(!unambiguous(two, "https://a/x", &["a", "a"]));
    }
}
