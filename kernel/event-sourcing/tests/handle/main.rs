//! The runner of event handlers: each event is delivered at least once and in the order of its stream, whatever fails.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod control;
mod crash;
mod order;
mod parking;
mod support;
