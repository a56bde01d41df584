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
    /// Read through the connections that requests use.
    inner: sql_database::Database,
    clock: Arc<dyn Clock>,
    feed: Arc<CheckpointWatcher>,
    versions_raised_by: u32,
}

/// A URL of an engine that is not supported.
#[derive(Debug, thiserror::Error)]
#[error("a query database is sqlite://… or postgres://…")]
struct UnknownEngine;

impl Database {
    /// Connects to the database that `url` names (`sqlite://path` or `postgres://…`) and runs the bookkeeping's
    /// migrations. `clock` tells the time of leases on SQLite; PostgreSQL uses its own.
    ///
    /// # Errors
    /// [`StoreError`] if the URL is of neither engine, the database cannot be reached, or it needs a newer binary.
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
    /// [`StoreError`] as for [`open`](Self::open), and if the bookkeeping is not there.
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

    /// A durable transaction that may change the tables, one at a time.
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
            versions_raised_by: 0,
        })
    }

    /// Which engine it is.
    #[must_use]
    pub fn engine(&self) -> Engine {
        if self.inner.is_sqlite() {
            Engine::Sqlite
        } else {
            Engine::Postgres
        }
    }

    /// The version of `P` that is folded and read through this handle.
    #[must_use]
    pub fn version_of<P: Projection>(&self) -> ProjectionVersion {
        ProjectionVersion {
            name: P::NAME,
            version: P::SCHEMA_VERSION + self.versions_raised_by,
        }
    }

    /// The same database as a later release sees it, whose projections have schema versions so much higher. It lets a
    /// test run two versions of a projection against each other.
    #[must_use]
    pub fn with_versions_raised_by(mut self, by: u32) -> Self {
        self.versions_raised_by = by;
        self
    }

    /// The checkpoints, as this process knows them.
    #[must_use]
    pub fn feed(&self) -> &Arc<CheckpointWatcher> {
        &self.feed
    }

    /// Tells the metrics how busy its connections are.
    pub fn measure_pools(&self) {
        self.inner.measure_pools();
    }

    /// The same database, read through the connections of the background. They are few, and no request can keep them
    /// busy.
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
            versions_raised_by: self.versions_raised_by,
        }
    }

    /// The pool on which a listener can be opened, if the engine notifies.
    pub(crate) fn notifying(&self) -> Option<&PgPool> {
        match &self.inner {
            sql_database::Database::Sqlite { .. } => None,
            sql_database::Database::Postgres { writing, .. } => Some(writing.inner()),
        }
    }

    pub(crate) fn now_micros(&self) -> i64 {
        self.clock.now().timestamp_micros()
    }

    /// All rows of a read.
    ///
    /// # Errors
    /// [`StoreError`] if the database cannot be read.
    pub async fn fetch_all<T: Record>(&self, statement: Statement) -> Result<Vec<T>, StoreError> {
        self.inner.fetch_all(statement).await
    }

    /// The first row of a read, if there is one.
    ///
    /// # Errors
    /// [`StoreError`] if the database cannot be read.
    pub async fn fetch_optional<T: Record>(
        &self,
        statement: Statement,
    ) -> Result<Option<T>, StoreError> {
        self.inner.fetch_optional(statement).await
    }

    /// All rows of one statement that writes, and commits by itself.
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

    /// Closes all connections, after the statements that run.
    pub async fn close(&self) {
        self.inner.close().await;
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL is left out: it may hold a password.
        f.debug_struct("Database")
            .field("engine", &self.engine())
            .finish_non_exhaustive()
    }
}
