//! Copies one database.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use event_sourcing::{LogMark, StoreError};
use event_store_any::head_in;
use platform::StartError;
use platform::config::{DatabaseUrl, Engine};
use sql_database::postgres::{programs as libpq, snapshot};
use sql_database::sqlite::{self, FileOptions, private};
use sql_database::{Connections, Database, Statement, Transaction};

use super::manifest::{Copied, ServerPart, checksum};
use super::programs::{Program, option, schema_pattern};
use crate::terminal::while_growing;

/// One connection, and how long it may take to get it.
pub const CONNECTIONS: Connections = Connections {
    pool: "backup",
    application: "shop backup",
    size: 1,
    acquire_timeout: Duration::from_secs(10),
};
/// How long `pg_dump` waits for a lock, such as that of a migration.
const LOCK_TIMEOUT_MS: u32 = 60_000;

/// A database to copy.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// Such as "the event store".
    pub name: &'static str,
    /// The setting with its URL.
    pub setting: &'static str,
    /// The name of its copy, without the extension.
    pub file: &'static str,
    pub url: &'a DatabaseUrl,
}

/// What a server is asked before its database is dumped.
const SERVER: &str =
    "SELECT current_setting('server_version_num')::bigint / 10000, current_schema()::text";

/// Whether two URLs name one database, and one schema in it.
pub fn is_same_place(one: &DatabaseUrl, other: &DatabaseUrl) -> bool {
    const PLACE: [&str; 4] = ["PGHOST", "PGPORT", "PGDATABASE", "PGOPTIONS"];
    if (one.engine(), other.engine()) != (Engine::Postgres, Engine::Postgres) {
        return FileOptions::path_of(one.as_str()) == FileOptions::path_of(other.as_str());
    }
    let place = |url: &DatabaseUrl| {
        let variables = libpq::environment(url.as_str()).ok()?;
        let place = variables.into_iter();
        Some(
            place
                .filter(|(name, _)| PLACE.contains(name))
                .collect::<Vec<_>>(),
        )
    };
    // An invalid URL is reported when it is used.
    place(one).is_some_and(|place_of_one| Some(place_of_one) == place(other))
}

#[derive(Debug, thiserror::Error)]
enum SourceError {
    #[error("{} does not exist", .0.display())]
    NoFile(PathBuf),
    #[error("SQLite finds damages in the copy: {0}")]
    Damaged(String),
    #[error("no schema of the search_path exists")]
    NoSchema,
}

