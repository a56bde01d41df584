//! Redacts values: a URL is reassembled without the parts that may be secret.

use std::fmt::Write;

use url::Url;

use super::setting::Secrecy;

/// Replaces a redacted part.
const STARS: &str = "***";

/// Parameters of PostgreSQL whose values are not secret, and are validated by the server or the driver.
pub(super) const SHOWN_POSTGRES_PARAMETERS: [&str; 6] = [
    "sslmode",
    "application_name",
    "dbname",
    "host",
    "port",
    "statement-cache-capacity",
];
/// The other parameters that the driver supports. They name key files, and options may contain anything.
pub(super) const HIDDEN_POSTGRES_PARAMETERS: [&str; 7] = [
    "sslrootcert",
    "sslcert",
    "sslkey",
    "hostaddr",
    "user",
    "password",
    "options",
];

/// The part of a value that an error may show.
#[must_use]
pub fn shown(secrecy: Secrecy, text: &str) -> String {
    match secrecy {
        Secrecy::Password => without_password(text),
        Secrecy::Credentials => without_credentials(text),
        Secrecy::Everything => STARS.to_owned(),
    }
}

/// Parameters of providers' URLs that contain no credentials.
const SHOWN_PARAMETERS: [&str; 5] = [
    "decline_over",
    "fail_rate",
    "from",
    "latency_ms",
    "timeout_rate",
];

/// A provider's URL without the parts that could contain credentials: only the scheme, the host with its port, and the
/// values of known parameters are shown. Keys also end up in user names, paths and other parameters. A text that is
/// not a URL is shown only if it is a single short word.
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

/// `text` without its secrets, if it is a URL or may have been meant as one.
pub(super) fn without_password(text: &str) -> String {
    if text.starts_with("sqlite://") || !text.contains(['@', '=', '?']) {
        return text.to_owned();
    }
    match Url::parse(text) {
        Ok(url) if url.has_authority() => by_structure(&url),
        // A path, not a mistyped URL.
        _ if text.starts_with(['/', '.']) && !text.contains(['@', '=']) => text.to_owned(),
        _ => STARS.to_owned(),
    }
}

fn by_structure(url: &Url) -> String {
    let mut shown = format!("{}://", url.scheme());
    if !url.username().is_empty() {
        shown.push_str(url.username());
    }
    if url.password().is_some() {
        shown.push(':');
        shown.push_str(STARS);
    }
    if !url.username().is_empty() || url.password().is_some() {
        shown.push('@');
    }
    shown.push_str(url.host_str().unwrap_or_default());
    if let Some(port) = url.port() {
        let _ = write!(shown, ":{port}");
    }
    shown.push_str(url.path());
    for (index, (name, value)) in url.query_pairs().enumerate() {
        let is_shown = SHOWN_POSTGRES_PARAMETERS.contains(&&*name);
        // An unknown name may be a misplaced secret.
        let is_known = is_shown || HIDDEN_POSTGRES_PARAMETERS.contains(&&*name);
        shown.push(if index == 0 { '?' } else { '&' });
        shown.push_str(if is_known { &name } else { STARS });
        shown.push('=');
        shown.push_str(if is_shown { &value } else { STARS });
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::{Secrecy, shown, without_password};

    #[test]
    fn a_secret_and_the_credentials_of_a_providers_url_are_redacted() {
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
    fn parts_without_secrets_are_shown() {
        for (url, shown) in [
            (
                "postgres://me:x@host:5432/db",
                "postgres://me:***@host:5432/db",
            ),
            ("postgres://me@[::1]/db", "postgres://me@[::1]/db"),
            (
                "postgres://h/db?sslmode=require&password=x",
                "postgres://h/db?sslmode=require&password=***",
            ),
            ("sqlite://a:b/c", "sqlite://a:b/c"),
            ("./data", "./data"),
            ("/srv/shop?x", "/srv/shop?x"),
            ("127.0.0.1:4000", "127.0.0.1:4000"),
        ] {
            assert_eq!(without_password(url), shown);
        }
    }
}
