//! SQLite files whose disk fails, whose readers stay, and whose callers go away.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests may fail as tests do"
)]

mod driver;
mod failing_disk;
mod sessions;
mod support;
mod write_ahead_log;
