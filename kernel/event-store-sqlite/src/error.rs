//! What can go wrong, and what it means for the caller.

use std::path::PathBuf;
use std::sync::Arc;

use event_sourcing::StoreError;
use sqlx::migrate::MigrateError;

/// Why a store was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process, or another handle of this one, writes here.
    #[error("{} is in use by {}", path.display(), holder_name(*holder))]
    InUse {
        /// The database.
        path: PathBuf,
        /// The holder's process id, if it could be read.
        holder: Option<u32>,
    },
    /// The folder or the lock file could not be made.
    #[error("cannot use {}", path.display())]
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file could not be opened, or not with the settings that durability rests on.
    #[error(transparent)]
    File(#[from] sql_database::sqlite::OpenError),
    /// A newer release has changed the database in a way that this one cannot live with.
    #[error(
        "the database needs a binary with event store schema {oldest} or newer, this one has {ours}"
    )]
    TooNew {
        /// The oldest schema that the database serves.
        oldest: i64,
        /// This binary's.
        ours: i64,
    },
    /// An older build made it, and there is no migration.
    #[error(transparent)]
    OlderFormat(#[from] sql_database::OlderFormat),
    /// It was opened for reading alone, before a process that writes it has brought its tables up to date.
    #[error("the database misses a migration; start the process that writes it first")]
    NotMigrated,
    /// The tables could not be made or brought up to date.
    #[error("cannot migrate the database")]
    Migrate(#[from] MigrateError),
    /// SQLite refused.
    #[error("cannot open the database")]
    Database(#[from] sqlx::Error),
}

fn holder_name(holder: Option<u32>) -> String {
    holder.map_or_else(
        || "another process".to_owned(),
        |pid| format!("process {pid}"),
    )
}

/// Only a bug writes through a store that reads.
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

/// The meaning of an error before `COMMIT`, or of a read.
pub(crate) fn nothing_happened(operation: &'static str) -> impl Fn(sqlx::Error) -> StoreError {
    move |error| sql_database::store_error(operation, error)
}

/// The meaning of an error of `COMMIT` itself, or of a statement that commits by itself: what was flushed before it
/// failed may be found at the next start.
pub(crate) fn outcome_unknown(operation: &'static str) -> impl Fn(sqlx::Error) -> StoreError {
    move |error| sql_database::commit_error(operation, error)
}
