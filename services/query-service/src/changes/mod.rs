//! Changes: follows the log up to the projections' checkpoints, for subscribers.
//!
//! A change is reported once every read reflects its event, so that a subscriber who reads after it sees at least that
//! state. The log decides what is reported and in which order, the checkpoint only when: so every query-service reports
//! the same changes after a position, and a subscriber can resume at any of them.
//!
//! ```text
//!   log         ──●───●────●────────●──►   read through the shared tail, or from the store if it is older
//!   checkpoints ───────────▲               of the projections that the requested kinds need; the lowest counts
//!   reported    ──●───●────●               with the rows as they are now
//! ```
//!
//! A stream has its own cursor and no buffer: it reads the next page when its caller has taken the last one, so a slow
//! caller delays no other one.

mod kind;
mod projection_checkpoint;
mod stream;

pub use kind::ChangeKind;
pub use stream::{Batch, Change, ChangeRow, ChangeSelection, ChangeStream, Changes};
