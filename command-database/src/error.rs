//! Errors of statements.

use event_sourcing::StoreError;

/// A statement on the command database failed.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct DatabaseError(#[from] pub(crate) StoreError);

impl DatabaseError {
    /// An error that the caller detected in a result.
    pub fn new(
        operation: &'static str,
        source: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        Self(sql_database::failed(operation, source))
    }

    /// Whether a retry may succeed.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.0.is_retryable()
    }

    /// Whether it is certain that the statement had no effect.
    #[must_use]
    pub fn nothing_happened(&self) -> bool {
        !matches!(self.0, StoreError::OutcomeUnknown { .. })
    }
}