impl Source<'_> {
    fn failed(&self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StartError {
        StartError::failed(format!("back up {} ({})", self.name, self.setting), source)
    }

    /// The name of the copy.
    pub fn file(&self) -> String {
        let extension = match self.url.engine() {
            Engine::Sqlite => "db",
            Engine::Postgres => "dump",
        };
        format!("{}.{extension}", self.file)
    }

    /// Copies the database into `folder`, reads the copy and makes it durable. If it contains a log and is on a server, returns
    /// the log's end in the copy as well.
    ///
    /// # Errors
    /// The database cannot be read, or the copy cannot be written or is damaged.
    pub async fn copy(
        &self,
        folder: &Path,
        programs: Option<&Path>,
    ) -> Result<(Copied, Option<LogMark>), StartError> {
        let path = folder.join(self.file());
        // Created here, so that no other user can read it from the beginning.
        private::open_file(&path).map_err(|error| self.failed(error))?;
        let (server, head) = match self.url.engine() {
            Engine::Sqlite => {
                self.copy_file(&path).await?;
                (None, None)
            }
            Engine::Postgres => {
                let (server, head) = self.dump(&path, programs).await?;
                (Some(server), head)
            }
        };
        let durable = path.clone();
        let checksum = tokio::task::spawn_blocking(move || {
            File::open(&durable)?.sync_all()?;
            checksum(&durable)
        });
        let checksum = checksum
            .await
            .unwrap_or_else(|error| Err(io::Error::other(error)));
        let (bytes, sha256) = checksum.map_err(|error| self.failed(error))?;
        let copied = Copied {
            engine: self.url.engine().into(),
            file: self.file(),
            bytes,
            sha256,
            server,
        };
        Ok((copied, head))
    }

    async fn copy_file(&self, path: &Path) -> Result<(), StartError> {
        let original = FileOptions::path_of(self.url.as_str());
        let size = original.metadata().map(|file| file.len());
        let size = size.map_err(|_| self.failed(SourceError::NoFile(original.clone())))?;
        let copying = sqlite::copy(&original, path);
        let copied = while_growing(self.name, path, Some(size), copying).await;
        copied.map_err(|error| self.failed(error))?;
        let damages = while_growing(self.name, path, Some(size), sqlite::damages(path)).await;
        let damages = damages.map_err(|error| self.failed(error))?;
        if !damages.is_empty() {
            return Err(self.failed(SourceError::Damaged(damages.join("; "))));
        }
        Ok(())
    }

    async fn dump(
        &self,
        path: &Path,
        programs: Option<&Path>,
    ) -> Result<(ServerPart, Option<LogMark>), StartError> {
        let failed = |error: StoreError| self.failed(error);
        let url = self.url.as_str();
        let database = Database::open_read_only("connect", url, CONNECTIONS).await;
        let database = database.map_err(failed)?;
        let mut transaction = database.begin().await.map_err(failed)?;
        let dumped = self.dump_in(&mut transaction, path, programs).await;
        // It only kept the snapshot, so an error has no effect.
        let _ = transaction.rollback().await;
        database.close().await;
        dumped
    }

    async fn dump_in(
        &self,
        transaction: &mut Transaction,
        path: &Path,
        programs: Option<&Path>,
    ) -> Result<(ServerPart, Option<LogMark>), StartError> {
        let failed = |error: StoreError| self.failed(error);
        let exported = snapshot::export(transaction).await.map_err(failed)?;
        let ask = Statement::new("ask the server", SERVER);
        let server: Option<(i64, Option<String>)> =
            transaction.fetch_optional(ask).await.map_err(failed)?;
        let Some((version, Some(schema))) = server else {
            return Err(self.failed(SourceError::NoSchema));
        };
        let version = u32::try_from(version).unwrap_or_default();
        let head = head_in(transaction).await.map_err(failed)?;
        let folder = programs.map(Path::to_owned);
        let pg_dump = Program::find("pg_dump", version, folder.clone()).await;
        let pg_dump = pg_dump.map_err(|error| self.failed(error))?;
        let pg_restore = Program::find("pg_restore", version, folder).await;
        let pg_restore = pg_restore.map_err(|error| self.failed(error))?;
        let environment = libpq::environment(self.url.as_str());
        let environment = environment.map_err(|error| self.failed(error))?;
        let arguments = vec![
            "--format=custom".into(),
            "--no-password".into(),
            option("lock-wait-timeout", LOCK_TIMEOUT_MS.to_string()),
            option("snapshot", exported),
            option("schema", schema_pattern(&schema)),
            option("file", path),
        ];
        let dumping = pg_dump.run(arguments, environment);
        let dumped = while_growing(self.name, path, None, dumping).await;
        dumped.map_err(|error| self.failed(error))?;
        let listed = pg_restore.run(vec!["--list".into(), path.into()], Vec::new());
        listed.await.map_err(|error| self.failed(error))?;
        Ok((ServerPart { version, schema }, head))
    }
}

#[cfg(test)]
mod tests {
    use platform::config::DatabaseUrl;

    use super::is_same_place;

    #[test]
    fn urls_of_one_database_are_found() {
        let same = |one: &str, other: &str| {
            let parsed = |url| DatabaseUrl::parse(url).expect("a valid URL");
            is_same_place(&parsed(one), &parsed(other))
        };
        assert!(same(
            "postgres://me:a@h/db",
            "postgresql://me:b@h:5432/db?sslmode=require"
        ));
        assert!(same("sqlite://a/x.db", "sqlite://a/x.db"));
        for (one, other) in [
            ("postgres://me@h/db", "postgres://me@h/other"),
            ("postgres://me@h/db", "postgres://me@h:5433/db"),
            (
                "postgres://me@h/db?options[search_path]=a",
                "postgres://me@h/db?options[search_path]=b",
            ),
            ("sqlite://a/x.db", "sqlite://a/y.db"),
            ("sqlite://a/x.db", "postgres://me@h/db"),
        ] {
            assert!(!same(one, other), "{one} {other}");
        }
    }
}
