//! Why a subscription ends.

use crate::log::ForeignLog;
use crate::store::StoreError;

/// Why a process stopped working on a subscription for now.
#[derive(Debug)]
pub(crate) enum Lost {
    /// Another process has the lease, or wrote the checkpoint.
    Lease,
    /// The checkpoint is not of this log.
    Log(ForeignLog),
    /// A database could not be reached.
    Error(StoreError),
}

impl From<StoreError> for Lost {
    fn from(error: StoreError) -> Self {
        Self::Error(error)
    }
}

impl From<ForeignLog> for Lost {
    fn from(foreign: ForeignLog) -> Self {
        Self::Log(foreign)
    }
}
