//! Settings of the write side.

use std::time::Duration;

use crate::config::setting::Setting;
use crate::config::values::{log_mark, positive};

pub const SAGA_LEASE_MS: Setting<Duration> = Setting::new(
    "SAGA_LEASE_MS",
    |text| {
        positive(text)
            .filter(|ms| (1_000..=600_000).contains(ms))
            .map(|ms| Duration::from_millis(ms.into()))
    },
    "1000 to 600000",
    "Milliseconds until another process resumes the sagas of a crashed one",
)
.or("15000");
pub const SAGA_RETRY_MAX_MS: Setting<Duration> = Setting::new(
    "SAGA_RETRY_MAX_MS",
    |text| {
        positive(text)
            .filter(|ms| *ms <= 3_600_000)
            .map(|ms| Duration::from_millis(ms.into()))
    },
    "1 to 3600000",
    "Maximum milliseconds between two attempts of a saga's step, unless its provider requests more",
)
.or("60000");
pub const SAGA_CALLS: Setting<u32> = Setting::new(
    "SAGA_CALLS",
    |text| positive(text).filter(|calls| *calls <= 100_000),
    "1 to 100000",
    "Concurrent calls to providers",
)
.or("256");
pub const ACCEPT_LOG: Setting<String> = Setting::new(
    "ACCEPT_LOG",
    log_mark,
    "LOG@HEAD, as the error of the failed start prints it",
    "Start once although the event store was restored from an older copy or replaced",
);
