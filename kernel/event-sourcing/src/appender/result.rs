//! What becomes of a commit, and of an append call.

use crate::commit::{Receipt, Rejected};
use crate::store::StoreError;

/// Whether a commit without a receipt may have been written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitOutcome {
    /// It was not written.
    None,
    /// The outcome is unknown: it may have been written. Sending the same command again resolves it.
    Unknown,
}

/// Why a commit has no receipt.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AppendError {
    /// The store validated the commit and rejected it.
    #[error(transparent)]
    Rejected(#[from] Rejected),
    /// The store returned no result before the deadline, or the queue stayed full.
    #[error("the event store did not respond in time ({0:?})")]
    Unavailable(CommitOutcome),
    /// The store failed permanently; nothing was written.
    #[error(transparent)]
    Failed(StoreError),
}

pub type AppendResult = Result<Receipt, AppendError>;

/// The result of the last append call to the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastWrite {
    /// No append was called yet.
    None,
    /// The store returned results, accepted or rejected.
    Answered,
    /// The store was unavailable or the outcome unknown; the appender retries.
    Unavailable,
    /// A permanent failure: the store cannot write this batch, or any.
    Failed,
}
