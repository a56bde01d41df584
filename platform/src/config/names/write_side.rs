//! The write side: its sagas, and the event store that it accepts.

use std::time::Duration;

use crate::config::setting::Setting;
use crate::config::values::{log_mark, positive};

/// How long a process that ended without a word keeps its sagas from the others.
pub const SAGA_LEASE_MS: Setting<Duration> = Setting::new(
    "SAGA_LEASE_MS",
    |text| {
        positive(text)
            .filter(|ms| (1_000..=600_000).contains(ms))
            .map(|ms| Duration::from_millis(ms.into()))
    },
    "1000 to 600000",
    "Milliseconds until the sagas of a process that died go on elsewhere",
)
.or("15000");
/// The longest pause between two tries of a saga's step.
pub const SAGA_RETRY_MAX_MS: Setting<Duration> = Setting::new(
    "SAGA_RETRY_MAX_MS",
    |text| {
        positive(text)
            .filter(|ms| *ms <= 3_600_000)
            .map(|ms| Duration::from_millis(ms.into()))
    },
    "1 to 3600000",
    "The most milliseconds between two tries of a saga's step, unless its provider asks for more",
)
.or("60000");
/// How many calls to providers a process makes at once.
pub const SAGA_CALLS: Setting<u32> = Setting::new(
    "SAGA_CALLS",
    |text| positive(text).filter(|calls| *calls <= 100_000),
    "1 to 100000",
    "Calls to providers at once",
)
.or("256");
/// An event store that an operator accepts although it was restored from an older copy, or is another one.
pub const ACCEPT_LOG: Setting<String> = Setting::new(
    "ACCEPT_LOG",
    log_mark,
    "LOG@HEAD, as a refused start names it",
    "Start once although the event store was restored from an older copy or replaced",
);
