//! A database of either engine.

use std::sync::Arc;

use event_sourcing::StoreError;
use futures::future::BoxFuture;
use sqlx::SqlSafeStr;

use crate::error::{commit_error, store_error};
use crate::fields;
use crate::pool::NamedPool;
use crate::postgres::POSTGRES_NAME;
use crate::run::{self, Rows};
use crate::sqlite::{Readers, SqliteFile};
use crate::statement::{Record, Statement};
use crate::transaction::Transaction;

/// A database. Clones share its connections.
#[derive(Clone, Debug)]
pub enum Database {
    /// A file.
    Sqlite {
        /// Its connections.
        file: SqliteFile,
        /// Which of them reads use.
        readers: Readers,
    },
    /// On a server.
    Postgres {
        /// The connections that read.
        reading: NamedPool,
        /// The connections that write.
        writing: NamedPool,
    },
}

impl Database {
    /// Whether it is a SQLite file.
    #[must_use]
    pub fn is_sqlite(&self) -> bool {
        matches!(self, Self::Sqlite { .. })
    }

    /// The name of the database for operators: the path of the file, or the database on its server and the schema in
    /// it.
    ///
    /// # Errors
    /// [`StoreError`] if the server cannot be reached.
    pub async fn name(&self) -> Result<String, StoreError> {
        match self {
            Self::Sqlite { file, .. } => Ok(file.path().display().to_string()),
            Self::Postgres { .. } => {
                let ask = Statement::new("ask for the database's name", POSTGRES_NAME);
                let names: Vec<(String,)> = self.fetch_all(ask).await?;
                Ok(names.into_iter().map(|(name,)| name).collect())
            }
        }
    }

    /// Returns all rows of a statement that reads.
    ///
    /// # Errors
    /// [`StoreError`] if the database cannot be read.
    pub async fn fetch_all<T: Record>(&self, statement: Statement) -> Result<Vec<T>, StoreError> {
        let operation = statement.operation;
        let rows = self.read(statement).await?;
        rows.read().map_err(|error| store_error(operation, error))
    }

    /// Returns the first row of a statement that reads, if there is one.
    ///
    /// # Errors
    /// [`StoreError`] if the database cannot be read.
    pub async fn fetch_optional<T: Record>(
        &self,
        statement: Statement,
    ) -> Result<Option<T>, StoreError> {
        Ok(self.fetch_all(statement).await?.into_iter().next())
    }

    /// Runs one statement that writes and commits by itself, and returns all its rows.
    ///
    /// # Errors
    /// [`StoreError`] if it did not commit, or if that is unknown.
    pub async fn write<T: Record>(&self, statement: Statement) -> Result<Vec<T>, StoreError> {
        let operation = statement.operation;
        let rows = self.commit(statement).await?;
        // The statement has committed, so even an unreadable row must not be reported as a failure without effect.
        rows.read().map_err(|error| StoreError::OutcomeUnknown {
            operation,
            source: Arc::new(error),
        })
    }

