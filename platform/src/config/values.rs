//! The values that settings have, and how they are read.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

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
            "{scheme}://{user}:***{}",
            &rest[credentials.len()..]
        ))
    });
    hidden.unwrap_or_else(|| text.to_owned())
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
    use super::{DatabaseUrl, Engine, address, boolean, millis, without_password};

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
    fn values_are_read_strictly() {
        assert_eq!(boolean("yes"), None);
        assert_eq!(millis("0"), None);
        assert_eq!(address("localhost:80"), address("127.0.0.1:80"));
        assert_eq!(address("somewhere:80"), None);
    }
}
