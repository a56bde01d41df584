//! Keeps the write-ahead log short.
//!
//! SQLite folds the log into the database as it grows, and starts it from the beginning once all of it is folded in and
//! no reader is left in it. A reader that stays, such as an operator's shell or a backup, prevents that, and the file
//! keeps the size that it had come to. Then two things would hurt: the commit after the reader's end would fold
//! everything in by itself, and the file would stay as long as it is.
//!
//! So once the log is too long, a connection of its own folds it in, in passing: writers wait for nothing but the last few
//! frames. The writer's own folding is off meanwhile.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteConnectOptions;

use super::options::MAX_WAL_BYTES;

/// How long a writer may be kept waiting by the last step, and how long that step waits for readers.
const LAST_STEP_TIMEOUT: Duration = Duration::from_millis(100);

/// Frames that the last step may have to fold in while writers wait.
const MAX_LAST_FRAMES: i64 = 256;

/// The writer folds the log in as it commits.
pub(super) const FOLD_BY_ITSELF: &str = "PRAGMA wal_autocheckpoint = 1000";
/// Another connection folds it in.
pub(super) const FOLD_NEVER: &str = "PRAGMA wal_autocheckpoint = 0";
const FOLD_IN_PASSING: &str = "PRAGMA wal_checkpoint(PASSIVE)";
const FOLD_AND_TRUNCATE: &str = "PRAGMA wal_checkpoint(TRUNCATE)";

/// How the connection that folds is opened.
pub(super) fn checkpointing(writing: SqliteConnectOptions) -> SqliteConnectOptions {
    writing.busy_timeout(LAST_STEP_TIMEOUT)
}

/// What a checkpoint came to.
struct Folded {
    /// A reader or a writer was in the way of all of it.
    is_busy: bool,
    /// Frames that are not folded in.
    left: i64,
}

async fn fold(connection: &mut SqliteConnection, sql: &'static str) -> Result<Folded, sqlx::Error> {
    let rows: Vec<(i64, i64, i64)> = sqlx::query_as(sql).fetch_all(connection).await?;
    let (busy, frames, folded) = rows.into_iter().next().ok_or(sqlx::Error::RowNotFound)?;
    Ok(Folded {
        is_busy: busy != 0,
        left: frames.saturating_sub(folded),
    })
}

/// Folds the whole log in. If a reader of another process is in the way, the log's index has survived in shared memory,
/// and with it the knowledge of what was committed.
pub(super) async fn fold_in(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    fold(connection, FOLD_AND_TRUNCATE).await.map(|_| ())
}

/// Whether the log is to be shortened.
pub(super) fn is_too_long(database: &Path) -> bool {
    let mut name = database.as_os_str().to_owned();
    name.push("-wal");
    // Without a log there is nothing to shorten.
    std::fs::metadata(PathBuf::from(name)).is_ok_and(|log| log.len() > MAX_WAL_BYTES)
}

/// Folds in what no reader needs, and all of it if that keeps writers waiting for a moment only.
pub(super) async fn step(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let folded = fold(connection, FOLD_IN_PASSING).await?;
    if !folded.is_busy && folded.left <= MAX_LAST_FRAMES {
        fold(connection, FOLD_AND_TRUNCATE).await?;
    }
    Ok(())
}
