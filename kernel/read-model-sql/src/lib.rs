//! Read models in SQL tables, on SQLite and PostgreSQL with one code.
//!
//! [`database`] opens either engine, on which `sql-database` runs one SQL text; [`engine`] names the few places where their words
//! differ. [`table`] is what a projection says about its table, [`generation`] makes that table and its view,
//! [`projection_store`] writes a page of rows with its checkpoint, [`checkpoint_watcher`] tells readers how far the checkpoints are,
//! [`snapshot`] reads rows together with their checkpoint, and [`lease`] decides who folds.

mod checkpoint;
pub mod checkpoint_watcher;
mod column;
mod columns;
mod connect;
pub mod database;
pub mod engine;
mod error;
pub mod generation;
pub mod lease;
pub mod projection_store;
mod schema;
pub mod snapshot;
pub mod table;
mod version;

pub use checkpoint::Checkpoint;
pub use checkpoint_watcher::CheckpointWatcher;
pub use database::{Database, Transaction};
pub use engine::Engine;
pub use generation::Generation;
pub use lease::SqlLeaseStore;
pub use projection_store::SqlProjectionStore;
pub use snapshot::Snapshot;
pub use sql_database::row::{Row, columns_of};
pub use sql_database::statement;
pub use sql_database::statement::{Record, Statement, TABLE, Value};
pub use table::{TableProjection, column_names};
pub use version::ProjectionVersion;

/// The examples of the README are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
