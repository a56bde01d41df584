//! Copies of a file, and whether other processes use it.
//!
//! `VACUUM INTO` writes a copy from one snapshot while other processes read and write the file. It reads in a transaction,
//! which keeps the write-ahead log from being restarted: the log grows by what is written meanwhile, and is truncated
//! afterwards (`maintenance`).

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteLockingMode};
use sqlx::{Connection, SqliteConnection};

use super::options::connect;

/// How long a statement waits for a lock of another process.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the check for other processes waits for one that is about to end.
const IN_USE_TIMEOUT: Duration = Duration::from_millis(500);

/// Writes a consistent copy of the database `from` into the file `to`, which must be missing or empty. Nothing is synced.
///
/// # Errors
/// The database cannot be read, or the copy cannot be written.
pub async fn copy(from: &Path, to: &Path) -> Result<(), sqlx::Error> {
    // Not `query_only`, which would also forbid to write the copy.
    let options = existing(from).read_only(true);
    let mut connection = connect(&options, None).await?;
    let target = to.to_string_lossy().into_owned();
    let copied = sqlx::query("VACUUM INTO ?")
        .bind(target)
        .execute(&mut connection)
        .await;
    close(connection, copied.map(|_| ())).await
}

/// The damages that SQLite finds in a database, at most a hundred; none if it is intact. Indexes are compared with their
/// tables in part only.
///
/// # Errors
/// The database cannot be read.
pub async fn damages(path: &Path) -> Result<Vec<String>, sqlx::Error> {
    let options = existing(path).read_only(true).pragma("query_only", "1");
    let mut connection = connect(&options, None).await?;
    let found: Result<Vec<String>, _> = sqlx::query_scalar("PRAGMA quick_check")
        .fetch_all(&mut connection)
        .await;
    let mut lines = close(connection, found).await?;
    lines.retain(|line| line != "ok");
    Ok(lines)
}

/// Whether another process, or another connection of this one, has the database open. If none has, its write-ahead log is
/// merged into it.
///
/// # Errors
/// The database cannot be opened.
pub async fn is_in_use(path: &Path) -> Result<bool, sqlx::Error> {
    // Each connection to a database with a write-ahead log holds a shared lock on the file, which excludes this one.
    let options = existing(path)
        .busy_timeout(IN_USE_TIMEOUT)
        .locking_mode(SqliteLockingMode::Exclusive);
    let opened = async {
        let mut connection = connect(&options, None).await?;
        let locked = sqlx::raw_sql("BEGIN EXCLUSIVE; ROLLBACK")
            .execute(&mut connection)
            .await;
        close(connection, locked.map(|_| ())).await
    };
    match opened.await {
        Ok(()) => Ok(false),
        Err(sqlx::Error::Database(error)) if is_busy(error.code().as_deref()) => Ok(true),
        Err(error) => Err(error),
    }
}

/// `SQLITE_BUSY` or `SQLITE_LOCKED`, with or without the extended part of the code.
fn is_busy(code: Option<&str>) -> bool {
    let code = code.and_then(|code| code.parse::<i32>().ok());
    code.is_some_and(|code| matches!(code & 0xff, 5 | 6))
}

fn existing(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .busy_timeout(BUSY_TIMEOUT)
        .optimize_on_close(false, None)
}

async fn close<T>(
    connection: SqliteConnection,
    done: Result<T, sqlx::Error>,
) -> Result<T, sqlx::Error> {
    let closed = connection.close().await;
    let done = done?;
    closed?;
    Ok(done)
}
