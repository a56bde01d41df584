//! Sagas: what the table promises holds on the real engine, whatever fails and whoever else runs.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "bank/account.rs"]
mod account;
mod bank;
mod counted;
mod damage;
mod flaky_store;
mod hints;
mod kit;
mod limits;
mod logs;
mod matrix;
mod operators;
mod owners;
#[path = "bank/payout.rs"]
mod payout;
mod restart;
mod steps;
mod storm;
mod support;
mod trip;
mod waits;
