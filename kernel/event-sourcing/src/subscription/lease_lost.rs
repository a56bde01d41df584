//! Why a process loses a subscription.

use crate::log::ForeignLog;
use crate::store::StoreError;

/// Why a process stopped processing a subscription. It tries again later.
#[derive(Debug)]
pub(crate) enum LeaseLost {
    /// Another process holds the lease, or wrote the checkpoint.
    Lease,
    /// The checkpoint belongs to another log.
    Log(ForeignLog),
    /// A database could not be reached.
    Error(StoreError),
}

impl From<StoreError> for LeaseLost {
    fn from(error: StoreError) -> Self {
        Self::Error(error)
    }
}

impl From<ForeignLog> for LeaseLost {
    fn from(foreign: ForeignLog) -> Self {
        Self::Log(foreign)
    }
}
