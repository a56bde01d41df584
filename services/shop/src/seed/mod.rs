//! `shop seed`: creates a sample catalogue through the public API, as any client would.
//!
//! It reads before it writes: what exists by name is not changed, so that a second run creates nothing. Each mutation
//! carries an Idempotency-Key of this run, so that retrying one whose response was lost creates nothing twice.

mod catalogue;
mod command;
mod run;

pub use command::{command, fill};
