//! The settings of an engine.

use std::time::Duration;

/// The settings and limits of an engine.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// Identifies this start of this process; must differ from every other process and every earlier start, because leases
    /// and command ids carry it.
    pub owner: String,
    /// Whether no other process can write to the store. The engine then seizes all partitions immediately, without
    /// waiting for the leases of an earlier start to expire.
    pub single_process: bool,
    /// How long a lease is valid without renewal; it is renewed after a third of that.
    pub lease: Duration,
    /// Maximum number of sagas driven concurrently, including those with a call in flight.
    pub drives: usize,
    /// Maximum number of concurrent calls to providers.
    pub calls: usize,
    /// Timeout of one commit attempt, and of reading a saga's latest state.
    pub commit_timeout: Duration,
    /// Upper limit of the backoff between tries of a step, whatever its definition sets. A provider's `retry_after`
    /// overrides it.
    pub max_backoff: Duration,
    /// The pause before a retry after an error of the store.
    pub retry: Duration,
    /// Number of events of the log between two snapshots of the index of open sagas.
    pub snapshot_every: u64,
}

impl EngineConfig {
    /// The defaults for this owner.
    #[must_use]
    pub fn new(owner: impl Into<String>) -> Self {
        Self {
            owner: owner.into(),
            single_process: false,
            lease: Duration::from_secs(15),
            drives: 1_024,
            calls: 256,
            commit_timeout: Duration::from_secs(10),
            max_backoff: Duration::MAX,
            retry: Duration::from_millis(500),
            snapshot_every: 20_000,
        }
    }

    /// Allows this many concurrent calls, and at least twice as many sagas driven concurrently, so that sagas without a
    /// call are not starved.
    #[must_use]
    pub fn with_calls(self, calls: usize) -> Self {
        Self {
            calls,
            drives: self.drives.max(calls.saturating_mul(2)),
            ..self
        }
    }
}
