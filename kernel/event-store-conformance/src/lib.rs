//! The guarantees of an event store, as tests for any adapter.
//!
//! An adapter's tests implement [`Harness`] and pass it to the macro:
//!
//! ```ignore
//! event_store_conformance::conformance_tests!(MyHarness::start());
//! ```
//!
//! An adapter of a database also implements [`MaintenanceHarness`] and calls `maintenance_tests!` in the same way.
//!
//! This defines a test for each guarantee, named as in [`guarantees`]. Each guarantee is also a function that can be
//! called by itself. It panics with a description of what it found if the store violates it.
//!
//! The suite does not use the kernel's appender: it calls the store directly, as several processes would, with its own
//! batches. Randomness is seeded; the seed is printed, and `CONFORMANCE_SEED` sets another one.

#![expect(
    clippy::missing_panics_doc,
    reason = "each guarantee panics when it is violated; that is its purpose"
)]

pub mod guarantees;
mod harness;
mod suite;
mod support;

pub use harness::{Handle, Harness, MaintenanceHarness};

/// The examples of the README are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
