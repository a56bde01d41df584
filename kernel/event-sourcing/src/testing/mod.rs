//! For tests of what is built on this crate.
//!
//! Given / when / then for aggregates and projections need no store, no mocks and no clock.

mod clock;
#[doc(hidden)]
pub mod doc;
mod given;
mod log;
mod replaceable;

pub use clock::{TokioClock, at};
pub use given::{Given, When, given};
pub use log::Log;
pub use replaceable::ReplaceableStore;
