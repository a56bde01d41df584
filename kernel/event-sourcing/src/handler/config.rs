//! The limits of a handler.

use std::time::Duration;

/// The limits of an event handler.
#[derive(Clone, Debug)]
pub struct HandlerConfig {
    /// Identifies this process among those that may run the handler.
    pub owner: String,
    /// The maximum number of events in one page of the log.
    pub page: usize,
    /// How long the lease lasts without renewal; it is renewed every third of this time.
    pub lease: Duration,
    /// The maximum number of concurrent deliveries, each of another stream.
    pub concurrency: usize,
    /// The maximum number of events in memory that are not delivered yet.
    pub max_pending: usize,
    /// How far the handler may read ahead of its checkpoint, in positions of the log: after a crash, events delivered
    /// above the checkpoint are delivered again.
    pub max_ahead: u64,
    /// The maximum number of attempts before the stream is parked.
    pub attempts: u32,
    /// The timeout of one attempt.
    pub attempt_timeout: Duration,
    /// The backoff before the second attempt; it doubles with each.
    pub first_pause: Duration,
    /// The maximum backoff between attempts.
    pub longest_pause: Duration,
    /// With more parked streams than this the handler stops reading: the receiver is probably unavailable, and parking
    /// more streams would not help.
    pub max_parked: usize,
    /// How long a stop waits for attempts in progress. Those that do not finish are delivered again by the next
    /// process.
    pub stop_grace: Duration,
    /// How long completed deliveries accumulate before the checkpoint is written.
    pub linger: Duration,
    /// How long the checkpoint may lag behind events that do not match the handler.
    pub idle: Duration,
    /// The first backoff after a database error; it doubles with each.
    pub retry_min: Duration,
    /// The maximum backoff after a database error.
    pub retry_max: Duration,
}

impl HandlerConfig {
    /// The defaults for a process of this name. With the default backoff, ten attempts take two to five minutes.
    #[must_use]
    pub fn new(owner: impl Into<String>) -> Self {
        Self {
            owner: owner.into(),
            page: 500,
            lease: Duration::from_secs(15),
            concurrency: 16,
            max_pending: 1_000,
            max_ahead: 10_000,
            attempts: 10,
            attempt_timeout: Duration::from_secs(30),
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_mins(1),
            max_parked: 1_000,
            stop_grace: Duration::from_secs(3),
            linger: Duration::from_millis(50),
            idle: Duration::from_secs(1),
            retry_min: Duration::from_millis(50),
            retry_max: Duration::from_secs(5),
        }
    }
}
