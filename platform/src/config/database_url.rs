//! Database URLs.
//!
//! A URL is validated completely before it is used. Unknown parts are rejected, because a driver would ignore them, or
//! treat them as part of a file name and open an empty database.

use std::fmt;

use url::Url;

use super::shown::{HIDDEN_POSTGRES_PARAMETERS, SHOWN_POSTGRES_PARAMETERS, without_password};
use super::values::is_plain_path;

const SSL_MODES: [&str; 6] = [
    "disable",
    "allow",
    "prefer",
    "require",
    "verify-ca",
    "verify-full",
];

/// The database engine, chosen by the URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

/// The URL of a database. It may contain a password, which is never displayed.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl {
    engine: Engine,
    url: String,
}

impl DatabaseUrl {
    /// Parses a URL; `None` if the scheme or a part of it is unknown.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let (engine, is_understood) = match scheme {
            "sqlite" => (Engine::Sqlite, is_plain_path(rest)),
            "postgres" | "postgresql" => (Engine::Postgres, is_postgres(text)),
            _ => return None,
        };
        is_understood.then(|| Self {
            engine,
            url: text.to_owned(),
        })
    }

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

fn is_postgres(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else {
        return false;
    };
    url.fragment().is_none()
        && url
            .query_pairs()
            .all(|(name, value)| is_parameter(&name, &value))
}

fn is_parameter(name: &str, value: &str) -> bool {
    match name {
        "sslmode" => SSL_MODES.contains(&value),
        "port" => value.parse::<u16>().is_ok(),
        "statement-cache-capacity" => value.parse::<usize>().is_ok(),
        "hostaddr" => value.parse::<std::net::IpAddr>().is_ok(),
        _ => {
            SHOWN_POSTGRES_PARAMETERS.contains(&name)
                || HIDDEN_POSTGRES_PARAMETERS.contains(&name)
                || (name.starts_with("options[") && name.ends_with(']'))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{DatabaseUrl, Engine, without_password};

    #[test]
    fn the_url_chooses_the_engine() {
        let engine = |url| DatabaseUrl::parse(url).map(|url| url.engine());
        assert_eq!(engine("sqlite://data/x.db"), Some(Engine::Sqlite));
        assert_eq!(engine("postgres://u@h/db"), Some(Engine::Postgres));
        assert_eq!(engine("postgresql://u@h/db"), Some(Engine::Postgres));
        assert_eq!(
            engine("postgres:///db?host=/run/postgresql"),
            Some(Engine::Postgres)
        );
        assert_eq!(
            engine("postgres://[::1]:5432/db?sslmode=require"),
            Some(Engine::Postgres)
        );
        assert_eq!(engine("mysql://u@h/db"), None);
        assert_eq!(engine("data/x.db"), None);
    }

    #[test]
    fn a_url_with_unknown_parts_is_rejected() {
        for rejected in [
            "sqlite://",
            "sqlite://:memory:",
            "sqlite://data/x.db?mode=ro",
            "sqlite://data/x.db#1",
            "sqlite://data/my%20shop.db",
            "sqlite://data/x.db\r",
            "postgres//u:SECRET@h",
            "postgres://h:99999/db",
            "postgres://h/db?sslmode=sure",
            "postgres://h/db?port=99999",
            "postgres://h/db?statement-cache-capacity=many",
            "postgres://h/db?hostaddr=here",
            "postgres://h/db?conect_timeout=3",
            "postgres://h/db#1",
        ] {
            assert_eq!(DatabaseUrl::parse(rejected), None, "{rejected}");
        }
    }

    #[test]
    fn a_secret_is_never_shown_in_any_part_of_a_url() {
        for url in [
            "postgres://me:SECRET@host:5432/db",
            "postgres://me:p:SECRET@host:5432/db",
            "postgres://me@host/db?password=SECRET",
            "postgres://host/db?user=me&password=SECRET&sslmode=require",
            "postgres://host/db?options=-c%20x%3DSECRET",
            "postgres://host/db?SECRET=1",
            "postgres//u:SECRET@h",
            "postgres:u:SECRET@h/db",
            "host=h password=SECRET",
            "mysql://me:SECRET@host/db",
            "postgres://me:SECRET@host:99999/db",
        ] {
            let shown = without_password(url);
            assert!(!shown.contains("SECRET"), "{shown}");
            if let Some(parsed) = DatabaseUrl::parse(url) {
                assert_eq!(format!("{parsed:?}"), shown);
            }
        }
    }
}
