//! The options of a file, and the settings that are read back before it is used.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{Connection, SqliteConnection};

use super::private;

/// A longer write-ahead log is truncated as soon as no reader uses it. It usually has a tenth of this size.
pub(super) const MAX_WAL_BYTES: u64 = 32 * 1024 * 1024;

/// In older versions a checkpoint could corrupt the database (the WAL-reset bug).
pub(super) const OLDEST_SQLITE: &str = "3.51.3";

/// What a commit waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// For the log to be on disk: a power failure loses no acknowledged commit.
    Full,
    /// For nothing: a power failure may lose the last commits, but does not damage the database.
    Normal,
}

impl Durability {
    fn synchronous(self) -> SqliteSynchronous {
        match self {
            Self::Full => SqliteSynchronous::Full,
            Self::Normal => SqliteSynchronous::Normal,
        }
    }

    /// The value that the pragma returns.
    fn stored(self) -> &'static str {
        match self {
            Self::Full => "2",
            Self::Normal => "1",
        }
    }
}

/// The path of a file, and how it is used.
#[derive(Clone, Debug)]
pub struct FileOptions {
    /// The database.
    pub path: PathBuf,
    /// The name of its connections in metrics, such as `events`.
    pub name: &'static str,
    /// What a commit waits for.
    pub durability: Durability,
    /// Maximum number of connections that read at the same time.
    pub readers: u32,
    /// Maximum number of connections that read in the background.
    pub background: u32,
    /// How long a statement waits for a lock that another process holds, as during a checkpoint.
    pub busy_timeout: Duration,
    /// How long a statement waits for a connection.
    pub acquire_timeout: Duration,
}

impl FileOptions {
    /// The default options for a file.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>, durability: Durability) -> Self {
        Self {
            path: path.into(),
            name: "sqlite",
            durability,
            readers: 4,
            background: 1,
            busy_timeout: Duration::from_secs(5),
            acquire_timeout: Duration::from_secs(5),
        }
    }

    /// The file that a URL such as `sqlite://data/events.db`, or a plain path, names.
    #[must_use]
    pub fn path_of(location: &str) -> PathBuf {
        let path = location
            .strip_prefix("sqlite://")
            .or_else(|| location.strip_prefix("sqlite:"))
            .unwrap_or(location);
        PathBuf::from(path)
    }

    /// The name in metrics of the connections for one purpose.
    pub(super) fn pool(&self, purpose: &str) -> String {
        format!("{}{purpose}", self.name)
    }

    /// Creates the folder of the file, with access for this user only.
    ///
    /// # Errors
    /// [`OpenError::Folder`] if it cannot be created.
    pub fn make_folder(&self) -> Result<(), OpenError> {
        let Some(folder) = self.path.parent().filter(|folder| *folder != Path::new("")) else {
            return Ok(());
        };
        private::create_folder(folder).map_err(|source| OpenError::Folder {
            path: folder.to_owned(),
            source,
        })
    }

    /// Creates the file, with access for this user only. SQLite creates the files next to it with the same permissions.
    pub(super) fn make_file(&self) -> Result<(), OpenError> {
        private::open_file(&self.path).map_err(|source| OpenError::Folder {
            path: self.path.clone(),
            source,
        })?;
        private::warn_if_shared(&self.path);
        Ok(())
    }

    pub(super) fn writing(&self) -> SqliteConnectOptions {
        self.common()
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(self.durability.synchronous())
            .foreign_keys(true)
            .pragma("journal_size_limit", MAX_WAL_BYTES.to_string())
    }

    /// A reader uses the journal mode of the file, and cannot write.
    pub(super) fn reading(&self) -> SqliteConnectOptions {
        self.common().read_only(true).pragma("query_only", "1")
    }

    fn common(&self) -> SqliteConnectOptions {
        SqliteConnectOptions::new()
            .filename(&self.path)
            .busy_timeout(self.busy_timeout)
            .optimize_on_close(false, None)
    }
}

/// Why a file was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder or the file could not be created.
    #[error("cannot use {}", path.display())]
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The linked SQLite has known bugs.
    #[error("SQLite {found} is too old, this needs {OLDEST_SQLITE} or newer")]
    TooOld {
        /// The version of SQLite.
        found: String,
    },
    /// A setting that durability depends on has another value.
    #[error("SQLite has {name} = {found}, this needs {wanted}")]
    Setting {
        /// The pragma.
        name: &'static str,
        /// The required value.
        wanted: &'static str,
        /// The actual value.
        found: String,
    },
    /// SQLite reported an error.
    #[error("cannot open the database")]
    Database(#[from] sqlx::Error),
}

impl From<OpenError> for sqlx::Error {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Database(error) => error,
            other => Self::Configuration(Box::new(other)),
        }
    }
}

/// Opens a connection and checks its version and settings.
pub(super) async fn connect(
    options: &SqliteConnectOptions,
    required: Option<Durability>,
) -> Result<SqliteConnection, OpenError> {
    let mut connection = SqliteConnection::connect_with(options).await?;
    check_version(&mut connection).await?;
    if let Some(durability) = required {
        check_settings(&mut connection, durability).await?;
    }
    Ok(connection)
}

async fn check_version(connection: &mut SqliteConnection) -> Result<(), OpenError> {
    let found = text(connection, "SELECT sqlite_version()").await?;
    if version_parts(&found) < version_parts(OLDEST_SQLITE) {
        return Err(OpenError::TooOld { found });
    }
    Ok(())
}

fn version_parts(version: &str) -> Vec<u32> {
    let parts = version.split('.');
    parts.map(|part| part.parse().unwrap_or(0)).collect()
}

async fn check_settings(
    connection: &mut SqliteConnection,
    durability: Durability,
) -> Result<(), OpenError> {
    let required = [
        (
            "journal_mode",
            "SELECT journal_mode FROM pragma_journal_mode",
            "wal",
        ),
        (
            "synchronous",
            "SELECT CAST(synchronous AS TEXT) FROM pragma_synchronous",
            durability.stored(),
        ),
        (
            "foreign_keys",
            "SELECT CAST(foreign_keys AS TEXT) FROM pragma_foreign_keys",
            "1",
        ),
    ];
    for (name, sql, wanted) in required {
        let found = text(connection, sql).await?;
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

async fn text(connection: &mut SqliteConnection, sql: &'static str) -> Result<String, sqlx::Error> {
    let rows: Vec<String> = sqlx::query_scalar(sql).fetch_all(connection).await?;
    rows.into_iter().next().ok_or(sqlx::Error::RowNotFound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_setting_that_was_not_applied_is_reported() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.db");
        let weak = FileOptions::new(&path, Durability::Normal).writing();
        let rejected = connect(&weak, Some(Durability::Full)).await.unwrap_err();
        assert_eq!(
            rejected.to_string(),
            "SQLite has synchronous = 1, this needs 2"
        );
        connect(&weak, Some(Durability::Normal)).await.unwrap();
        let full = FileOptions::new(&path, Durability::Full).writing();
        connect(&full, Some(Durability::Full)).await.unwrap();
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
            assert_eq!(FileOptions::path_of(location), Path::new("data/events.db"));
        }
        let absolute = FileOptions::path_of("sqlite:///var/lib/events.db");
        assert_eq!(absolute, Path::new("/var/lib/events.db"));
    }
}
