//! Settings of the read side.

use std::time::Duration;

use super::accepts::A_DURATION;
use crate::config::setting::Setting;
use crate::config::values::{millis, number};

pub const HEALTH_LAG_MS: Setting<Duration> = Setting::new(
    "HEALTH_LAG_MS",
    millis,
    A_DURATION,
    "A projection lags when an event has been missing from its rows for this long; /health is then 503",
)
.or("10000");
pub const HEALTH_LAG_EVENTS: Setting<u64> = Setting::new(
    "HEALTH_LAG_EVENTS",
    number,
    "0 to 18446744073709551615",
    "Number of events that may be missing from a projection's rows without it lagging, however old they are",
)
.or("0");
