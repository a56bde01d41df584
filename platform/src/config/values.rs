//! The values that settings have, and how they are read.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use super::database_url::{STARS, without_password};
use super::setting::Secrecy;

/// What an error may repeat of a value.
pub(super) fn shown(secrecy: Secrecy, text: &str) -> String {
    match secrecy {
        Secrecy::Password => without_password(text),
        Secrecy::Credentials => without_credentials(text),
        Secrecy::Everything => STARS.to_owned(),
    }
}

/// Parameters of providers' URLs that hold no credential.
const SHOWN_PARAMETERS: [&str; 5] = [
    "decline_over",
    "fail_rate",
    "from",
    "latency_ms",
    "timeout_rate",
];

/// A provider's URL, of which only what can hold no credential is shown: the scheme, the host and its port, and the values
/// of parameters that are known. Keys end up in user names, paths and other parameters too. Of what is no URL
/// nothing is known, so that only a word without any sign is shown.
fn without_credentials(text: &str) -> String {
    const MAX_WORD_CHARS: usize = 16;
    let is_word = |text: &str| {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "+-._'\"".contains(c);
        text.chars().count() <= MAX_WORD_CHARS && text.chars().all(is_plain)
    };
    let word = |text: &str| {
        if is_word(text) {
            text.to_owned()
        } else {
            STARS.to_owned()
        }
    };
    let Some((scheme, rest)) = text.split_once("://") else {
        return word(text);
    };
    let (rest, fragment) = rest
        .split_once('#')
        .map_or((rest, ""), |(rest, _)| (rest, "#***"));
    let (place, parameters) = match rest.split_once('?') {
        Some((place, parameters)) => (place, format!("?{}", shown_parameters(parameters))),
        None => (rest, String::new()),
    };
    let (authority, path) = place
        .split_once('/')
        .map_or((place, ""), |(authority, path)| {
            (authority, if path.is_empty() { "/" } else { "/***" })
        });
    let shown_host = |host: &str| match host.rsplit_once(':') {
        Some((_, port)) if port.parse::<u16>().is_err() => STARS.to_owned(),
        _ => host.to_owned(),
    };
    let authority = match authority.rsplit_once('@') {
        Some((_, host)) => format!("{STARS}@{}", shown_host(host)),
        None => shown_host(authority),
    };
    format!("{}://{authority}{path}{parameters}{fragment}", word(scheme))
}

fn shown_parameters(parameters: &str) -> String {
    let shown = parameters.split('&').map(|parameter| {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        if SHOWN_PARAMETERS.contains(&name) {
            format!("{name}={value}")
        } else {
            STARS.to_owned()
        }
    });
    shown.collect::<Vec<_>>().join("&")
}

/// A log and its head, as a refused start names them: `LOG@HEAD`.
pub(super) fn log_mark(value: &str) -> Option<String> {
    const UUID_CHARS: usize = 36;
    let (log, head) = value.split_once('@')?;
    let is_log = log.len() == UUID_CHARS
        && log
            .bytes()
            .all(|byte| byte == b'-' || byte.is_ascii_hexdigit());
    (is_log && head.parse::<u64>().is_ok()).then(|| value.to_owned())
}

/// Text that is not blank.
pub(super) fn text(value: &str) -> Option<String> {
    (!value.trim().is_empty()).then(|| value.to_owned())
}

/// A folder. What means something else in a URL cannot be in its path, since its files are named by URLs.
pub(super) fn folder(value: &str) -> Option<String> {
    text(value).filter(|path| is_plain_path(path))
}

/// Whether a URL of SQLite can name this path: it has neither parameters nor escapes, and is no database in memory.
pub(super) fn is_plain_path(path: &str) -> bool {
    !path.is_empty()
        && !path.contains(['?', '#', '%'])
        && !path.contains(char::is_control)
        && !path.contains(":memory:")
}

/// A host's name or its address, and no more: neither a scheme nor a port.
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

/// A port that something listens on.
pub(super) fn port(value: &str) -> Option<u16> {
    number(value).filter(|port| *port > 0)
}

/// A count that is at least 1.
pub(super) fn positive(value: &str) -> Option<u32> {
    number(value).filter(|count| *count > 0)
}

/// A time in milliseconds that is at least 1 and at most a day.
pub(super) fn millis(value: &str) -> Option<Duration> {
    const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
    number(value)
        .filter(|ms| (1..=DAY_MS).contains(ms))
        .map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::{Secrecy, address, boolean, host, log_mark, millis, shown};

    #[test]
    fn of_a_secret_nothing_is_shown_and_of_a_providers_url_no_credential() {
        assert_eq!(shown(Secrecy::Everything, "sk_live_1"), "***");
        let url = |text: &str| shown(Secrecy::Credentials, text);
        for (given, shown) in [
            (
                "simulated://?fail_rate=2&x=y",
                "simulated://?fail_rate=2&***",
            ),
            ("stripe+https://key@h/?a=1", "stripe+https://***@h/?***"),
            ("https://h/key/x?token=key#key", "https://h/***?***#***"),
            (
                "smtp://me:pw@h:25/?from=a@b&password=pw",
                "smtp://***@h:25/?from=a@b&***",
            ),
            ("smtp://me:pw", "smtp://***"),
            ("me:pw@smtp://h", "***://h"),
            ("smtp//me:pw@h", "***"),
            ("token=pw", "***"),
            ("sk_test_51abcdefghijkl", "***"),
            ("wrong", "wrong"),
        ] {
            assert_eq!(url(given), shown);
        }
    }

    #[test]
    fn a_mark_of_a_log_is_what_a_refused_start_names() {
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
    fn values_are_read_strictly() {
        assert_eq!(boolean("yes"), None);
        assert_eq!(millis("0"), None);
        assert_eq!(address("localhost:80"), address("127.0.0.1:80"));
        assert_eq!(address("somewhere:80"), None);
    }
}