    /// Runs one statement that writes and commits by itself, and returns its first row. All rows are read before that.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub async fn write_optional<T: Record>(
        &self,
        statement: Statement,
    ) -> Result<Option<T>, StoreError> {
        Ok(self.write(statement).await?.into_iter().next())
    }

    fn read(&self, statement: Statement) -> BoxFuture<'_, Result<Rows, StoreError>> {
        Box::pin(async move {
            let operation = statement.operation;
            match self {
                Self::Sqlite { file, readers } => match file.reader(*readers).await {
                    Ok(mut session) => {
                        let rows = run::fetch_sqlite(session.connection(), statement).await;
                        session.finish(rows).await
                    }
                    Err(error) => Err(error),
                },
                Self::Postgres { reading, .. } => run::read_postgres(reading, statement).await,
            }
            .map_err(|error| store_error(operation, error))
        })
    }

    fn commit(&self, statement: Statement) -> BoxFuture<'_, Result<Rows, StoreError>> {
        Box::pin(async move {
            let operation = statement.operation;
            match self {
                Self::Sqlite { file, .. } => {
                    // Until a connection is acquired nothing was sent, so such an error is never of unknown outcome.
                    let mut session = file.writer().await.map_err(|e| store_error(operation, e))?;
                    let rows = run::fetch_sqlite(session.connection(), statement).await;
                    session.finish(rows).await
                }
                Self::Postgres { writing, .. } => {
                    let acquired = writing.acquire().await;
                    let mut session = acquired.map_err(|e| store_error(operation, e))?;
                    run::fetch_postgres(&mut session, statement).await
                }
            }
            .map_err(|error| commit_error(operation, error))
        })
    }

    /// Runs one statement that commits by itself, and returns how many rows it changed.
    ///
    /// # Errors
    /// As [`Self::write`].
    #[must_use]
    pub fn execute(&self, statement: Statement) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(async move {
            let operation = statement.operation;
            match self {
                Self::Sqlite { file, .. } => {
                    let mut session = file.writer().await.map_err(|e| store_error(operation, e))?;
                    let done = run::execute_sqlite(session.connection(), statement).await;
                    session.finish(done).await
                }
                Self::Postgres { writing, .. } => {
                    let acquired = writing.acquire().await;
                    let mut session = acquired.map_err(|e| store_error(operation, e))?;
                    run::execute_postgres(&mut session, statement).await
                }
            }
            .map_err(|error| commit_error(operation, error))
        })
    }

    /// Starts a transaction that may write.
    ///
    /// # Errors
    /// [`StoreError`] if the database cannot be reached.
    #[must_use]
    pub fn begin(&self) -> BoxFuture<'_, Result<Transaction, StoreError>> {
        Box::pin(async move {
            match self {
                Self::Sqlite { file, .. } => file.begin().await.map(Transaction::Sqlite),
                Self::Postgres { writing, .. } => match writing.acquire().await {
                    Ok(connection) => sqlx::Transaction::begin(connection, None)
                        .await
                        .map(Transaction::Postgres),
                    Err(error) => Err(error),
                },
            }
            .map_err(|error| store_error("begin a transaction", error))
        })
    }

    /// Starts a transaction that only reads: all its statements see the same snapshot, which its first statement takes.
    ///
    /// # Errors
    /// [`StoreError`] if the database cannot be reached.
    #[must_use]
    pub fn begin_snapshot(&self) -> BoxFuture<'_, Result<Transaction, StoreError>> {
        const REPEATABLE: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        Box::pin(async move {
            match self {
                Self::Sqlite { file, readers } => {
                    file.begin_read(*readers).await.map(Transaction::Sqlite)
                }
                Self::Postgres { reading, .. } => match reading.acquire().await {
                    Ok(connection) => {
                        let begin = Some(REPEATABLE.into_sql_str());
                        let started = sqlx::Transaction::begin(connection, begin).await;
                        started.map(Transaction::Postgres)
                    }
                    Err(error) => Err(error),
                },
            }
            .map_err(|error| store_error("begin a snapshot", error))
        })
    }

    /// Publishes how busy the pools are as metrics.
    pub fn measure_pools(&self) {
        match self {
            Self::Sqlite { file, .. } => file.measure_pools(),
            Self::Postgres { reading, writing } => {
                reading.measure();
                writing.measure();
            }
        }
    }

    /// Closes all connections after running statements have ended.
    #[must_use]
    pub fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            match self {
                Self::Sqlite { file, .. } => {
                    if let Err(error) = file.close().await {
                        tracing::warn!({ fields::ERROR } = %error, "the database was not closed cleanly");
                    }
                }
                Self::Postgres { reading, writing } => {
                    futures::future::join(reading.close(), writing.close()).await;
                }
            }
        })
    }
}
