//! `shop seed`: a sample catalogue, put in through the public API as any client would.
//!
//! It looks before it writes: what is there by name is left alone, so that a second run changes nothing. Each write
//! carries an Idempotency-Key of this run, so that a try whose answer was lost is repeated without harm.

mod catalogue;
mod command;
mod run;

pub use command::{command, fill};
