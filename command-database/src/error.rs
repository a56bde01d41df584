//! What became of a statement that failed.

use event_sourcing::StoreError;

/// The command database did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct DatabaseError(#[from] pub(crate) StoreError);

impl DatabaseError {
    /// What its user found wrong in an answer.
    pub fn new(
        operation: &'static str,
        source: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        Self(sql_database::failed(operation, source))
    }

    /// Whether trying again may help.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.0.is_retryable()
    }

    /// Whether it is certain that nothing was changed.
    #[must_use]
    pub fn nothing_happened(&self) -> bool {
        !matches!(self.0, StoreError::OutcomeUnknown { .. })
    }
}
