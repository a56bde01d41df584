//! A query database of either engine.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use event_sourcing::{Clock, StoreError};
use sqlx::postgres::PgPool;
use sqlx::sqlite::SqlitePool;
use sqlx::{Postgres, SqlSafeStr, Sqlite};

use crate::engine::Engine;
use crate::error::{commit_error, failed, is_broken, store_error};
use crate::feed::Feed;
use crate::statement::{Record, Statement};
use crate::{connect, schema};

/// A query database. Clones share its connections.
#[derive(Clone)]
pub struct Database {
    pools: Pools,
    clock: Arc<dyn Clock>,
    feed: Arc<Feed>,
}

#[derive(Clone)]
pub(crate) enum Pools {
    Sqlite {
        writer: SqlitePool,
        readers: SqlitePool,
        background: SqlitePool,
    },
    Postgres {
        readers: PgPool,
        background: PgPool,
    },
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
    pub async fn open(
        url: &str,
        pool_size: u32,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StoreError> {
        let database = Self::connect(url, pool_size, clock).await?;
        schema::migrate(&database).await?;
        Ok(database)
    }

    /// Connects without migrations, for a process that must not change the schema.
    ///
    /// # Errors
    /// [`StoreError`] as for [`open`](Self::open).
    pub async fn connect(
        url: &str,
        pool_size: u32,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StoreError> {
        let pools = if url.starts_with("sqlite:") {
            let pools = connect::sqlite(url, pool_size).await?;
            Pools::Sqlite {
                writer: pools.writer,
                readers: pools.readers,
                background: pools.background,
            }
        } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            let (readers, background) = connect::postgres(url, pool_size).await?;
            Pools::Postgres {
                readers,
                background,
            }
        } else {
            return Err(failed("open the query database", UnknownEngine));
        };
        Ok(Self {
            pools,
            clock,
            feed: Arc::new(Feed::default()),
        })
    }

    /// Which engine it is.
    #[must_use]
    pub fn engine(&self) -> Engine {
        match &self.pools {
            Pools::Sqlite { .. } => Engine::Sqlite,
            Pools::Postgres { .. } => Engine::Postgres,
        }
    }

    /// The checkpoints, as this process knows them.
    #[must_use]
    pub fn feed(&self) -> &Arc<Feed> {
        &self.feed
    }

    /// The readers' connections in use and the most there can be.
    #[must_use]
    pub fn connections(&self) -> (u32, u32) {
        let in_use =
            |size: u32, idle: usize| size.saturating_sub(u32::try_from(idle).unwrap_or(size));
        match &self.pools {
            Pools::Sqlite { readers, .. } => (
                in_use(readers.size(), readers.num_idle()),
                readers.options().get_max_connections(),
            ),
            Pools::Postgres { readers, .. } => (
                in_use(readers.size(), readers.num_idle()),
                readers.options().get_max_connections(),
            ),
        }
    }

    /// The same database, read through the connections of the background. They are few, and nobody outside can keep
    /// them busy.
    #[must_use]
    pub(crate) fn in_background(&self) -> Self {
        let pools = match &self.pools {
            Pools::Sqlite {
                writer, background, ..
            } => Pools::Sqlite {
                writer: writer.clone(),
                readers: background.clone(),
                background: background.clone(),
            },
            Pools::Postgres { background, .. } => Pools::Postgres {
                readers: background.clone(),
                background: background.clone(),
            },
        };
        Self {
            pools,
            clock: Arc::clone(&self.clock),
            feed: Arc::clone(&self.feed),
        }
    }

    pub(crate) fn pools(&self) -> &Pools {
        &self.pools
    }

    pub(crate) fn now_micros(&self) -> i64 {
        self.clock.now().timestamp_micros()
    }

    /// All rows of a read.
    ///
    /// # Errors
    /// [`StoreError`] if the database cannot be read.
    pub async fn fetch_all<T: Record>(&self, statement: Statement) -> Result<Vec<T>, StoreError> {
        let operation = statement.operation;
        // Boxed, because the drivers' futures are large: whoever may read carries a pointer, also when its answer comes
        // from memory.
        let read: BoxedRead<'_, T> = match &self.pools {
            Pools::Sqlite { readers, .. } => {
                Box::pin(fetch_all::<Sqlite, T, _>(readers, statement))
            }
            Pools::Postgres { readers, .. } => Box::pin(read(readers, statement)),
        };
        read.await.map_err(|error| store_error(operation, error))
    }

