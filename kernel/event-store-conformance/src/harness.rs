//! What an adapter's tests give the suite.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use event_sourcing::{EventStore, LeaseStore, Position};

/// The data of one test: it begins empty and belongs to nobody else.
#[async_trait]
pub trait Harness: Send + Sync {
    /// A handle on this harness's data, as another process would have one. An engine that allows one writing process
    /// gives the same handle again.
    ///
    /// Its polling interval must be set to an hour or so, where the adapter has one, so that only a notification can
    /// wake a waiting reader.
    async fn open(&self) -> Handle;

    /// Lets `by` pass, as the leases see it: moves the injected clock forward, or each expiry in the database back.
    async fn advance(&self, by: Duration);

    /// Changes the stored event at `position` so that it cannot be read, in the `way`-th way (from 0) in which the
    /// adapter's rows can be damaged: metadata, time, ids. Whether there is such a way.
    async fn damage(&self, position: Position, way: usize) -> bool;
}

/// A store as one process has it.
#[derive(Clone)]
pub struct Handle {
    /// Its events.
    pub events: Arc<dyn EventStore>,
    /// The leases beside them, which fences refer to.
    pub leases: Arc<dyn LeaseStore>,
}

impl Handle {
    /// A handle on a store that keeps both.
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
