//! The executor: lanes, checked refusals, repeats, and what it makes of a store that fails.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod faults;
mod lanes;
mod load_latest;
mod repeats;
mod snapshots;
mod stalled;
mod support;