    /// The first row of a read, if there is one.
    ///
    /// # Errors
    /// [`StoreError`] if the database cannot be read.
    pub async fn fetch_optional<T: Record>(
        &self,
        statement: Statement,
    ) -> Result<Option<T>, StoreError> {
        Ok(self.fetch_all(statement).await?.into_iter().next())
    }

    /// All rows of one statement that writes, and commits by itself.
    pub(crate) async fn write<T: Record>(
        &self,
        statement: Statement,
    ) -> Result<Vec<T>, StoreError> {
        let operation = statement.operation;
        match &self.pools {
            Pools::Sqlite { writer, .. } => fetch_all::<Sqlite, T, _>(writer, statement).await,
            Pools::Postgres { background, .. } => {
                fetch_all::<Postgres, T, _>(background, statement).await
            }
        }
        .map_err(|error| commit_error(operation, error))
    }

    /// Begins a transaction that may write.
    ///
    /// # Errors
    /// [`StoreError`] if the database cannot be reached.
    pub async fn begin(&self) -> Result<Transaction, StoreError> {
        match &self.pools {
            // IMMEDIATE takes the write lock at once, so that a later statement cannot fail for want of it.
            Pools::Sqlite { writer, .. } => writer
                .begin_with("BEGIN IMMEDIATE")
                .await
                .map(Transaction::Sqlite),
            Pools::Postgres { background, .. } => {
                background.begin().await.map(Transaction::Postgres)
            }
        }
        .map_err(|error| store_error("begin a transaction", error))
    }

