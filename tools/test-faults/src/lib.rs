//! Disks that fail and clocks that are set, on command.
//!
//! [`Faults`] makes writes or syncs of chosen files fail, or sets the clock, in processes that were started with its
//! [`variables`](Faults::variables): a small library in front of the C library does it, which the machine's C compiler
//! builds. So SQLite meets the error where it would meet a real one, with all that it does then. Linux only.
//!
//! [`with_faults`] runs the body of a test in such a process.

mod control;
mod process;
mod shim;

pub use control::{DiskFault, Faults, Fired, IO_ERROR, NO_SPACE};
pub use process::with_faults;
