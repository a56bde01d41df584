//! What a store could not do.

use std::sync::Arc;

/// A store that could not do what it was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// Nothing happened; trying again may help.
    #[error("{operation}: the store is unavailable")]
    Unavailable {
        /// What was asked of it.
        operation: &'static str,
        /// Why.
        #[source]
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// The connection broke while it committed: the whole batch is in or out. Sending it again tells.
    #[error("{operation}: the outcome is unknown")]
    OutcomeUnknown {
        /// What was asked of it.
        operation: &'static str,
        /// Why.
        #[source]
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// Trying again will not help: a bug, or a damaged or foreign database.
    #[error("{operation}: the store failed")]
    Failed {
        /// What was asked of it.
        operation: &'static str,
        /// Why.
        #[source]
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
}

/// What an error says, and each of its causes.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

impl StoreError {
    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        !matches!(self, Self::Failed { .. })
    }
}
