//! Settings and migrations, and the checks before a database is used.

use std::path::Path;
use std::time::Duration;

use sql_database::format::step;
use sql_database::sqlite::{Durability, FileOptions, Readers};
use sql_database::{OlderFormat, SqliteFile};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{SqlStr, SqliteConnection};

use crate::error::OpenError;

/// Raised with each migration that older binaries cannot work with. 2: the database format has a number.
const SCHEMA: i64 = 2;

/// Version, name and script of each migration. A list, because `sqlx::migrate!` would build the driver and SQLite a
/// second time, for the compiler.
const MIGRATIONS: [(i64, &str, &str); 2] = [
    (
        step(1),
        "event store",
        include_str!("../migrations/0001_event_store.sql"),
    ),
    (
        step(2),
        "log id",
        include_str!("../migrations/0002_log_id.sql"),
    ),
];

/// Options of a store. The defaults suit a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Maximum number of connections that read at the same time.
    pub readers: u32,
    /// How often a waiting reader polls the head.
    pub poll_interval: Duration,
    /// How long a statement waits for a lock that another process holds, as during a checkpoint.
    pub busy_timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            readers: 4,
            poll_interval: Duration::from_millis(100),
            busy_timeout: Duration::from_secs(5),
        }
    }
}

/// The file that `location` names, synced at each commit: a weaker durability would lose acknowledged commits in a
/// power failure.
pub(crate) fn options(location: &str, settings: &Settings) -> FileOptions {
    FileOptions {
        name: "events",
        readers: settings.readers,
        busy_timeout: settings.busy_timeout,
        ..FileOptions::new(FileOptions::path_of(location), Durability::Full)
    }
}

/// Opens the file for writing and runs missing migrations.
pub(crate) async fn open(options: FileOptions) -> Result<SqliteFile, OpenError> {
    let file = SqliteFile::open(options).await?;
    let mut session = file.writer().await?;
    let conn = session.connection();
    // Checked before anything is migrated: a binary that is too old must leave the tables as they are.
    if is_migrated(conn).await? {
        check_schema(conn, file.path()).await?;
    }
    // Not `run`: the compiler cannot prove that a future that awaits it is `Send`.
    migrator().run_direct(None, conn, false).await?;
    session.finish(Ok(())).await?;
    Ok(file)
}

/// Checks that this binary can read a database that is opened read-only.
pub(crate) async fn check_reader(file: &SqliteFile) -> Result<(), OpenError> {
    let mut session = file.reader(Readers::Main).await?;
    let connection = session.connection();
    check_schema(connection, file.path()).await?;
    let newest: Vec<i64> =
        sqlx::query_scalar("SELECT 1 FROM sqlite_schema WHERE name = 'event_log_id'")
            .fetch_all(connection)
            .await?;
    session.finish(Ok(())).await?;
    if newest.is_empty() {
        return Err(OpenError::NotMigrated);
    }
    Ok(())
}

fn migrator() -> Migrator {
    let steps = MIGRATIONS.iter().map(|(version, name, script)| {
        let script = SqlStr::from_static(script);
        Migration::new(
            *version,
            (*name).into(),
            MigrationType::Simple,
            script,
            false,
        )
    });
    let mut migrator = Migrator::with_migrations(steps.collect());
    migrator.dangerous_set_table_name("event_store_migrations");
    // Migrations of newer binaries are additive as long as `check_schema` accepts this one.
    migrator.set_ignore_missing(true);
    migrator
}

async fn is_migrated(conn: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    let tables: Vec<i64> =
        sqlx::query_scalar("SELECT 1 FROM sqlite_schema WHERE name = 'event_store_schema'")
            .fetch_all(conn)
            .await?;
    Ok(!tables.is_empty())
}

async fn check_schema(conn: &mut SqliteConnection, path: &Path) -> Result<(), OpenError> {
    let steps: Vec<i64> = sqlx::query_scalar("SELECT version FROM event_store_migrations")
        .fetch_all(&mut *conn)
        .await?;
    OlderFormat::check("event store", path.display().to_string(), steps)?;
    let oldest: Vec<i64> = sqlx::query_scalar("SELECT oldest_binary FROM event_store_schema")
        .fetch_all(conn)
        .await?;
    let oldest = oldest.into_iter().max().unwrap_or_default();
    if oldest > SCHEMA {
        return Err(OpenError::TooNew {
            oldest,
            ours: SCHEMA,
        });
    }
    Ok(())
}
