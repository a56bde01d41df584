//! Time.

use chrono::{DateTime, Utc};
use event_sourcing::Clock;
use event_sourcing::testing::at;

/// A clock that always shows the same time.
#[derive(Clone, Copy, Debug, Default)]
pub struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> DateTime<Utc> {
        at(0)
    }
}
