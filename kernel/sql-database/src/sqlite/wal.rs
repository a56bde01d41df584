//! Checkpoints of the write-ahead log, which limit its size.
//!
//! SQLite merges the log into the database as it grows (a checkpoint), and restarts the log from its beginning when all
//! of it is merged and no reader uses it. A long reader, such as an operator's shell or a backup, prevents the restart,
//! and the log grows. After the reader's end the next commit would have to merge everything by itself, and the file
//! would keep its size.
//!
//! So when the log is too long, a separate connection merges it with passive checkpoints: writers wait only for the
//! last few frames. The writer's automatic checkpoints are off during that time.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteConnectOptions;

use super::options::MAX_WAL_BYTES;

/// How long the last step waits for readers, and so how long it may block a writer.
const LAST_STEP_TIMEOUT: Duration = Duration::from_millis(100);

/// Maximum number of frames that the last step merges while writers wait.
const MAX_LAST_FRAMES: i64 = 256;

/// The writer checkpoints the log as it commits.
pub(super) const AUTO_CHECKPOINT: &str = "PRAGMA wal_autocheckpoint = 1000";
/// Another connection checkpoints the log.
pub(super) const NO_AUTO_CHECKPOINT: &str = "PRAGMA wal_autocheckpoint = 0";
const PASSIVE_CHECKPOINT: &str = "PRAGMA wal_checkpoint(PASSIVE)";
const TRUNCATE_CHECKPOINT: &str = "PRAGMA wal_checkpoint(TRUNCATE)";

/// The options of the connection that runs checkpoints.
pub(super) fn checkpointing(writing: SqliteConnectOptions) -> SqliteConnectOptions {
    writing.busy_timeout(LAST_STEP_TIMEOUT)
}

/// The result of a checkpoint.
struct CheckpointResult {
    /// Whether a reader or a writer prevented the checkpoint.
    is_busy: bool,
    /// Frames that are not merged yet.
    left: i64,
}

async fn checkpoint(
    connection: &mut SqliteConnection,
    sql: &'static str,
) -> Result<CheckpointResult, sqlx::Error> {
    let rows: Vec<(i64, i64, i64)> = sqlx::query_as(sql).fetch_all(connection).await?;
    let (busy, frames, folded) = rows.into_iter().next().ok_or(sqlx::Error::RowNotFound)?;
    Ok(CheckpointResult {
        is_busy: busy != 0,
        left: frames.saturating_sub(folded),
    })
}

/// Merges the whole log. A reader of another process may prevent that; then the log's index has survived in shared
/// memory, and with it the record of what was committed.
pub(super) async fn checkpoint_all(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    checkpoint(connection, TRUNCATE_CHECKPOINT)
        .await
        .map(|_| ())
}

/// Whether the log must be truncated.
pub(super) fn is_too_long(database: &Path) -> bool {
    let mut name = database.as_os_str().to_owned();
    name.push("-wal");
    // Without a log there is nothing to truncate.
    std::fs::metadata(PathBuf::from(name)).is_ok_and(|log| log.len() > MAX_WAL_BYTES)
}

/// Merges what no reader needs, and truncates the log if that blocks writers only briefly.
pub(super) async fn step(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let folded = checkpoint(connection, PASSIVE_CHECKPOINT).await?;
    // Truncating blocks writers until all frames are merged, so it is done only when few are left.
    if !folded.is_busy && folded.left <= MAX_LAST_FRAMES {
        checkpoint(connection, TRUNCATE_CHECKPOINT).await?;
    }
    Ok(())
}
