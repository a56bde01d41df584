//! Why an event store was not opened.

use event_sourcing::StoreError;

/// Why an event store was not opened. The URL is not shown, since it may hold a password.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL begins with no scheme that an engine serves.
    #[error("the URL of the event store begins with neither `sqlite:` nor `postgres:`")]
    UnknownScheme,
    /// The file cannot be opened, or does not fit this binary.
    #[error(transparent)]
    Sqlite(#[from] event_store_sqlite::OpenError),
    /// The server cannot be reached, or its database does not fit this binary.
    #[error(transparent)]
    Postgres(#[from] StoreError),
}

impl OpenError {
    /// Whether another try may succeed: a server can be starting. A file is there, or another process has it for as long as it
    /// runs.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Postgres(error) if error.is_retryable())
    }
}
