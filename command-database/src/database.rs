//! The connections of the command database.

use std::time::Duration;

use event_handler_sql::SqlHandlerStore;
use event_sourcing::LogMark;
use idempotency_sql::{RequestTables, marks};
use platform::config::{DatabaseUrl, Engine};
use sql_database::postgres::at_server;
use sql_database::{Connections, Database, Record, Statement};

use crate::error::DatabaseError;
use crate::schema::SCHEMA;

/// Timeout of waiting for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// The name of its connections in metrics.
const POOL: &str = "command";
const MIGRATE: &str = "migrate the command database";
const PING: &str = "SELECT 1";

/// The command database. Cheap to clone; all clones share the connections.
#[derive(Clone, Debug)]
pub struct CommandDatabase {
    inner: Database,
    event_handlers: SqlHandlerStore,
    requests: RequestTables,
}

impl CommandDatabase {
    /// Connects, and migrates the schema if `migrate` is set; otherwise it must be up to date.
    ///
    /// # Errors
    /// The database cannot be reached, or its schema is newer than this binary supports.
    pub async fn connect(
        url: &DatabaseUrl,
        pool_size: u32,
        migrate: bool,
    ) -> Result<Self, DatabaseError> {
        let connections = Connections {
            pool: POOL,
            application: "command-service",
            size: pool_size,
            acquire_timeout: ACQUIRE_TIMEOUT,
        };
        let inner =
            Database::open_durable("connect to the command database", url.as_str(), connections)
                .await?;
        let prepared = if migrate {
            SCHEMA.migrate(&inner).await
        } else {
            SCHEMA.check(&inner).await
        };
        let prepared = prepared.map_err(|error| error.into_store_error(MIGRATE));
        let located = |error| match url.engine() {
            Engine::Sqlite => error,
            Engine::Postgres => at_server(url.as_str(), error),
        };
        prepared.map_err(located)?;
        let event_handlers = SqlHandlerStore::open(inner.clone(), migrate).await;
        let event_handlers = event_handlers.map_err(located)?;
        let requests = RequestTables::open(inner.clone(), migrate).await;
        Ok(Self {
            inner,
            event_handlers,
            requests: requests.map_err(located)?,
        })
    }

    /// Connects for reading. The schema must be up to date; nothing is created or changed.
    ///
    /// # Errors
    /// The database cannot be reached, or its schema does not fit this binary.
    pub async fn open_read_only(url: &DatabaseUrl) -> Result<Self, DatabaseError> {
        let connections = Connections {
            pool: POOL,
            application: "shop",
            size: 1,
            acquire_timeout: ACQUIRE_TIMEOUT,
        };
        let operation = "connect to the command database";
        let inner = Database::open_read_only(operation, url.as_str(), connections).await?;
        let checked = SCHEMA.check(&inner).await;
        checked.map_err(|error| error.into_store_error("read the schema"))?;
        Ok(Self {
            event_handlers: SqlHandlerStore::open(inner.clone(), false).await?,
            requests: RequestTables::open(inner.clone(), false).await?,
            inner,
        })
    }

    /// Checks that the database answers.
    ///
    /// # Errors
    /// [`DatabaseError`]
    pub async fn ping(&self) -> Result<(), DatabaseError> {
        let ping = Statement::new("ping the command database", PING);
        let _answer: Vec<(i32,)> = self.inner.fetch_all(ping).await?;
        Ok(())
    }

    #[must_use]
    pub fn is_sqlite(&self) -> bool {
        self.inner.is_sqlite()
    }

    /// All rows of a reading statement.
    ///
    /// # Errors
    /// [`DatabaseError`]
    pub async fn fetch_all<T: Record>(
        &self,
        statement: Statement,
    ) -> Result<Vec<T>, DatabaseError> {
        Ok(self.inner.fetch_all(statement).await?)
    }

    /// The first row of a reading statement, if there is one.
    ///
    /// # Errors
    /// [`DatabaseError`]
    pub async fn fetch_optional<T: Record>(
        &self,
        statement: Statement,
    ) -> Result<Option<T>, DatabaseError> {
        Ok(self.inner.fetch_optional(statement).await?)
    }

    /// All rows of a writing statement.
    ///
    /// # Errors
    /// [`DatabaseError`]
    pub async fn write<T: Record>(&self, statement: Statement) -> Result<Vec<T>, DatabaseError> {
        Ok(self.inner.write(statement).await?)
    }

    /// The first row of a writing statement, if there is one.
    ///
    /// # Errors
    /// [`DatabaseError`]
    pub async fn write_optional<T: Record>(
        &self,
        statement: Statement,
    ) -> Result<Option<T>, DatabaseError> {
        Ok(self.inner.write_optional(statement).await?)
    }

    /// Executes a statement. Returns the number of changed rows.
    ///
    /// # Errors
    /// [`DatabaseError`]
    pub async fn execute(&self, statement: Statement) -> Result<u64, DatabaseError> {
        Ok(self.inner.execute(statement).await?)
    }

    /// Writes a probe row, and checks the permission to store an answer.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn probe_write(&self) -> Result<(), DatabaseError> {
        const PROBE: &str = "INSERT INTO write_probe (only_row, probes) VALUES (1, 1) \
             ON CONFLICT (only_row) DO UPDATE SET probes = write_probe.probes + 1";
        self.execute(Statement::new("probe the command database", PROBE))
            .await?;
        Ok(self.requests.probe_write().await?)
    }

    /// The checkpoints of the event handlers.
    #[must_use]
    pub fn event_handlers(&self) -> &SqlHandlerStore {
        &self.event_handlers
    }

    /// The requests with an Idempotency-Key.
    #[must_use]
    pub fn requests(&self) -> &RequestTables {
        &self.requests
    }

    /// Removes what refers to positions after `head`, the end of the log that was restored with this database, and returns the
    /// number of requests that have no answer any more. No process may use the database.
    ///
    /// # Errors
    /// [`DatabaseError`]
    pub async fn align(&self, head: LogMark) -> Result<u64, DatabaseError> {
        self.event_handlers.align(head).await?;
        Ok(marks::reopen_after(&self.requests, head).await?)
    }

    /// Updates the metrics of the connection pools.
    pub fn measure_pools(&self) {
        self.inner.measure_pools();
    }

    /// Closes all connections after their current statements.
    pub async fn close(&self) {
        self.inner.close().await;
    }
}
