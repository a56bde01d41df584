//! Statements on a connection or a pool of either engine, always read to the end.
//!
//! These futures are boxed, and know nothing of the type that a row becomes: a driver's future is compiled again in each
//! crate that awaits it unboxed, once for each type of row, and it is large to carry for a caller whose answer may come
//! from memory.

use futures::future::BoxFuture;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::sqlite::SqliteRow;
use sqlx::{Postgres, Sqlite, SqliteConnection};

use crate::error::is_broken;
use crate::pool::NamedPool;
use crate::statement::{Record, Statement};

/// The rows of a statement that ended well.
pub(crate) enum Rows {
    Sqlite(Vec<SqliteRow>),
    Postgres(Vec<PgRow>),
}

impl Rows {
    /// The rows as what they mean.
    pub(crate) fn read<T: Record>(&self) -> Result<Vec<T>, sqlx::Error> {
        match self {
            Self::Sqlite(rows) => rows.iter().map(T::from_row).collect(),
            Self::Postgres(rows) => rows.iter().map(T::from_row).collect(),
        }
    }
}

/// All rows. The driver gives the end of the statement after the last row, so an error of its commit is seen.
pub(crate) fn fetch_sqlite(
    connection: &mut SqliteConnection,
    statement: Statement,
) -> BoxFuture<'_, Result<Rows, sqlx::Error>> {
    Box::pin(async move {
        let (sql, arguments) = statement.into_parts::<Sqlite>()?;
        let query = sqlx::query_with::<Sqlite, _>(sql, arguments);
        query.fetch_all(connection).await.map(Rows::Sqlite)
    })
}

/// All rows.
pub(crate) fn fetch_postgres(
    connection: &mut PgConnection,
    statement: Statement,
) -> BoxFuture<'_, Result<Rows, sqlx::Error>> {
    Box::pin(async move {
        let (sql, arguments) = statement.into_parts::<Postgres>()?;
        let query = sqlx::query_with::<Postgres, _>(sql, arguments);
        query.fetch_all(connection).await.map(Rows::Postgres)
    })
}

/// How many rows were changed.
pub(crate) fn execute_sqlite(
    connection: &mut SqliteConnection,
    statement: Statement,
) -> BoxFuture<'_, Result<u64, sqlx::Error>> {
    Box::pin(async move {
        let (sql, arguments) = statement.into_parts::<Sqlite>()?;
        let query = sqlx::query_with::<Sqlite, _>(sql, arguments);
        Ok(query.execute(connection).await?.rows_affected())
    })
}

/// How many rows were changed.
pub(crate) fn execute_postgres(
    connection: &mut PgConnection,
    statement: Statement,
) -> BoxFuture<'_, Result<u64, sqlx::Error>> {
    Box::pin(async move {
        let (sql, arguments) = statement.into_parts::<Postgres>()?;
        let query = sqlx::query_with::<Postgres, _>(sql, arguments);
        Ok(query.execute(connection).await?.rows_affected())
    })
}

/// Reads, and reads again if the connection turns out to be broken: after a restart of the server each connection of
/// the pool fails once, and that is no reason to fail as many requests.
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
