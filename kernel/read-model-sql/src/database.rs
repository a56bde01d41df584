//! A query database of either engine.

use std::fmt;
use std::sync::Arc;

use event_sourcing::{Clock, Projection, StoreError};
use futures::future::BoxFuture;
pub use sql_database::Transaction;
use sql_database::sqlite::Readers;
use sql_database::{Record, Statement};
use sqlx::postgres::PgPool;

use crate::checkpoint_watcher::CheckpointWatcher;
use crate::connect;
use crate::engine::Engine;
use crate::error::failed;
use crate::schema::SCHEMA;
use crate::version::ProjectionVersion;

/// A query database. Clones share its connections.
#[derive(Clone)]
pub struct Database {
    /// Reads use the connections of requests.
    inner: sql_database::Database,
    clock: Arc<dyn Clock>,
    feed: Arc<CheckpointWatcher>,
    /// Held during a comparison, so that at most one background connection holds a snapshot.
    comparing: Arc<tokio::sync::Mutex<()>>,
    versions_raised_by: u32,
}

/// The URL belongs to an engine that is not supported.
#[derive(Debug, thiserror::Error)]
#[error("the URL of a query database starts with sqlite:// or postgres://")]
struct UnknownEngine;

impl Database {
    /// Connects to the database that `url` names (`sqlite://path` or `postgres://…`) and runs the migrations of the
    /// bookkeeping tables. Leases on SQLite expire by `clock`; PostgreSQL uses its own clock.
    ///
    /// # Errors
    /// [`StoreError`] if the URL belongs to neither engine, the database cannot be reached, or it needs a newer binary.
    pub fn open(
        url: &str,
        pool_size: u32,
        clock: Arc<dyn Clock>,
    ) -> BoxFuture<'_, Result<Self, StoreError>> {
        Box::pin(async move {
            let database = Self::connect_now(url, pool_size, clock).await?;
            let migrated = SCHEMA.migrate(&database.inner).await;
            migrated.map_err(|error| {
                let error = error.into_store_error("migrate the query database");
                connect::located(url, error)
            })?;
            Ok(database)
        })
    }

    /// Connects without migrations, for a process that must not change the schema.
    ///
    /// # Errors
    /// [`StoreError`] as for [`open`](Self::open), and if a migration is missing.
    pub fn connect(
        url: &str,
        pool_size: u32,
        clock: Arc<dyn Clock>,
    ) -> BoxFuture<'_, Result<Self, StoreError>> {
        Box::pin(async move {
            let database = Self::connect_now(url, pool_size, clock).await?;
            let checked = SCHEMA.check(&database.inner).await;
            checked.map_err(|error| error.into_store_error("read the query database's schema"))?;
            Ok(database)
        })
    }

    /// Starts a durable transaction that may change tables. The schema's lock serializes such transactions.
    pub(crate) async fn lock_schema(&self) -> Result<Transaction, StoreError> {
        SCHEMA.lock(&self.inner).await
    }

    async fn connect_now(
        url: &str,
        pool_size: u32,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StoreError> {
        let inner = if url.starts_with("sqlite:") {
            connect::sqlite(url, pool_size).await?
        } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            connect::postgres(url, pool_size).await?
        } else {
            return Err(failed("open the query database", UnknownEngine));
        };
        Ok(Self {
            inner,
            clock,
            feed: Arc::new(CheckpointWatcher::default()),
            comparing: Arc::default(),
            versions_raised_by: 0,
        })
    }

    /// The engine of the database.
    #[must_use]
    pub fn engine(&self) -> Engine {
        if self.inner.is_sqlite() {
            Engine::Sqlite
        } else {
            Engine::Postgres
        }
    }

    /// The schema version of `P` that this handle folds and reads.
    #[must_use]
    pub fn version_of<P: Projection>(&self) -> ProjectionVersion {
        ProjectionVersion {
            name: P::NAME,
            version: P::SCHEMA_VERSION + self.versions_raised_by,
        }
    }

    /// A handle of a later release, whose projections have schema versions higher by `by`. A test can so run two
    /// versions of a projection at the same time.
    #[must_use]
    pub fn with_versions_raised_by(mut self, by: u32) -> Self {
        self.versions_raised_by = by;
        self
    }

    /// The checkpoints, as this process last saw them.
    #[must_use]
    pub fn checkpoints(&self) -> &Arc<CheckpointWatcher> {
        &self.feed
    }

    /// Publishes how busy the connections are as metrics.
    pub fn measure_pools(&self) {
        self.inner.measure_pools();
    }

    /// A handle whose reads use the background connections, which requests cannot exhaust.
    #[must_use]
    pub(crate) fn in_background(&self) -> Self {
        let inner = match &self.inner {
            sql_database::Database::Sqlite { file, .. } => sql_database::Database::Sqlite {
                file: file.clone(),
                readers: Readers::Background,
            },
            sql_database::Database::Postgres { writing, .. } => sql_database::Database::Postgres {
                reading: writing.clone(),
                writing: writing.clone(),
            },
        };
        Self {
            inner,
            clock: Arc::clone(&self.clock),
            feed: Arc::clone(&self.feed),
            comparing: Arc::clone(&self.comparing),
            versions_raised_by: self.versions_raised_by,
        }
    }

    /// The pool for a listener, if the engine sends notifications.
    pub(crate) fn notifying(&self) -> Option<&PgPool> {
        match &self.inner {
            sql_database::Database::Sqlite { .. } => None,
            sql_database::Database::Postgres { writing, .. } => Some(writing.inner()),
        }
    }

    pub(crate) fn now_micros(&self) -> i64 {
        self.clock.now().timestamp_micros()
    }

    /// Returns all rows of a statement that reads.
    ///
    /// # Errors
    /// [`StoreError`] if the database cannot be read.
    pub async fn fetch_all<T: Record>(&self, statement: Statement) -> Result<Vec<T>, StoreError> {
        self.inner.fetch_all(statement).await
    }

    /// Returns the first row of a statement that reads, if there is one.
    ///
    /// # Errors
    /// [`StoreError`] if the database cannot be read.
    pub async fn fetch_optional<T: Record>(
        &self,
        statement: Statement,
    ) -> Result<Option<T>, StoreError> {
        self.inner.fetch_optional(statement).await
    }

    /// Runs one statement that writes and commits by itself, and returns all its rows.
    pub(crate) async fn write<T: Record>(
        &self,
        statement: Statement,
    ) -> Result<Vec<T>, StoreError> {
        self.inner.write(statement).await
    }

    /// Starts a transaction that may write.
    ///
    /// # Errors
    /// [`StoreError`] if the database cannot be reached.
    pub async fn begin(&self) -> Result<Transaction, StoreError> {
        self.inner.begin().await
    }

    /// Starts a transaction that sees one snapshot, on a background connection.
    pub(crate) async fn begin_snapshot(&self) -> Result<Transaction, StoreError> {
        self.in_background().inner.begin_snapshot().await
    }

    /// Waits until no other comparison is running.
    pub(crate) async fn lock_comparison(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.comparing.lock().await
    }

    /// Closes all connections after running statements have ended.
    pub async fn close(&self) {
        self.inner.close().await;
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL is omitted, because it may contain a password.
        f.debug_struct("Database")
            .field("engine", &self.engine())
            .finish_non_exhaustive()
    }
}
