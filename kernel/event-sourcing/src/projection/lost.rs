//! Why a runner stops.

use super::Parked;
use crate::log::ForeignLog;
use crate::store::StoreError;

/// Why a runner stopped working on its projection for now.
pub(super) enum Lost {
    /// Another process has the lease, or wrote the checkpoint.
    Lease,
    /// The checkpoint is not of this log.
    Log(ForeignLog),
    /// A database could not be reached.
    Error(StoreError),
    /// The projection is parked, and this runner has tried.
    Parked(Parked),
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
