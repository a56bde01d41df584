//! Marks an event store whose data is being replaced, until all of it is in its place.
//!
//! A program that replaces the data may be killed half-way. What it leaves can look like an event store that is in order, but
//! its other databases are not those of this log. So no process may write to it before the work was repeated.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use event_sourcing::StoreError;
use sql_database::postgres::has_table;
use sql_database::sqlite::{FileOptions, private};
use sql_database::{Connections, Database, Statement};

use crate::engine::Engine;
use crate::error::OpenError;

const CONNECTIONS: Connections = Connections {
    pool: "restore",
    application: "restore",
    size: 1,
    acquire_timeout: Duration::from_secs(30),
};
const OPEN: &str = "open the event store";
const TABLE: &str = "restore_under_way";
const SET: &str = "CREATE TABLE IF NOT EXISTS restore_under_way \
    (since timestamptz NOT NULL DEFAULT clock_timestamp())";
const CLEAR: &str = "DROP TABLE IF EXISTS restore_under_way";

/// The mark: a file next to that of the events, or an empty table in their schema. It survives a crash.
#[derive(Debug)]
pub struct RestoreMarker;

impl RestoreMarker {
    /// Whether the data was replaced and the work not completed.
    ///
    /// # Errors
    /// [`OpenError`] if no engine serves the URL, or the server cannot be reached.
    pub async fn is_set(url: &str) -> Result<bool, OpenError> {
        match Engine::of(url)? {
            Engine::Sqlite => Ok(file_of(url).exists()),
            Engine::Postgres => Ok(has_table(url, OPEN, TABLE).await?),
        }
    }

    /// Sets the mark. The folder of a file must exist.
    ///
    /// # Errors
    /// [`OpenError`] if it cannot be stored.
    pub async fn set(url: &str) -> Result<(), OpenError> {
        match Engine::of(url)? {
            Engine::Sqlite => on_file(url, |path| {
                private::open_file(path)?.sync_all()?;
                sync_folder(path)
            }),
            Engine::Postgres => Ok(run(url, SET).await?),
        }
    }

    /// Removes the mark, after everything is in its place.
    ///
    /// # Errors
    /// [`OpenError`] if it cannot be removed.
    pub async fn clear(url: &str) -> Result<(), OpenError> {
        match Engine::of(url)? {
            Engine::Sqlite => on_file(url, |path| {
                fs::remove_file(path)?;
                sync_folder(path)
            }),
            Engine::Postgres => Ok(run(url, CLEAR).await?),
        }
    }
}

fn file_of(url: &str) -> PathBuf {
    let mut name = FileOptions::path_of(url).into_os_string();
    name.push(".restore");
    PathBuf::from(name)
}

fn on_file(url: &str, change: impl FnOnce(&Path) -> std::io::Result<()>) -> Result<(), OpenError> {
    let path = file_of(url);
    change(&path).map_err(|source| OpenError::Mark { path, source })
}

fn sync_folder(file: &Path) -> std::io::Result<()> {
    let folder = file.parent().filter(|folder| *folder != Path::new(""));
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

async fn run(url: &str, sql: &'static str) -> Result<(), StoreError> {
    let database = Database::open_durable(OPEN, url, CONNECTIONS).await?;
    let statement = Statement::new("mark a restore", sql);
    let ran: Result<Vec<(i64,)>, _> = database.write(statement).await;
    database.close().await;
    ran.map(|_| ())
}
