//! Following the log: what all readers of it share.
//!
//! ```text
//!   projection runner      event handlers        cache of a table      index of sagas
//!          └────── OwnedSubscription ──┘                  │                   │
//!            lease, token, foreign log                    │                   │
//!          └────────────────────────────── LogReader ─────┴───────────────────┘
//!                            waits at the end of the log, reads page after page
//! ```
//!
//! A [`LogReader`] keeps a place in memory and nothing else. What is done once for all processes is read by the one
//! that holds a lease ([`OwnedSubscription`]): it gets a token, with which its store refuses the checkpoints of a
//! process that held the lease before, and it stops when the log is not the one that its checkpoint is of.

mod lease_lost;
mod origin;
mod owned;
mod reader;

pub(crate) use lease_lost::LeaseLost;
pub(crate) use origin::LastEvent;
pub(crate) use owned::{Lease, OwnedSubscription};
pub use reader::LogReader;
