//! Sagas: what the table promises holds on the real engine, whatever fails and whoever else runs.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod matrix;
mod trip;
