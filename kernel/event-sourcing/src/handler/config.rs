//! The limits of a handler.

use std::time::Duration;

/// The limits of an event handler.
#[derive(Clone, Debug)]
pub struct HandlerConfig {
    /// Names this process among those that could run the handler.
    pub owner: String,
    /// The most events of one page of the log.
    pub page: usize,
    /// How long the lease lasts without a renewal; it is renewed at every third of it.
    pub lease: Duration,
    /// How many events are being delivered at once, each of another stream.
    pub concurrency: usize,
    /// The most events that are kept in memory until they are delivered.
    pub max_pending: usize,
    /// How far the handler may be ahead of its checkpoint, in positions of the log: after a crash, what was delivered
    /// above the checkpoint is delivered again.
    pub max_ahead: u64,
    /// How often an event is tried before its stream is parked.
    pub attempts: u32,
    /// The time limit of one try.
    pub attempt_timeout: Duration,
    /// The pause before the second try; it doubles with each.
    pub first_pause: Duration,
    /// The longest such pause.
    pub longest_pause: Duration,
    /// Above so many parked streams the handler reads no further: the receiver is gone, and it is not the streams.
    pub max_parked: usize,
    /// How long a stop waits for tries that are under way. What has no end by then is delivered again.
    pub stop_grace: Duration,
    /// How long ends of deliveries gather before the checkpoint is written.
    pub linger: Duration,
    /// How long a checkpoint may stay behind events that do not concern the handler.
    pub idle: Duration,
    /// The first pause after a database error; it doubles with each.
    pub retry_min: Duration,
    /// The longest such pause.
    pub retry_max: Duration,
}

impl HandlerConfig {
    /// The defaults for a process of this name. With their pauses, ten tries take two to five minutes.
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
