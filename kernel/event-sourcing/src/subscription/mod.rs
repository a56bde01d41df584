//! Following the log: the code that all its readers share.
//!
//! ```text
//!   projection runner      event handlers        cache of a table      index of sagas
//!          └────── OwnedSubscription ──┘                  │                   │
//!            lease, token, foreign log                    │                   │
//!          └────────────────────────────── LogReader ─────┴───────────────────┘
//!                            waits at the end of the log, reads page after page
//! ```
//!
//! A [`LogReader`] has only a position in memory. Work that is done once for all processes is done by the process that
//! holds a lease ([`OwnedSubscription`]). The lease has a fencing token, with which the store rejects the checkpoints
//! of an earlier holder. The subscription stops when its checkpoint belongs to another log.

mod lease_lost;
mod origin;
mod owned;
mod reader;

pub(crate) use lease_lost::LeaseLost;
pub(crate) use origin::LastEvent;
pub(crate) use owned::{Lease, OwnedSubscription};
pub use reader::LogReader;
