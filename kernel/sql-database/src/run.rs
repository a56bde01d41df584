//! Runs statements on a connection or a pool of either engine, and always reads all rows.
//!
//! The futures are boxed and do not depend on the type of a row: otherwise each calling crate would compile the
//! driver's future again for each type of row, and a caller that is answered from memory would hold a large future.

use futures::future::BoxFuture;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::sqlite::SqliteRow;
use sqlx::{Postgres, Sqlite, SqliteConnection};
use tracing::Instrument;

use crate::error::is_broken;
use crate::pool::NamedPool;
use crate::span::{POSTGRES, SQLITE, statement_span};
use crate::statement::{Record, Statement};

/// The rows of a statement that succeeded.
pub(crate) enum Rows {
    Sqlite(Vec<SqliteRow>),
    Postgres(Vec<PgRow>),
}

impl Rows {
    /// Converts the rows.
    pub(crate) fn read<T: Record>(&self) -> Result<Vec<T>, sqlx::Error> {
        match self {
            Self::Sqlite(rows) => rows.iter().map(T::from_row).collect(),
            Self::Postgres(rows) => rows.iter().map(T::from_row).collect(),
        }
    }
}

/// Returns all rows. `fetch_all` runs the statement to its end, so an error of its commit is returned too.
pub(crate) fn fetch_sqlite(
    connection: &mut SqliteConnection,
    statement: Statement,
) -> BoxFuture<'_, Result<Rows, sqlx::Error>> {
    let span = statement_span(SQLITE, statement.operation, Some(statement.text()));
    let run = async move {
        let (sql, arguments) = statement.into_parts::<Sqlite>()?;
        let query = sqlx::query_with::<Sqlite, _>(sql, arguments);
        query.fetch_all(connection).await.map(Rows::Sqlite)
    };
    Box::pin(run.instrument(span))
}

/// Returns all rows.
pub(crate) fn fetch_postgres(
    connection: &mut PgConnection,
    statement: Statement,
) -> BoxFuture<'_, Result<Rows, sqlx::Error>> {
    let span = statement_span(POSTGRES, statement.operation, Some(statement.text()));
    let run = async move {
        let (sql, arguments) = statement.into_parts::<Postgres>()?;
        let query = sqlx::query_with::<Postgres, _>(sql, arguments);
        query.fetch_all(connection).await.map(Rows::Postgres)
    };
    Box::pin(run.instrument(span))
}

/// Returns how many rows were changed.
pub(crate) fn execute_sqlite(
    connection: &mut SqliteConnection,
    statement: Statement,
) -> BoxFuture<'_, Result<u64, sqlx::Error>> {
    let span = statement_span(SQLITE, statement.operation, Some(statement.text()));
    let run = async move {
        let (sql, arguments) = statement.into_parts::<Sqlite>()?;
        let query = sqlx::query_with::<Sqlite, _>(sql, arguments);
        Ok(query.execute(connection).await?.rows_affected())
    };
    Box::pin(run.instrument(span))
}

/// Returns how many rows were changed.
pub(crate) fn execute_postgres(
    connection: &mut PgConnection,
    statement: Statement,
) -> BoxFuture<'_, Result<u64, sqlx::Error>> {
    let span = statement_span(POSTGRES, statement.operation, Some(statement.text()));
    let run = async move {
        let (sql, arguments) = statement.into_parts::<Postgres>()?;
        let query = sqlx::query_with::<Postgres, _>(sql, arguments);
        Ok(query.execute(connection).await?.rows_affected())
    };
    Box::pin(run.instrument(span))
}

/// Reads, and repeats the read if the connection was broken: after a restart of the server each connection of the pool
/// fails once, which must not fail as many requests.
pub(crate) async fn read_postgres(
    pool: &NamedPool,
    statement: Statement,
) -> Result<Rows, sqlx::Error> {
    let mut retries = pool.inner().size();
    loop {
        let mut connection = pool.acquire().await?;
        match fetch_postgres(&mut connection, statement.clone()).await {
            Err(error) if retries > 0 && is_broken(&error) => retries -= 1,
            answer => return answer,
        }
    }
}
