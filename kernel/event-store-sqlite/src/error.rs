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
    /// The linked SQLite has known faults.
    #[error(
        "SQLite {found} is too old, this needs {} or newer",
        crate::settings::OLDEST_SQLITE
    )]
    TooOld {
        /// Its version.
        found: String,
    },
    /// A setting that durability rests on was not taken.
    #[error("SQLite has {name} = {found}, this needs {wanted}")]
    Setting {
        /// The pragma.
        name: &'static str,
        /// What it must be.
        wanted: &'static str,
        /// What it is.
        found: String,
    },
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

/// Why a store that is open cannot write.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CannotWrite {
    #[error("the store was opened read-only")]
    ReadOnly,
    #[error("the store was closed")]
    Closed,
}

impl CannotWrite {
    pub(crate) fn during(self, operation: &'static str) -> StoreError {
        StoreError::Failed {
            operation,
            source: Arc::new(self),
        }
    }
}

/// The meaning of an error in front of `COMMIT`, or of a read.
pub(crate) fn nothing_happened(operation: &'static str) -> impl Fn(sqlx::Error) -> StoreError {
    move |error| {
        let passes = may_pass(&error);
        let source = Arc::new(error);
        if passes {
            StoreError::Unavailable { operation, source }
        } else {
            StoreError::Failed { operation, source }
        }
    }
}

/// The meaning of an error of `COMMIT` itself: what was flushed before it failed may be found at the next start.
pub(crate) fn outcome_unknown(operation: &'static str) -> impl Fn(sqlx::Error) -> StoreError {
    move |error| StoreError::OutcomeUnknown {
        operation,
        source: Arc::new(error),
    }
}

/// Whether the same call may succeed later: somebody held the file, or the machine ran out of something.
fn may_pass(error: &sqlx::Error) -> bool {
    /// Of SQLite's primary result codes: BUSY, LOCKED, NOMEM, INTERRUPT, IOERR, FULL, CANTOPEN.
    const PASSING: [i32; 7] = [5, 6, 7, 9, 10, 13, 14];
    match error {
        sqlx::Error::PoolTimedOut | sqlx::Error::Io(_) => true,
        sqlx::Error::Database(error) => error
            .code()
            .and_then(|code| code.parse::<i32>().ok())
            .is_some_and(|code| PASSING.contains(&(code & 0xff))),
        _ => false,
    }
}
