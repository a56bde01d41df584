//! What may be set.

use std::time::Duration;

/// The limits of an engine.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// Names this start of this process; no other process and no earlier start may have the same.
    pub owner: String,
    /// Whether no other process can write the store. It then takes all partitions at once, whoever seems to hold
    /// them.
    pub single_process: bool,
    /// How long a lease lasts without renewal; it is renewed at every third of it.
    pub lease: Duration,
    /// The most sagas that are looked at side by side, those that make a call among them.
    pub drives: usize,
    /// The most calls to the outside side by side.
    pub calls: usize,
    /// How long one commit is tried before the saga is put back.
    pub commit_timeout: Duration,
    /// No pause between two tries of a step is longer than this, whatever the table says, unless the provider asks for
    /// a longer one.
    pub longest_pause: Duration,
    /// The pause after a store's error.
    pub retry: Duration,
    /// The index of open sagas is kept as a snapshot each time the log has grown by so many events.
    pub snapshot_every: u64,
}

impl EngineConfig {
    /// The defaults for a process of this name.
    #[must_use]
    pub fn new(owner: impl Into<String>) -> Self {
        Self {
            owner: owner.into(),
            single_process: false,
            lease: Duration::from_secs(15),
            drives: 1_024,
            calls: 256,
            commit_timeout: Duration::from_secs(10),
            longest_pause: Duration::MAX,
            retry: Duration::from_millis(500),
            snapshot_every: 20_000,
        }
    }

    /// The same with so many calls side by side, and room beside them for as many sagas that make none.
    #[must_use]
    pub fn with_calls(self, calls: usize) -> Self {
        Self {
            calls,
            drives: self.drives.max(calls.saturating_mul(2)),
            ..self
        }
    }
}
