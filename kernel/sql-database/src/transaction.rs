//! A transaction of either engine.

use event_sourcing::StoreError;
use futures::future::BoxFuture;
use sqlx::{Postgres, SqlSafeStr};

use crate::error::{commit_error, store_error};
use crate::postgres::lock_schema;
use crate::run::{self, Rows};
use crate::sqlite::SqliteTransaction;
use crate::statement::{Record, Statement};

/// A transaction. Dropping it rolls back.
#[derive(Debug)]
pub enum Transaction {
    /// On the one connection that writes to the file.
    Sqlite(SqliteTransaction),
    /// On a connection of the writing pool.
    Postgres(sqlx::Transaction<'static, Postgres>),
}

impl Transaction {
    /// Runs a statement, which may write, and returns all its rows.
    ///
    /// # Errors
    /// [`StoreError`] if the statement fails. The transaction cannot be committed then.
    pub async fn fetch_all<T: Record>(
        &mut self,
        statement: Statement,
    ) -> Result<Vec<T>, StoreError> {
        let operation = statement.operation;
        let rows = self.run(statement).await?;
        rows.read().map_err(|error| store_error(operation, error))
    }

    /// Runs a statement, which may write, and returns its first row. All rows are read before that.
    ///
    /// # Errors
    /// As [`Self::fetch_all`].
    pub async fn fetch_optional<T: Record>(
        &mut self,
        statement: Statement,
    ) -> Result<Option<T>, StoreError> {
        Ok(self.fetch_all(statement).await?.into_iter().next())
    }

    fn run(&mut self, statement: Statement) -> BoxFuture<'_, Result<Rows, StoreError>> {
        Box::pin(async move {
            let operation = statement.operation;
            match self {
                Self::Sqlite(inner) => match inner.check() {
                    Ok(()) => {
                        let rows = run::fetch_sqlite(inner.connection(), statement).await;
                        inner.record_result(rows)
                    }
                    Err(broken) => Err(broken),
                },
                Self::Postgres(inner) => run::fetch_postgres(inner, statement).await,
            }
            .map_err(|error| store_error(operation, error))
        })
    }

    /// Runs a statement and returns how many rows it changed.
    ///
    /// # Errors
    /// As [`Self::fetch_all`].
    pub fn execute(&mut self, statement: Statement) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(async move {
            let operation = statement.operation;
            match self {
                Self::Sqlite(inner) => match inner.check() {
                    Ok(()) => {
                        let done = run::execute_sqlite(inner.connection(), statement).await;
                        inner.record_result(done)
                    }
                    Err(broken) => Err(broken),
                },
                Self::Postgres(inner) => run::execute_postgres(inner, statement).await,
            }
            .map_err(|error| store_error(operation, error))
        })
    }

    /// Runs several statements without parameters, such as a DDL.
    ///
    /// # Errors
    /// As [`Self::fetch_all`].
    pub fn run_script(
        &mut self,
        operation: &'static str,
        script: impl SqlSafeStr,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        let script = sqlx::raw_sql(script.into_sql_str());
        Box::pin(async move {
            match self {
                Self::Sqlite(inner) => match inner.check() {
                    Ok(()) => {
                        let done = script.execute(inner.connection()).await.map(|_| ());
                        inner.record_result(done)
                    }
                    broken => broken,
                },
                Self::Postgres(inner) => script.execute(&mut **inner).await.map(|_| ()),
            }
            .map_err(|error| store_error(operation, error))
        })
    }

    /// Takes the lock that serializes migrations of the tables that `key` identifies. On SQLite this does nothing,
    /// because a file has one writer.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if another session holds it for longer than a second.
    pub fn lock_schema(
        &mut self,
        operation: &'static str,
        key: i64,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            match self {
                Self::Sqlite(_) => Ok(()),
                Self::Postgres(inner) => lock_schema(inner, key)
                    .await
                    .map_err(|error| store_error(operation, error)),
            }
        })
    }

    /// Makes the commit wait for the disk even if the sessions of this database do not by default.
    ///
    /// # Errors
    /// [`StoreError`] if the database cannot be reached.
    pub async fn make_durable(&mut self) -> Result<(), StoreError> {
        match self {
            // One process has the file, so no other process can act on a commit that a crash of the machine then
            // undoes.
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(_) => {
                self.run_script("make durable", "SET LOCAL synchronous_commit = on")
                    .await
            }
        }
    }

    /// Commits the transaction.
    ///
    /// # Errors
    /// [`StoreError`] if it did not commit, or if that is unknown.
    #[must_use]
    pub fn commit(self, operation: &'static str) -> BoxFuture<'static, Result<(), StoreError>> {
        Box::pin(async move {
            match self {
                Self::Sqlite(inner) => inner.commit().await,
                Self::Postgres(inner) => inner.commit().await,
            }
            .map_err(|error| commit_error(operation, error))
        })
    }

    /// Rolls back. On SQLite, dropping the transaction instead would also close its connection.
    ///
    /// # Errors
    /// [`StoreError`] if the database cannot be reached; the transaction has no effect in that case too.
    #[must_use]
    pub fn rollback(self) -> BoxFuture<'static, Result<(), StoreError>> {
        Box::pin(async move {
            match self {
                Self::Sqlite(inner) => inner.rollback().await,
                Self::Postgres(inner) => inner.rollback().await,
            }
            .map_err(|error| store_error("roll back a transaction", error))
        })
    }
}
