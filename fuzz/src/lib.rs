//! What the fuzz targets share: a clock that is set, a runtime whose time passes only while all wait, and a
//! connection whose bytes are known beforehand.

mod gateway;
mod runtime;
mod stream;
mod strict_http1;
pub mod tokens;

use chrono::{DateTime, Utc};
use event_sourcing::Clock;
use event_sourcing::testing::at;

pub use gateway::{Answer, Gateway};
pub use runtime::block_on;
pub use stream::{ScriptedStream, Written};
pub use strict_http1::{StrictRequest, requests};

/// A clock that always shows the same time.
#[derive(Clone, Copy, Debug, Default)]
pub struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> DateTime<Utc> {
        at(0)
    }
}

/// The first byte, to choose by, and the rest.
#[must_use]
pub fn split_choice(data: &[u8]) -> Option<(usize, &[u8])> {
    let (choice, rest) = data.split_first()?;
    Some((usize::from(*choice), rest))
}
