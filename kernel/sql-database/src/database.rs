//! A database of either engine.

use std::pin::Pin;

use event_sourcing::StoreError;
use sqlx::postgres::PgPool;
use sqlx::{Postgres, Sqlite};

use crate::error::{commit_error, store_error};
use crate::run;
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
        /// Which of them read.
        readers: Readers,
    },
    /// On a server.
    Postgres {
        /// The connections that read.
        reading: PgPool,
        /// The connections that write.
        writing: PgPool,
    },
}

type BoxedRead<'p, T> = Pin<Box<dyn Future<Output = Result<Vec<T>, sqlx::Error>> + Send + 'p>>;

impl Database {
    /// Whether it is a file of SQLite.
    #[must_use]
    pub fn is_sqlite(&self) -> bool {
        matches!(self, Self::Sqlite { .. })
    }

    /// All rows of a statement that reads.
    ///
    /// # Errors
    /// [`StoreError`] if the database cannot be read.
    pub async fn fetch_all<T: Record>(&self, statement: Statement) -> Result<Vec<T>, StoreError> {
        let operation = statement.operation;
        // Boxed, because the drivers' futures are large: a caller that may read carries a pointer, also when its answer
        // comes from memory.
        let read: BoxedRead<'_, T> = match self {
            Self::Sqlite { file, readers } => Box::pin(async move {
                let mut session = file.reader(*readers).await?;
                let rows = run::fetch_all::<Sqlite, T, _>(session.connection(), statement).await;
                session.settle(rows).await
            }),
            Self::Postgres { reading, .. } => Box::pin(run::read_postgres(reading, statement)),
        };
        read.await.map_err(|error| store_error(operation, error))
    }

    /// The first row of a statement that reads, if there is one.
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
    ///
    /// # Errors
    /// [`StoreError`] if it did not, or if that is unknown.
    pub async fn write<T: Record>(&self, statement: Statement) -> Result<Vec<T>, StoreError> {
        let operation = statement.operation;
        match self {
            Self::Sqlite { file, .. } => {
                let mut session = file.writer().await.map_err(|e| store_error(operation, e))?;
                let rows = run::fetch_all::<Sqlite, T, _>(session.connection(), statement).await;
                session.settle(rows).await
            }
            Self::Postgres { writing, .. } => {
                run::fetch_all::<Postgres, T, _>(writing, statement).await
            }
        }
        .map_err(|error| commit_error(operation, error))
    }

    /// The first row of one statement that writes, and commits by itself. It is read to its end.
    ///
    /// # Errors
    /// The same as of [`Self::write`].
    pub async fn write_optional<T: Record>(
        &self,
        statement: Statement,
    ) -> Result<Option<T>, StoreError> {
        Ok(self.write(statement).await?.into_iter().next())
    }

    /// How many rows one statement changed, which commits by itself.
    ///
    /// # Errors
    /// The same as of [`Self::write`].
    pub async fn execute(&self, statement: Statement) -> Result<u64, StoreError> {
        let operation = statement.operation;
        match self {
            Self::Sqlite { file, .. } => {
                let mut session = file.writer().await.map_err(|e| store_error(operation, e))?;
                let done = run::execute_sqlite(session.connection(), statement).await;
                session.settle(done).await
            }
            Self::Postgres { writing, .. } => run::execute_postgres(writing, statement).await,
        }
        .map_err(|error| commit_error(operation, error))
    }

    /// Starts a transaction that may write.
    ///
    /// # Errors
    /// [`StoreError`] if the database cannot be reached.
    pub async fn begin(&self) -> Result<Transaction, StoreError> {
        match self {
            Self::Sqlite { file, .. } => file.begin().await.map(Transaction::Sqlite),
            Self::Postgres { writing, .. } => writing.begin().await.map(Transaction::Postgres),
        }
        .map_err(|error| store_error("begin a transaction", error))
    }

    /// The connections that read and are in use, and the most there can be.
    #[must_use]
    pub fn connections(&self) -> (u32, u32) {
        match self {
            Self::Sqlite { file, readers } => file.connections(*readers),
            Self::Postgres { reading, .. } => {
                let idle = u32::try_from(reading.num_idle()).unwrap_or(u32::MAX);
                let in_use = reading.size().saturating_sub(idle);
                (in_use, reading.options().get_max_connections())
            }
        }
    }

    /// Closes all connections, after the statements that run.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { file, .. } => {
                if let Err(error) = file.close().await {
                    tracing::warn!(%error, "the database was not closed in order");
                }
            }
            Self::Postgres { reading, writing } => {
                tokio::join!(reading.close(), writing.close());
            }
        }
    }
}
