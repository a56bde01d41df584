//! Connections that a listener accepted: how many there may be, and how long they may take to be written to.
//!
//! A connection costs a descriptor and memory for as long as its client likes, so everything that a client may leave
//! unfinished has a limit: the number of connections here, reads in `http1` and `http2`, writes in [`TimedWrites`].

mod admission;
mod limits;
mod timed_writes;

pub(super) use admission::{Admission, Place};
pub use limits::ConnectionLimits;
pub(super) use timed_writes::TimedWrites;
