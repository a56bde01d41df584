//! The settings of a process's stop.

use std::time::Duration;

use super::names;
use super::reader::{Read, Reader};

/// How long the two parts of a stop take.
///
/// ```text
/// SIGTERM ── delay: not ready, serves as before ──► listeners close ── limit: open requests end ──► exit
/// ```
#[derive(Clone, Copy, Debug)]
pub struct StopTimes {
    /// The time in which load balancers notice that the process is not ready and send it nothing more.
    pub delay: Duration,
    /// Maximum time from the end of the delay to the exit.
    pub limit: Duration,
}

impl StopTimes {
    /// # Errors
    /// A setting does not parse.
    pub fn read(reader: &mut Reader) -> Read<Self> {
        let delay = reader.get(&names::SHUTDOWN_DELAY_MS);
        let limit = reader.get(&names::SHUTDOWN_TIMEOUT_MS);
        Ok(Self {
            delay: delay?,
            limit: limit?,
        })
    }
}
