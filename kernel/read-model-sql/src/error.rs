//! Database errors as the kernel's [`StoreError`], told apart where they arise.

use std::error::Error as StdError;
use std::sync::Arc;

use event_sourcing::StoreError;

/// An error of a statement that had no effect, or whose effect does not matter.
pub(crate) fn store_error(operation: &'static str, error: sqlx::Error) -> StoreError {
    if is_retryable(&error) {
        StoreError::Unavailable {
            operation,
            source: Arc::new(error),
        }
    } else {
        failed(operation, error)
    }
}

/// An error of COMMIT, or of a statement that commits by itself: a connection that broke there leaves the outcome open.
pub(crate) fn commit_error(operation: &'static str, error: sqlx::Error) -> StoreError {
    if matches!(error, sqlx::Error::Database(_)) {
        return store_error(operation, error);
    }
    StoreError::OutcomeUnknown {
        operation,
        source: Arc::new(error),
    }
}

/// An error that trying again does not mend.
pub(crate) fn failed(
    operation: &'static str,
    error: impl StdError + Send + Sync + 'static,
) -> StoreError {
    StoreError::Failed {
        operation,
        source: Arc::new(error),
    }
}

/// Whether the error is of this connection, so that another one may do.
pub(crate) fn is_broken(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) => true,
        // The server ends the session: it was asked to, it crashed, or it stops.
        sqlx::Error::Database(database) => database
            .code()
            .is_some_and(|code| matches!(code.as_ref(), "57P01" | "57P02" | "57P03")),
        _ => false,
    }
}

fn is_retryable(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::BeginFailed => true,
        sqlx::Error::Database(database) => database.code().is_some_and(|code| {
            // PostgreSQL: connection, resources, rollback, operator; SQLite: busy and locked.
            ["08", "53", "40", "57"]
                .iter()
                .any(|class| code.len() == 5 && code.starts_with(class))
                || matches!(code.as_ref(), "5" | "6" | "261" | "262" | "517")
        }),
        _ => false,
    }
}
