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
    /// How long commits are retried while the store is unavailable: a short outage only delays them. Once it has lasted for
    /// longer, a commit fails with its first attempt instead of at its deadline, until one succeeds. A commit whose
    /// outcome is unknown is retried until its deadline in any case.
    pub outage_timeout: Duration,
}

impl Default for AppenderConfig {
    fn default() -> Self {
        Self {
            queue: 4_096,
            batch_commits: 512,
            batch_events: 2_000,
            retry_min: Duration::from_millis(10),
            retry_max: Duration::from_secs(1),
            outage_timeout: Duration::from_secs(1),
        }
    }
}
