//! Test support for code built on this crate.
//!
//! Given / when / then for aggregates, projections and event handlers need no store, no mocks and no clock.

mod clock;
mod command;
mod deliver;
#[doc(hidden)]
pub mod doc;
mod fixtures;
mod given;
mod log;
mod replaceable;

pub use clock::{TokioClock, at};
pub use command::{GivenStreams, WhenExecuted, Written, given_streams, written};
pub use deliver::Delivered;
pub use fixtures::{Fixtures, StoredNames, assert_distinct, stored_names};
pub use given::{Given, When, given};
pub use log::{Log, Projected, given_log};
pub use replaceable::ReplaceableStore;
