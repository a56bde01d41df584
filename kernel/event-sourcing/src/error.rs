//! The error of a store.

use std::sync::Arc;

/// Why a call of a store failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// Nothing was written; a retry may succeed.
    #[error("{operation}: the store is unavailable")]
    Unavailable {
        /// The operation that failed.
        operation: &'static str,
        /// The cause.
        #[source]
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// The connection broke during the commit: the whole batch was written or none of it. Sending it again resolves it,
    /// because commits are idempotent.
    #[error("{operation}: the outcome is unknown")]
    OutcomeUnknown {
        /// The operation that failed.
        operation: &'static str,
        /// The cause.
        #[source]
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// Nothing was written, and a retry will not succeed: a bug, or a damaged or foreign database.
    #[error("{operation}: the store failed")]
    Failed {
        /// The operation that failed.
        operation: &'static str,
        /// The cause.
        #[source]
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
}

/// The message of an error, followed by those of its causes.
pub fn with_causes(error: &dyn std::error::Error) -> String {
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
