//! Parsers of setting values.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use ipnet::IpNet;
use url::Url;

/// A log and its head, `LOG@HEAD`, as the error of a failed start prints them.
pub(super) fn log_mark(value: &str) -> Option<String> {
    const UUID_CHARS: usize = 36;
    let (log, head) = value.split_once('@')?;
    let is_log = log.len() == UUID_CHARS
        && log
            .bytes()
            .all(|byte| byte == b'-' || byte.is_ascii_hexdigit());
    (is_log && head.parse::<u64>().is_ok()).then(|| value.to_owned())
}

/// Non-blank text.
pub(super) fn text(value: &str) -> Option<String> {
    (!value.trim().is_empty()).then(|| value.to_owned())
}

/// A folder. Its path must not contain characters with a meaning in URLs, because its files are addressed by URLs.
pub(super) fn folder(value: &str) -> Option<String> {
    text(value).filter(|path| is_plain_path(path))
}

/// Whether a SQLite URL can contain this path: no parameters, no escapes, and not an in-memory database.
pub(super) fn is_plain_path(path: &str) -> bool {
    !path.is_empty()
        && !path.contains(['?', '#', '%'])
        && !path.contains(char::is_control)
        && !path.contains(":memory:")
}

/// A host name or address, without scheme or port.
pub(super) fn host(value: &str) -> Option<String> {
    let is_address = || {
        let bare = value
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        match bare {
            Some(bare) => bare.parse::<Ipv6Addr>().is_ok(),
            None => value.parse::<IpAddr>().is_ok(),
        }
    };
    let is_name = !value.is_empty()
        && value
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
    (is_name || is_address()).then(|| value.to_owned())
}

/// Hosts, separated by commas.
pub(super) fn hosts(value: &str) -> Option<Vec<String>> {
    value.split(',').map(|name| host(name.trim())).collect()
}

/// Networks, separated by commas. An address is a network of one.
pub(super) fn networks(value: &str) -> Option<Vec<IpNet>> {
    let network = |text: &str| {
        let address = || text.parse().ok().map(|address: IpAddr| address.into());
        text.parse().ok().or_else(address)
    };
    value.split(',').map(|text| network(text.trim())).collect()
}

/// Origins as browsers send them, separated by commas: a scheme and a host, with a port if it is not the scheme's.
pub(super) fn origins(value: &str) -> Option<Vec<String>> {
    let origin = |text: &str| {
        let authority = text
            .strip_prefix("https://")
            .or_else(|| text.strip_prefix("http://"))?;
        let parsed: http::uri::Authority = authority.parse().ok()?;
        let is_plain = !authority.contains('@') && authority == authority.to_ascii_lowercase();
        (is_plain && !parsed.host().is_empty()).then(|| text.to_owned())
    };
    value.split(',').map(|text| origin(text.trim())).collect()
}

/// An HTTP URL of a host, without credentials, parameters and fragment.
pub(super) fn http_url(value: &str) -> Option<Url> {
    let url = Url::parse(value).ok()?;
    let is_plain = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    (is_plain && matches!(url.scheme(), "http" | "https")).then_some(url)
}

/// From 0 to 1.
pub(super) fn ratio(value: &str) -> Option<f64> {
    number(value).filter(|ratio| (0.0..=1.0).contains(ratio))
}

pub(super) fn boolean(value: &str) -> Option<bool> {
    match value {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

pub(super) fn address(value: &str) -> Option<SocketAddr> {
    if let Some(port) = value.strip_prefix("localhost:") {
        return Some(SocketAddr::new(
            IpAddr::V4(Ipv4Addr::LOCALHOST),
            port.parse().ok()?,
        ));
    }
    value.parse().ok()
}

pub(super) fn number<T: FromStr>(value: &str) -> Option<T> {
    value.parse().ok()
}

/// A port other than 0.
pub(super) fn port(value: &str) -> Option<u16> {
    number(value).filter(|port| *port > 0)
}

/// At least 1.
pub(super) fn positive(value: &str) -> Option<u32> {
    number(value).filter(|count| *count > 0)
}

/// A duration in milliseconds, from 1 to one day.
pub(super) fn millis(value: &str) -> Option<Duration> {
    millis_or_zero(value).filter(|duration| !duration.is_zero())
}

pub(super) fn millis_or_zero(value: &str) -> Option<Duration> {
    const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
    number(value)
        .filter(|ms| *ms <= DAY_MS)
        .map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::{address, boolean, host, log_mark, millis, networks};

    #[test]
    fn a_log_mark_is_an_id_and_a_head() {
        let mark = "01a2068f-27b9-78e0-9869-9b881f9dd42c@17";
        assert_eq!(log_mark(mark).as_deref(), Some(mark));
        for bad in [
            "x",
            "true",
            "@17",
            "01a2068f@17",
            &mark[..36],
            &format!("{mark}x"),
        ] {
            assert_eq!(log_mark(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_host_is_a_name_or_an_address() {
        for good in ["command-service", "10.0.0.1", "::1", "[::1]", "a.b.example"] {
            assert_eq!(host(good).as_deref(), Some(good));
        }
        for bad in [
            "",
            "http://h",
            "h:50051",
            "[::1]:50051",
            "[10.0.0.1]",
            "a b",
            "h/x",
            "\"h\"",
        ] {
            assert_eq!(host(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_network_is_an_address_with_or_without_a_length() {
        let networks = |text| networks(text).map(|all| all.len());
        assert_eq!(networks("10.0.0.0/8, 192.0.2.1,::1, fd00::/8"), Some(4));
        for bad in ["", "10.0.0.0/33", "10.0.0", "proxy", "10.0.0.1,"] {
            assert_eq!(networks(bad), None, "{bad}");
        }
    }

    #[test]
    fn values_are_parsed_strictly() {
        assert_eq!(boolean("yes"), None);
        assert_eq!(millis("0"), None);
        assert_eq!(address("localhost:80"), address("127.0.0.1:80"));
        assert_eq!(address("somewhere:80"), None);
    }
}
