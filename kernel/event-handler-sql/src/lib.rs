//! Stores the progress of event handlers in SQL tables, on SQLite and PostgreSQL.
//!
//! The checkpoint and the parked streams of a handler change in one transaction. It first updates the checkpoint's row
//! under the condition that its token is unchanged, so that a process that has lost its lease writes nothing.

mod row;
mod schema;
mod store;

pub use store::SqlHandlerStore;

/// The examples of the README are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
