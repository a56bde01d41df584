//! SQLite files with failing disks, long readers and cancelled callers.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests may fail as tests do"
)]

mod copies;
mod driver;
mod failing_disk;
mod sessions;
mod support;
mod write_ahead_log;
