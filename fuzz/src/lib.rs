//! What the fuzz targets share: a fixed clock, a runtime whose time passes only while all wait, a gateway, and a connection
//! whose bytes are known beforehand.

mod clock;
mod gateway;
mod runtime;
mod stream;
mod strict_http1;
pub mod tokens;

pub use clock::FixedClock;
pub use gateway::{Answer, Gateway};
pub use runtime::block_on;
pub use stream::{ScriptedStream, Written};
pub use strict_http1::{StrictRequest, requests};

/// The first byte, to choose by, and the rest.
#[must_use]
pub fn split_choice(data: &[u8]) -> Option<(usize, &[u8])> {
    let (choice, rest) = data.split_first()?;
    Some((usize::from(*choice), rest))
}
