//! Tells customers what became of their orders: a reader of the log with a checkpoint of its own.
//!
//! ```text
//!  log ─► page of order events ─► send, some side by side ─► checkpoint
//! ```
//!
//! It is not a step of a saga, since no order fails because of a letter. One process at a time does it, by lease. A
//! notice may go out twice (a crash before the checkpoint), always under the same key.

pub(crate) mod checkpoint;
mod follow;

pub use follow::{Notices, filter};
