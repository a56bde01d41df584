//! Time in tests.

use chrono::{DateTime, TimeZone, Utc};
use tokio::time::Instant;

use crate::clock::{Clock, after, to_micros};

/// A fixed time, `second` seconds after the start of 2026.
///
/// # Panics
/// If there is no such time.
#[must_use]
pub fn at(second: u32) -> DateTime<Utc> {
    Utc.timestamp_opt(1_767_225_600 + i64::from(second), 0)
        .single()
        .expect("a valid time")
}

/// A clock that advances with tokio's, starting at [`at`]`(0)`. In a test with paused time, both stop while any task
/// can run, and then advance to the next timer.
#[derive(Debug)]
pub struct TokioClock(Instant);

impl TokioClock {
    /// Starts a clock.
    #[must_use]
    pub fn start() -> Self {
        Self(Instant::now())
    }
}

impl Clock for TokioClock {
    fn now(&self) -> DateTime<Utc> {
        to_micros(after(at(0), self.0.elapsed()))
    }
}
