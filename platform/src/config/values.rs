//! The values that settings have, and how they are read.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use super::setting::Secrecy;

/// Stands for what is not shown.
const STARS: &str = "***";

/// The database engine, chosen by the URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// `sqlite://path`
    Sqlite,
    /// `postgres://…` or `postgresql://…`
    Postgres,
}

/// Where a database is. It may hold a password, so it is shown without.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl {
    engine: Engine,
    url: String,
}

impl DatabaseUrl {
    /// Reads one; `None` if no engine serves it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let engine = match scheme {
            "sqlite" => Engine::Sqlite,
            "postgres" | "postgresql" => Engine::Postgres,
            _ => return None,
        };
        (!rest.is_empty()).then(|| Self {
            engine,
            url: text.to_owned(),
        })
    }

    /// The engine.
    #[must_use]
    pub const fn engine(&self) -> Engine {
        self.engine
    }

    /// The whole URL, password included.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.url
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&without_password(&self.url))
    }
}

/// `text`, with the password of a URL replaced by stars.
pub(super) fn without_password(text: &str) -> String {
    let hidden = text.split_once("://").and_then(|(scheme, rest)| {
        let authority_end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (credentials, _) = rest[..authority_end].rsplit_once('@')?;
        let (user, _) = credentials.split_once(':')?;
        Some(format!(
            "{scheme}://{user}:{STARS}{}",
            &rest[credentials.len()..]
        ))
    });
    hidden.unwrap_or_else(|| text.to_owned())
}

/// What an error may repeat of a value.
pub(super) fn shown(secrecy: Secrecy, text: &str) -> String {
    match secrecy {
        Secrecy::Password => without_password(text),
        Secrecy::Credentials => without_credentials(text),
        Secrecy::Everything => STARS.to_owned(),
    }
}

/// `text`, with stars for all that stands before an `@` or is too long to be a word of ours: keys end up in user
/// names, paths and parameters too. A URL's host is shown.
fn without_credentials(text: &str) -> String {
    const LONGEST_WORD: usize = 16;
    let word = |word: &str| {
        if word.chars().count() > LONGEST_WORD {
            STARS.to_owned()
        } else {
            word.to_owned()
        }
    };
    let words = |text: &str| -> String {
        text.split_inclusive(['/', '?', '&', '=', '#'])
            .map(|piece| {
                let end = piece.trim_end_matches(['/', '?', '&', '=', '#']);
                word(end) + &piece[end.len()..]
            })
            .collect()
    };
    let Some((scheme, rest)) = text.split_once("://") else {
        return words(text);
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, after) = rest.split_at(end);
    let authority = match authority.rsplit_once('@') {
        Some((_, host)) => format!("{STARS}@{host}"),
        None => authority.to_owned(),
    };
    format!("{}://{authority}{}", word(scheme), words(after))
}

/// Text that is not blank.
pub(super) fn text(value: &str) -> Option<String> {
    (!value.trim().is_empty()).then(|| value.to_owned())
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
    use super::{DatabaseUrl, Engine, Secrecy, address, boolean, millis, shown, without_password};

    #[test]
    fn the_url_chooses_the_engine() {
        let engine = |url| DatabaseUrl::parse(url).map(|url| url.engine());
        assert_eq!(engine("sqlite://data/x.db"), Some(Engine::Sqlite));
        assert_eq!(engine("postgres://u@h/db"), Some(Engine::Postgres));
        assert_eq!(engine("postgresql://u@h/db"), Some(Engine::Postgres));
        assert_eq!(engine("mysql://u@h/db"), None);
        assert_eq!(engine("sqlite://"), None);
        assert_eq!(engine("data/x.db"), None);
    }

    #[test]
    fn a_password_is_never_shown() {
        let url = DatabaseUrl::parse("postgres://me:p:w@host:5432/db?x=a@b").expect("a URL");
        assert_eq!(format!("{url:?}"), "postgres://me:***@host:5432/db?x=a@b");
        assert_eq!(without_password("sqlite://a:b/c"), "sqlite://a:b/c");
    }

    #[test]
    fn of_a_secret_nothing_is_shown_and_of_a_providers_url_no_credential() {
        assert_eq!(shown(Secrecy::Everything, "sk_live_1"), "***");
        let url = |text: &str| shown(Secrecy::Credentials, text);
        assert_eq!(
            url("simulated://?fail_rate=2&x=y"),
            "simulated://?fail_rate=2&x=y"
        );
        let key = "sk_test_51abcdefghijkl";
        assert_eq!(
            url(&format!("stripe+https://{key}@h/?a=1")),
            "stripe+https://***@h/?a=1"
        );
        assert_eq!(
            url(&format!("https://h/{key}/x?token={key}&a=1")),
            "https://h/***/x?token=***&a=1"
        );
        assert_eq!(url("smtp://me:pw@h:25"), "smtp://***@h:25");
        assert_eq!(url(key), "***");
    }

    #[test]
    fn values_are_read_strictly() {
        assert_eq!(boolean("yes"), None);
        assert_eq!(millis("0"), None);
        assert_eq!(address("localhost:80"), address("127.0.0.1:80"));
        assert_eq!(address("somewhere:80"), None);
    }
}
