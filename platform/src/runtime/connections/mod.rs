//! Accepted connections: their number, and the timeout of writes.
//!
//! A connection costs a descriptor and memory for as long as its client keeps it open, so everything that a client can
//! leave unfinished has a limit: the number of connections here, reads in `http1` and `http2`, writes in
//! [`TimedWrites`].

mod admission;
mod admitted;
mod handshake;
mod limits;
mod timed_writes;
mod timeouts;

pub(super) use admission::{Admission, ConnectionPermit};
pub(super) use admitted::AdmittedStream;
pub(super) use handshake::{Transport, handshake};
pub use limits::ConnectionLimits;
pub(super) use timed_writes::TimedWrites;
pub(super) use timeouts::{BODY_PAUSE_TIMEOUT, IDLE_TIMEOUT, REQUEST_TIMEOUT};
