//! Sagas on the real engine: the guarantees of a definition hold with any failure and any number of processes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "bank/account.rs"]
mod account;
mod bank;
mod counted;
mod damage;
mod directory;
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
