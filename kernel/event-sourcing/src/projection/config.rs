//! The limits of a runner.

use std::time::Duration;

use crate::store::MAX_PAGE_EVENTS;

/// The limits of a runner.
#[derive(Clone, Debug)]
pub struct RunnerConfig {
    /// Identifies this process among those that may run the projection.
    pub owner: String,
    /// The maximum number of events in one page.
    pub page: usize,
    /// How long the lease lasts without renewal; it is renewed every third of this time.
    pub lease: Duration,
    /// While no reader waits: how long the checkpoint may lag behind events that do not match, and how long matching
    /// events may accumulate.
    pub idle: Duration,
    /// The first backoff after a database error; it doubles with each.
    pub retry_min: Duration,
    /// The maximum backoff.
    pub retry_max: Duration,
}

impl RunnerConfig {
    /// The defaults for a process of this name.
    #[must_use]
    pub fn new(owner: impl Into<String>) -> Self {
        Self {
            owner: owner.into(),
            page: MAX_PAGE_EVENTS,
            lease: Duration::from_secs(15),
            idle: Duration::from_millis(25),
            retry_min: Duration::from_millis(50),
            retry_max: Duration::from_secs(5),
        }
    }
}
