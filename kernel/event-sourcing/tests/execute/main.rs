//! The executor: lanes, checked rejections, repeats, and its behaviour on a failing store.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod faults;
mod lanes;
mod load_latest;
mod repeats;
mod snapshots;
mod stalled;
mod support;
