//! The interface between an adapter's tests and the suite.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use event_sourcing::{EventStore, LeaseStore, LogMaintenance, Position};

/// The data of one test, which starts empty and is not shared with other tests.
#[async_trait]
pub trait Harness: Send + Sync {
    /// Opens a handle on this harness's data, as another process would. An engine that allows only one writing process
    /// returns the same handle again.
    ///
    /// If the adapter polls, its polling interval must be about an hour, so that only a notification can wake a waiting
    /// reader.
    async fn open(&self) -> Handle;

    /// Advances the time of leases by `by`: moves the injected clock forward, or each expiry in the database back.
    async fn advance(&self, by: Duration);

    /// Damages the stored event at `position` so that it cannot be read, in one of the forms that the adapter's rows
    /// allow (metadata, time, ids), counted by `variant` from 0. Returns whether there is such a variant.
    async fn damage(&self, position: Position, variant: usize) -> bool;
}

/// The data of one test of an adapter of a database that operators maintain.
#[async_trait]
pub trait MaintenanceHarness: Harness {
    /// Opens a handle on this harness's data, as an operator's command would.
    async fn maintain(&self) -> Arc<dyn LogMaintenance>;
}

/// The store as opened by one process.
#[derive(Clone)]
pub struct Handle {
    /// The event store.
    pub events: Arc<dyn EventStore>,
    /// The lease store that the fences of commits refer to.
    pub leases: Arc<dyn LeaseStore>,
}

impl Handle {
    /// A handle on a store that implements both traits.
    #[must_use]
    pub fn new<S: EventStore + LeaseStore>(store: Arc<S>) -> Self {
        Self {
            events: Arc::clone(&store) as Arc<dyn EventStore>,
            leases: store,
        }
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").finish_non_exhaustive()
    }
}
