//! Read models in SQL tables, on SQLite and PostgreSQL.
//!
//! [`database`] opens either engine; both run the same SQL, except for the expressions in [`engine`]. [`table`]
//! describes the table of a projection, [`generation`] creates that table and its view, [`projection_store`] writes a
//! page of rows with its checkpoint, [`checkpoint_watcher`] publishes the checkpoints to readers, [`snapshot`] reads
//! rows together with their checkpoint, [`read_barrier`] has a reader wait for what it wrote, and [`lease`] decides which
//! process folds. [`rebuild`] folds the rows again into a second table, compares the two, and swaps them.

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
pub mod read_barrier;
pub mod rebuild;
mod rows;
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
pub use read_barrier::{MAX_AGE, ReachedPosition, ReadBarrier, ReadError, ReadOptions};
pub use rebuild::{RebuildControl, RebuildTask};
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
