//! Opens a database that is only read, next to the processes that write it.

use event_sourcing::StoreError;

use crate::database::Database;
use crate::durable::Connections;
use crate::error::store_error;
use crate::postgres::{at_server, connect, pool};
use crate::sqlite::{Durability, FileOptions, Readers, SqliteFile};

impl Database {
    /// Opens the database that `url` names for reading. It must exist: nothing is created, and no migration runs. A file is
    /// opened at the first statement.
    ///
    /// # Errors
    /// [`StoreError`] if the server cannot be reached.
    pub async fn open_read_only(
        operation: &'static str,
        url: &str,
        connections: Connections,
    ) -> Result<Self, StoreError> {
        let Connections {
            pool: name,
            application,
            size,
            acquire_timeout,
        } = connections;
        if url.starts_with("sqlite:") {
            let options = FileOptions {
                name,
                acquire_timeout,
                ..FileOptions::new(FileOptions::path_of(url), Durability::Full)
            };
            return Ok(Self::Sqlite {
                file: SqliteFile::read_only(&options),
                readers: Readers::Main,
            });
        }
        match connect(pool(size, acquire_timeout), url, application, name).await {
            Ok(pool) => Ok(Self::Postgres {
                reading: pool.clone(),
                writing: pool,
            }),
            Err(error) => Err(at_server(url, store_error(operation, error))),
        }
    }
}
