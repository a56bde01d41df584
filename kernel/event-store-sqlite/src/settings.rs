//! How the database is opened, and what is asserted before it is used.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{Connection, SqlStr, SqliteConnection};

use crate::error::OpenError;

/// Before it, a checkpoint could corrupt the database (the WAL-reset bug).
pub(crate) const OLDEST_SQLITE: &str = "3.51.3";

/// Raised with each migration that changes what a binary must know.
const SCHEMA: i64 = 1;

/// Version, name and script of each step of the schema. A list, because `sqlx::migrate!` would have the driver and
/// SQLite built a second time, for the compiler.
const MIGRATIONS: [(i64, &str, &str); 1] = [(
    1,
    "event store",
    include_str!("../migrations/0001_event_store.sql"),
)];

/// What is read back from the writer's connection: name, query, value.
const REQUIRED: [(&str, &str, &str); 3] = [
    (
        "journal_mode",
        "SELECT journal_mode FROM pragma_journal_mode",
        "wal",
    ),
    (
        "synchronous",
        "SELECT CAST(synchronous AS TEXT) FROM pragma_synchronous",
        "2",
    ),
    (
        "foreign_keys",
        "SELECT CAST(foreign_keys AS TEXT) FROM pragma_foreign_keys",
        "1",
    ),
];

/// What may be set. The defaults suit a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The most connections that read at the same time.
    pub readers: u32,
    /// How often a waiting reader looks by itself.
    pub poll_interval: Duration,
    /// How long a statement waits for a lock that another process holds for a moment.
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

/// The file that a URL such as `sqlite://data/events.db`, or a plain path, names.
pub(crate) fn database_path(location: &str) -> PathBuf {
    let path = location
        .strip_prefix("sqlite://")
        .or_else(|| location.strip_prefix("sqlite:"))
        .unwrap_or(location);
    PathBuf::from(path)
}

/// The writer's connection. `FULL` flushes each commit; `NORMAL` would lose acknowledged ones on a power cut.
pub(crate) fn writing(path: &Path, settings: &Settings) -> SqliteConnectOptions {
    common(path, settings)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
}

/// A reader's connection. It takes the journal mode that it finds, and cannot write.
pub(crate) fn reading(path: &Path, settings: &Settings) -> SqliteConnectOptions {
    common(path, settings)
        .read_only(true)
        .pragma("query_only", "1")
}

fn common(path: &Path, settings: &Settings) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(settings.busy_timeout)
        .optimize_on_close(false, None)
}

/// Opens the writer's connection, asserts its settings and brings the tables up to date.
pub(crate) async fn open_writer(
    path: &Path,
    settings: &Settings,
) -> Result<SqliteConnection, OpenError> {
    let mut conn = SqliteConnection::connect_with(&writing(path, settings)).await?;
    check_version(&mut conn).await?;
    check_settings(&mut conn).await?;
    if is_migrated(&mut conn).await? {
        check_schema(&mut conn).await?;
    }
    migrator().run(&mut conn).await?;
    Ok(conn)
}

/// Asserts that a database that is opened read-only can be read by this binary.
pub(crate) async fn check_reader(conn: &mut SqliteConnection) -> Result<(), OpenError> {
    check_version(conn).await?;
    check_schema(conn).await
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
    // A newer binary's migrations only add, as long as `check_schema` lets this one in.
    migrator.set_ignore_missing(true);
    migrator
}

async fn is_migrated(conn: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'event_store_schema')",
    )
    .fetch_one(conn)
    .await
}

async fn check_schema(conn: &mut SqliteConnection) -> Result<(), OpenError> {
    let oldest: i64 = sqlx::query_scalar("SELECT max(oldest_binary) FROM event_store_schema")
        .fetch_one(conn)
        .await?;
    if oldest > SCHEMA {
        return Err(OpenError::TooNew {
            oldest,
            ours: SCHEMA,
        });
    }
    Ok(())
}

async fn check_version(conn: &mut SqliteConnection) -> Result<(), OpenError> {
    let found: String = sqlx::query_scalar("SELECT sqlite_version()")
        .fetch_one(conn)
        .await?;
    if version_parts(&found) < version_parts(OLDEST_SQLITE) {
        return Err(OpenError::TooOld { found });
    }
    Ok(())
}

fn version_parts(version: &str) -> Vec<u32> {
    let parts = version.split('.');
    parts.map(|part| part.parse().unwrap_or(0)).collect()
}

async fn check_settings(conn: &mut SqliteConnection) -> Result<(), OpenError> {
    for (name, sql, wanted) in REQUIRED {
        let found: String = sqlx::query_scalar(sql).fetch_one(&mut *conn).await?;
        if found != wanted {
            return Err(OpenError::Setting {
                name,
                wanted,
                found,
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_setting_that_was_not_taken_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.db");
        let settings = Settings::default();
        let weak = writing(&path, &settings).synchronous(SqliteSynchronous::Normal);
        let mut conn = SqliteConnection::connect_with(&weak).await.unwrap();
        let refused = check_settings(&mut conn).await.unwrap_err();
        assert_eq!(
            refused.to_string(),
            "SQLite has synchronous = 1, this needs 2"
        );
        open_writer(&path, &settings).await.unwrap();
    }

    #[test]
    fn versions_compare_by_number() {
        assert!(version_parts("3.51.3") >= version_parts(OLDEST_SQLITE));
        assert!(version_parts("3.52") > version_parts(OLDEST_SQLITE));
        assert!(version_parts("3.51.2") < version_parts(OLDEST_SQLITE));
        assert!(version_parts("3.9.9") < version_parts(OLDEST_SQLITE));
    }

    #[test]
    fn a_url_and_a_path_name_the_same_file() {
        for location in [
            "sqlite://data/events.db",
            "sqlite:data/events.db",
            "data/events.db",
        ] {
            assert_eq!(database_path(location), Path::new("data/events.db"));
        }
        let absolute = database_path("sqlite:///var/lib/events.db");
        assert_eq!(absolute, Path::new("/var/lib/events.db"));
    }
}
