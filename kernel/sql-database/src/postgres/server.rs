//! Adds the address of a server to errors.

use std::error::Error;
use std::sync::Arc;

use event_sourcing::StoreError;
use sqlx::postgres::PgConnectOptions;

/// An error with the server's address, which shows the database in question when a process uses several.
#[derive(Debug, thiserror::Error)]
#[error("PostgreSQL at {place}")]
struct AtServer {
    place: String,
    #[source]
    source: Arc<dyn Error + Send + Sync>,
}

/// Adds the host and port that `url` names, or its socket, to `error`. The user and the password are not included.
#[must_use]
pub fn at_server(url: &str, error: StoreError) -> StoreError {
    let Ok(options) = url.parse::<PgConnectOptions>() else {
        return error;
    };
    let place = place(&options);
    let at = |source| -> Arc<dyn Error + Send + Sync> { Arc::new(AtServer { place, source }) };
    match error {
        StoreError::Unavailable { operation, source } => StoreError::Unavailable {
            operation,
            source: at(source),
        },
        StoreError::OutcomeUnknown { operation, source } => StoreError::OutcomeUnknown {
            operation,
            source: at(source),
        },
        StoreError::Failed { operation, source } => StoreError::Failed {
            operation,
            source: at(source),
        },
    }
}

fn place(options: &PgConnectOptions) -> String {
    let port = options.get_port();
    match options.get_socket() {
        Some(folder) => format!("{}/.s.PGSQL.{port}", folder.display()),
        None => format!("{}:{port}", options.get_host()),
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;
    use std::sync::Arc;

    use event_sourcing::StoreError;

    use super::at_server;

    #[test]
    fn an_error_contains_the_address_and_no_credentials() {
        for (url, expected) in [
            (
                "postgres://me:secret@db.test:6432/shop",
                "PostgreSQL at db.test:6432",
            ),
            ("postgres://me@[::1]/shop", "PostgreSQL at [::1]:5432"),
            (
                "postgres://me@localhost/shop?host=/run/postgresql",
                "PostgreSQL at /run/postgresql/.s.PGSQL.5432",
            ),
        ] {
            let error = StoreError::Unavailable {
                operation: "open",
                source: Arc::new(std::io::Error::other("unreachable")),
            };
            let error = at_server(url, error);
            assert!(error.is_retryable());
            let place = error.source().expect("a place");
            assert_eq!(place.to_string(), expected);
            assert_eq!(place.source().expect("a cause").to_string(), "unreachable");
        }
    }
}
