//! Faults of disks, clocks and connections that a test controls.
//!
//! [`Faults`] makes writes or syncs of selected files fail, or sets the clock, in processes that were started with its
//! [`variables`](Faults::variables). It uses a small preloaded library that overrides functions of the C library and is
//! built by the machine's C compiler. So SQLite gets an error where it would get a real one, and handles it in the same
//! manner. Linux only.
//!
//! [`with_faults`] runs the body of a test in such a process. A [`Link`] is a proxy between two processes, and a
//! [`Balancer`] one in front of replicas.

mod balancer;
mod control;
mod link;
mod process;
mod shim;

pub use balancer::Balancer;
pub use control::{DiskFault, FaultCounts, Faults, IO_ERROR, NO_SPACE};
pub use link::{Cut, Link, Target, Way};
pub use process::with_faults;
