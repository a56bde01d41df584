//! The engine that a URL names.

use crate::error::OpenError;

/// Which engine serves a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

impl Engine {
    pub(crate) fn of(url: &str) -> Result<Self, OpenError> {
        match url.split_once(':') {
            Some(("sqlite", _)) => Ok(Self::Sqlite),
            Some(("postgres" | "postgresql", _)) => Ok(Self::Postgres),
            _ => Err(OpenError::UnknownScheme),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_names_the_engine() {
        for (url, engine) in [
            ("sqlite://data/events.db", Engine::Sqlite),
            ("sqlite:data/events.db", Engine::Sqlite),
            ("postgres://me@localhost/shop", Engine::Postgres),
            ("postgresql://me@localhost/shop", Engine::Postgres),
        ] {
            assert_eq!(Engine::of(url).ok(), Some(engine), "{url}");
        }
        for url in ["", "data/events.db", "mysql://localhost/shop", "sqlite3:x"] {
            let rejected = Engine::of(url);
            assert!(matches!(rejected, Err(OpenError::UnknownScheme)), "{url}");
        }
    }
}
