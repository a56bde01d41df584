//! A file with one table.

use std::path::{Path, PathBuf};
use std::time::Duration;

use event_sourcing::StoreError;
use sql_database::sqlite::{Durability, FileOptions, Readers};
use sql_database::{Database, SqliteFile, Statement};
use sqlx::{Connection, SqliteConnection};
use tempfile::TempDir;
use tokio::time::Instant;

/// How long a test waits for anything.
pub const TIMEOUT: Duration = Duration::from_secs(30);

pub struct Place {
    folder: TempDir,
}

impl Place {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder }
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("below/data.db")
    }

    pub fn wal(&self) -> PathBuf {
        self.folder.path().join("below/data.db-wal")
    }

    pub async fn file(&self, durability: Durability) -> SqliteFile {
        let options = FileOptions::new(self.path(), durability);
        SqliteFile::open(options).await.unwrap()
    }

    /// Opens it with a table of keys that are taken once.
    pub async fn database(&self) -> Database {
        let database = Database::Sqlite {
            file: self.file(Durability::Full).await,
            readers: Readers::Main,
        };
        let table = "CREATE TABLE IF NOT EXISTS keys (key TEXT PRIMARY KEY, value BLOB)";
        let mut transaction = database.begin().await.unwrap();
        transaction.run_script("make it", table).await.unwrap();
        transaction.commit("make it").await.unwrap();
        database
    }
}

/// A connection of the driver, without this crate.
pub async fn driver_connection(path: &Path) -> SqliteConnection {
    SqliteConnection::connect(path.to_str().unwrap())
        .await
        .unwrap()
}

/// Takes a key. Returns it if this call took it.
pub fn take(key: &str) -> Statement {
    Statement::new(
        "take a key",
        "INSERT INTO keys (key) VALUES ($1) ON CONFLICT DO NOTHING RETURNING key",
    )
    .bind(key)
}

pub async fn keys(database: &Database) -> Vec<String> {
    let statement = Statement::new("read the keys", "SELECT key FROM keys ORDER BY key");
    let rows: Vec<(String,)> = database.fetch_all(statement).await.unwrap();
    rows.into_iter().map(|(key,)| key).collect()
}

/// The effect of the failed call according to its error.
pub fn kind(error: &StoreError) -> &'static str {
    match error {
        StoreError::Unavailable { .. } => "none",
        StoreError::OutcomeUnknown { .. } => "unknown",
        StoreError::Failed { .. } => "permanent",
    }
}

/// Repeats a check until it is true.
pub async fn until(what: &str, ask: impl AsyncFn() -> bool) {
    let deadline = Instant::now() + TIMEOUT;
    while !ask().await {
        assert!(
            Instant::now() < deadline,
            "timeout while waiting for {what}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
