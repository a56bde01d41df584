//! A transaction of either engine.

use event_sourcing::StoreError;
use sqlx::{Postgres, SqlSafeStr, Sqlite};

use crate::error::{commit_error, store_error};
use crate::run;
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
        match self {
            Self::Sqlite(inner) => match inner.check() {
                Ok(()) => {
                    let connection = &mut *inner.connection();
                    let rows = run::fetch_all::<Sqlite, T, _>(connection, statement).await;
                    inner.noted(rows)
                }
                broken => broken.map(|()| Vec::new()),
            },
            Self::Postgres(inner) => {
                run::fetch_all::<Postgres, T, _>(&mut **inner, statement).await
            }
        }
        .map_err(|error| store_error(operation, error))
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

    /// Runs a statement and returns how many rows it changed.
    ///
    /// # Errors
    /// The same as of [`Self::fetch_all`].
    pub async fn execute(&mut self, statement: Statement) -> Result<u64, StoreError> {
        let operation = statement.operation;
        match self {
            Self::Sqlite(inner) => match inner.check() {
                Ok(()) => {
                    let done = run::execute_sqlite(inner.connection(), statement).await;
                    inner.noted(done)
                }
                broken => broken.map(|()| 0),
            },
            Self::Postgres(inner) => run::execute_postgres(&mut **inner, statement).await,
        }
        .map_err(|error| store_error(operation, error))
    }

    /// Runs several statements without parameters, such as a DDL.
    ///
    /// # Errors
    /// The same as of [`Self::fetch_all`].
    pub async fn run_script(
        &mut self,
        operation: &'static str,
        script: impl SqlSafeStr,
    ) -> Result<(), StoreError> {
        let script = sqlx::raw_sql(script);
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
    pub async fn commit(self, operation: &'static str) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(inner) => inner.commit().await,
            Self::Postgres(inner) => inner.commit().await,
        }
        .map_err(|error| commit_error(operation, error))
    }

    /// Rolls back. A transaction that is only dropped costs its connection on SQLite.
    ///
    /// # Errors
    /// [`StoreError`] if the database cannot be reached; nothing has taken effect also then.
    pub async fn rollback(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(inner) => inner.rollback().await,
            Self::Postgres(inner) => inner.rollback().await,
        }
        .map_err(|error| store_error("roll back a transaction", error))
    }
}
