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
    /// On the only connection that writes the file.
    Sqlite(SqliteTransaction),
    /// On a connection of the pool that writes.
    Postgres(sqlx::Transaction<'static, Postgres>),
}

impl Transaction {
    /// All rows of a statement, which may write.
    ///
    /// # Errors
    /// [`StoreError`] if the statement fails. The transaction is then of no use.
    pub async fn fetch_all<T: Record>(
        &mut self,
        statement: Statement,
    ) -> Result<Vec<T>, StoreError> {
        let operation = statement.operation;
        let rows = self.run(statement).await?;
        rows.read().map_err(|error| store_error(operation, error))
    }

    /// The first row of a statement, which may write. It is read to its end.
    ///
    /// # Errors
    /// The same as of [`Self::fetch_all`].
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
                        inner.noted(rows)
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
    /// The same as of [`Self::fetch_all`].
    pub fn execute(&mut self, statement: Statement) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(async move {
            let operation = statement.operation;
            match self {
                Self::Sqlite(inner) => match inner.check() {
                    Ok(()) => {
                        let done = run::execute_sqlite(inner.connection(), statement).await;
                        inner.noted(done)
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
    /// The same as of [`Self::fetch_all`].
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
                        inner.noted(done)
                    }
                    broken => broken,
                },
                Self::Postgres(inner) => script.execute(&mut **inner).await.map(|_| ()),
            }
            .map_err(|error| store_error(operation, error))
        })
    }

    /// Takes the lock under which the tables that `key` names are changed. A file of SQLite has one writer anyway.
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

    /// Makes the commit wait for the disk also where the database's sessions do not by default.
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

    /// Rolls back. A transaction that is only dropped costs its connection on SQLite.
    ///
    /// # Errors
    /// [`StoreError`] if the database cannot be reached; nothing has taken effect also then.
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
