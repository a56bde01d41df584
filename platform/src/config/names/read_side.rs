//! The read side: when it lags.

use std::time::Duration;

use super::accepts::A_TIME;
use crate::config::setting::Setting;
use crate::config::values::{millis, number};

/// How long the oldest event may wait to be folded before the read side is said to lag.
pub const HEALTH_LAG_MS: Setting<Duration> = Setting::new(
    "HEALTH_LAG_MS",
    millis,
    A_TIME,
    "A projection lags when an event is this old and not in its rows; /health is 503 then",
)
.or("10000");
/// How many events may wait to be folded however long.
pub const HEALTH_LAG_EVENTS: Setting<u64> = Setting::new(
    "HEALTH_LAG_EVENTS",
    number,
    "a whole number from 0",
    "How many events may be missing from a projection's rows however old they are",
)
.or("0");
