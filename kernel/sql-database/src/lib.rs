//! Runs SQL on SQLite and on PostgreSQL. All crates that use a database do so through this one.
//!
//! # Why the driver is not used directly
//!
//! On SQLite the driver stops a statement after its first row in `fetch_one` and `fetch_optional`. A writing statement
//! with `RETURNING` then commits while it is reset, and the driver discards errors of a reset: the caller gets a row
//! although the commit failed. After a failed `COMMIT` the driver assumes that a transaction is open which SQLite has
//! rolled back, so that no other can be started on that connection. So here
//!
//! - every statement is read to its end ([`Database`], [`Transaction`]), also if only the first row is returned;
//! - a connection is closed and replaced after an error that may have broken it ([`sqlite`]);
//! - errors of both engines are classified in one place ([`error`]).
//!
//! `cargo xtask check statements` rejects direct uses of the driver's query functions in other crates.

pub mod database;
mod durable;
pub mod error;
mod fields;
pub mod format;
pub mod mark;
mod pool;
pub mod postgres;
mod read_only;
pub mod row;
mod run;
pub mod schema;
pub mod span;
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
