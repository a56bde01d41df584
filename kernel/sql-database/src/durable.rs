//! Opens a database whose commits wait for the disk.

use std::time::Duration;

use event_sourcing::StoreError;

use crate::database::Database;
use crate::error::{failed, store_error};
use crate::postgres::{at_server, connect, durable_pool};
use crate::sqlite::{Durability, FileOptions, Readers, SqliteFile};

/// How a database is opened.
#[derive(Clone, Copy, Debug)]
pub struct Connections {
    /// The name of the pool in metrics.
    pub pool: &'static str,
    /// The application name of the server's sessions.
    pub application: &'static str,
    /// Maximum connections to a server. A file ignores it.
    pub size: u32,
    /// How long a statement waits for a connection.
    pub acquire_timeout: Duration,
}

#[derive(Debug, thiserror::Error)]
#[error("the URL of a database starts with sqlite:// or postgres://")]
struct UnknownEngine;

impl Database {
    /// Opens the database that `url` names (`sqlite://path` or `postgres://…`). An acknowledged commit is on disk.
    ///
    /// # Errors
    /// [`StoreError`] if the URL belongs to neither engine or the database cannot be reached.
    pub async fn open_durable(
        operation: &'static str,
        url: &str,
        connections: Connections,
    ) -> Result<Self, StoreError> {
        if url.starts_with("sqlite:") {
            return sqlite(url, connections)
                .await
                .map_err(|error| store_error(operation, error));
        }
        if !url.starts_with("postgres:") && !url.starts_with("postgresql:") {
            return Err(failed(operation, UnknownEngine));
        }
        let Connections {
            pool,
            application,
            size,
            acquire_timeout,
        } = connections;
        let connected = connect(durable_pool(size, acquire_timeout), url, application, pool).await;
        match connected {
            Ok(pool) => Ok(Self::Postgres {
                reading: pool.clone(),
                writing: pool,
            }),
            Err(error) => Err(at_server(url, store_error(operation, error))),
        }
    }
}

async fn sqlite(url: &str, connections: Connections) -> Result<Database, sqlx::Error> {
    let options = FileOptions {
        name: connections.pool,
        acquire_timeout: connections.acquire_timeout,
        ..FileOptions::new(FileOptions::path_of(url), Durability::Full)
    };
    Ok(Database::Sqlite {
        file: SqliteFile::open(options).await?,
        readers: Readers::Main,
    })
}