    /// Closes all connections, after the statements that run.
    pub async fn close(&self) {
        match &self.pools {
            Pools::Sqlite {
                writer,
                readers,
                background,
            } => {
                tokio::join!(readers.close(), background.close());
                writer.close().await;
            }
            Pools::Postgres {
                readers,
                background,
            } => {
                tokio::join!(readers.close(), background.close());
            }
        }
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

type BoxedRead<'p, T> = Pin<Box<dyn Future<Output = Result<Vec<T>, sqlx::Error>> + Send + 'p>>;

/// A transaction. Dropping it rolls back.
#[derive(Debug)]
pub enum Transaction {
    /// Of the one writer.
    Sqlite(sqlx::Transaction<'static, Sqlite>),
    /// READ COMMITTED.
    Postgres(sqlx::Transaction<'static, Postgres>),
}

impl Transaction {
    /// All rows of a statement, which may write.
    ///
    /// # Errors
    /// [`StoreError`] if the statement fails.
    pub async fn fetch_all<T: Record>(
        &mut self,
        statement: Statement,
    ) -> Result<Vec<T>, StoreError> {
        let operation = statement.operation;
        match self {
            Self::Sqlite(inner) => fetch_all::<Sqlite, T, _>(&mut **inner, statement).await,
            Self::Postgres(inner) => fetch_all::<Postgres, T, _>(&mut **inner, statement).await,
        }
        .map_err(|error| store_error(operation, error))
    }

    /// The first row of a statement, which may write.
    ///
    /// # Errors
    /// [`StoreError`] if the statement fails.
    pub async fn fetch_optional<T: Record>(
        &mut self,
        statement: Statement,
    ) -> Result<Option<T>, StoreError> {
        Ok(self.fetch_all(statement).await?.into_iter().next())
    }

    /// Runs a statement and says how many rows it changed.
    ///
    /// # Errors
    /// [`StoreError`] if the statement fails.
    pub async fn execute(&mut self, statement: Statement) -> Result<u64, StoreError> {
        let operation = statement.operation;
        match self {
            Self::Sqlite(inner) => execute_sqlite(inner, statement).await,
            Self::Postgres(inner) => execute_postgres(inner, statement).await,
        }
        .map_err(|error| store_error(operation, error))
    }

    /// Runs several statements without parameters, such as a DDL.
    ///
    /// # Errors
    /// [`StoreError`] if one fails.
    pub async fn run_script(
        &mut self,
        operation: &'static str,
        script: impl SqlSafeStr,
    ) -> Result<(), StoreError> {
        let script = sqlx::raw_sql(script);
        match self {
            Self::Sqlite(inner) => script.execute(&mut **inner).await.map(|_| ()),
            Self::Postgres(inner) => script.execute(&mut **inner).await.map(|_| ()),
        }
        .map_err(|error| store_error(operation, error))
    }

    /// Has the commit wait for the disk, which a query database does not do by default.
    ///
    /// # Errors
    /// [`StoreError`] if the database cannot be reached.
    pub async fn make_durable(&mut self) -> Result<(), StoreError> {
        match self {
            // One process owns the file, and what it knows does not outlive a crash of the machine.
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(_) => {
                self.run_script("make durable", "SET LOCAL synchronous_commit = on")
                    .await
            }
        }
    }

    /// Commits.
    ///
    /// # Errors
    /// [`StoreError`] if it did not, or if that is unknown.
    pub async fn commit(self, operation: &'static str) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(inner) => inner.commit().await,
            Self::Postgres(inner) => inner.commit().await,
        }
        .map_err(|error| commit_error(operation, error))
    }
}

/// Reads, and reads again if the connection turns out to be broken: after a restart of the server each connection of
/// the pool fails once, and that is no reason to fail as many requests.
async fn read<T: Record>(pool: &PgPool, statement: Statement) -> Result<Vec<T>, sqlx::Error> {
    let mut retries = pool.size();
    loop {
        let mut connection = pool.acquire().await?;
        match fetch_all::<Postgres, T, _>(&mut *connection, statement.clone()).await {
            Err(error) if retries > 0 && is_broken(&error) => retries -= 1,
            answer => return answer,
        }
    }
}

async fn fetch_all<'e, DB, T, E>(executor: E, statement: Statement) -> Result<Vec<T>, sqlx::Error>
where
    DB: sqlx::Database,
    DB::Arguments: sqlx::IntoArguments<DB>,
    E: sqlx::Executor<'e, Database = DB>,
    T: for<'r> sqlx::FromRow<'r, DB::Row> + Send + Unpin,
    Option<i64>: for<'t> sqlx::Encode<'t, DB> + sqlx::Type<DB>,
    Option<String>: for<'t> sqlx::Encode<'t, DB> + sqlx::Type<DB>,
{
    let (sql, arguments) = statement.into_parts::<DB>()?;
    sqlx::query_as_with::<DB, T, _>(sql, arguments)
        .fetch_all(executor)
        .await
}

async fn execute_sqlite(
    connection: &mut sqlx::SqliteConnection,
    statement: Statement,
) -> Result<u64, sqlx::Error> {
    let (sql, arguments) = statement.into_parts::<Sqlite>()?;
    let done = sqlx::query_with::<Sqlite, _>(sql, arguments)
        .execute(connection)
        .await?;
    Ok(done.rows_affected())
}

async fn execute_postgres(
    connection: &mut sqlx::PgConnection,
    statement: Statement,
) -> Result<u64, sqlx::Error> {
    let (sql, arguments) = statement.into_parts::<Postgres>()?;
    let done = sqlx::query_with::<Postgres, _>(sql, arguments)
        .execute(connection)
        .await?;
    Ok(done.rows_affected())
}
