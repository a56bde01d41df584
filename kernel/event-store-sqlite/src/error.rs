//! Errors, and whether they leave the outcome of an operation unknown.

use std::path::PathBuf;
use std::sync::Arc;

use event_sourcing::StoreError;
use sqlx::migrate::MigrateError;

/// Why a store was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process, or another handle of this one, has the database open for writing.
    #[error("{} is in use by {}", path.display(), holder_name(*holder))]
    InUse {
        /// The database.
        path: PathBuf,
        /// The process id of the lock's holder, if it could be read.
        holder: Option<u32>,
    },
    /// The folder or the lock file could not be created.
    #[error("cannot use {}", path.display())]
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The file could not be opened, or not with the settings that durability depends on.
    #[error(transparent)]
    File(#[from] sql_database::sqlite::OpenError),
    /// A newer release migrated the database to a schema that this one does not support.
    #[error(
        "the database needs a binary with event store schema {oldest} or newer, this one has {ours}"
    )]
    TooNew {
        /// The oldest schema that the database serves.
        oldest: i64,
        /// The schema of this binary.
        ours: i64,
    },
    /// The database was created by an older build, and there is no migration from it.
    #[error(transparent)]
    OlderFormat(#[from] sql_database::OlderFormat),
    /// The database was opened read-only before a writing process has migrated it.
    #[error("the database lacks a migration; start the process that writes it first")]
    NotMigrated,
    /// A migration failed.
    #[error("cannot migrate the database")]
    Migrate(#[from] MigrateError),
    /// SQLite reported an error.
    #[error("cannot open the database")]
    Database(#[from] sqlx::Error),
}

fn holder_name(holder: Option<u32>) -> String {
    holder.map_or_else(
        || "another process".to_owned(),
        |pid| format!("process {pid}"),
    )
}

/// A write through a read-only store, which only a bug can cause.
#[derive(Debug, thiserror::Error)]
#[error("the store was opened read-only")]
pub(crate) struct CannotWrite;

impl CannotWrite {
    pub(crate) fn during(self, operation: &'static str) -> StoreError {
        StoreError::Failed {
            operation,
            source: Arc::new(self),
        }
    }
}

/// Converts an error before `COMMIT`, or of a read: the operation had no effect and can be repeated.
pub(crate) fn nothing_happened(operation: &'static str) -> impl Fn(sqlx::Error) -> StoreError {
    move |error| sql_database::store_error(operation, error)
}

/// Converts an error of `COMMIT` itself, or of a statement that commits by itself: what was written before the failure
/// may be recovered from the file, so the outcome is unknown.
pub(crate) fn outcome_unknown(operation: &'static str) -> impl Fn(sqlx::Error) -> StoreError {
    move |error| sql_database::commit_error(operation, error)
}
