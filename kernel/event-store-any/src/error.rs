//! Why an event store was not opened.

use std::path::PathBuf;

use event_sourcing::StoreError;

/// Why an event store was not opened. The URL is not shown, because it may contain a password.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The scheme of the URL belongs to no engine.
    #[error("the URL of the event store starts with neither `sqlite:` nor `postgres:`")]
    UnknownScheme,
    /// The file cannot be opened, or its schema does not fit this binary.
    #[error(transparent)]
    Sqlite(#[from] event_store_sqlite::OpenError),
    /// The server cannot be reached, or its schema does not fit this binary.
    #[error(transparent)]
    Postgres(#[from] StoreError),
    /// Its data was replaced, and that was interrupted.
    #[error("a restore of the event store was not completed; repeat it before the store is used")]
    Restoring,
    /// The mark of a restore cannot be stored or removed.
    #[error("cannot write {}", path.display())]
    Mark {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
}

impl OpenError {
    /// Whether a retry may succeed: a server may be starting. A file that is missing or in use by another process stays
    /// so.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Postgres(error) if error.is_retryable())
    }
}
