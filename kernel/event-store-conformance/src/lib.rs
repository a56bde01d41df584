//! The promises of an event store, as tests that any adapter can be held against.
//!
//! An adapter's tests implement [`Harness`] and name it once:
//!
//! ```ignore
//! event_store_conformance::conformance_tests!(MyHarness::start());
//! ```
//!
//! which gives one test a promise, named as in [`promises`]. Each promise is also an ordinary function that can be
//! called by itself. A promise that is broken panics with a sentence that says what was found.
//!
//! The suite does not use the kernel's appender: it calls the store as several processes would, with batches of its
//! own making. Chance is seeded; the seed is printed, and `CONFORMANCE_SEED` sets another one.

#![expect(
    clippy::missing_panics_doc,
    reason = "each promise panics when it is broken; that is its use"
)]

mod harness;
pub mod promises;
mod suite;
mod support;

pub use harness::{Handle, Harness};

/// The examples of the README are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
