//! The limits of an appender.

use std::time::Duration;

/// The limits of an appender.
#[derive(Clone, Debug)]
pub struct AppenderConfig {
    /// The maximum number of queued commits.
    pub queue: usize,
    /// The maximum number of commits in one batch.
    pub batch_commits: usize,
    /// A batch takes no further commit once it holds this many events.
    pub batch_events: usize,
    /// The backoff before the first retry of a batch when the store is unavailable; it doubles with each retry.
    pub retry_min: Duration,
    /// The maximum backoff.
    pub retry_max: Duration,
}

impl Default for AppenderConfig {
    fn default() -> Self {
        Self {
            queue: 4_096,
            batch_commits: 512,
            batch_events: 2_000,
            retry_min: Duration::from_millis(10),
            retry_max: Duration::from_secs(1),
        }
    }
}
