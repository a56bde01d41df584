//! The one way to run SQL, on SQLite and on PostgreSQL.
//!
//! # Why not the driver alone
//!
//! On SQLite the driver stops a statement at its first row when it is asked for one row (`fetch_one`,
//! `fetch_optional`). A writing statement with `RETURNING` then commits while it is reset, and the driver discards the
//! error of a reset: the caller has a row of a commit that failed. And after a failed `COMMIT` the driver believes that a
//! transaction is open which SQLite has rolled back, so that no other can be started on that connection. So here
//!
//! - every statement is read to its end ([`Database`], [`Transaction`]), and one row is the first of all;
//! - a connection on which something failed that it may not recover from is closed, and a new one takes its place
//!   ([`sqlite`]);
//! - what an error means is said once, for both engines ([`error`]).
//!
//! `cargo xtask check statements` keeps the driver's own ways out of the other crates.

pub mod database;
mod durable;
pub mod error;
mod fields;
pub mod format;
pub mod mark;
mod pool;
pub mod postgres;
pub mod row;
mod run;
pub mod schema;
pub mod sqlite;
pub mod statement;
mod transaction;

pub use database::Database;
pub use durable::Connections;
pub use error::{ErrorKind, Phase, commit_error, explain, failed, store_error};
pub use format::{FORMAT, OlderFormat};
pub use pool::NamedPool;
pub use row::Row;
pub use schema::{Migration, Schema, SchemaError};
pub use sqlite::SqliteFile;
pub use statement::{Record, Statement, Value};
pub use transaction::Transaction;

/// The examples of the README are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
