//! Keeps how far event handlers are in SQL tables, on SQLite and PostgreSQL.
//!
//! Checkpoint and parked streams of a handler change in one transaction. It begins with the checkpoint's row, and
//! changes nothing if that row has another token: a process that lost the lease writes nothing.

mod row;
mod schema;
mod store;

pub use store::SqlHandlerStore;

/// The examples of the README are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
