//! Statements on a connection or a pool of either engine, always read to the end.

use sqlx::postgres::PgPool;
use sqlx::{Postgres, Sqlite, SqliteConnection};

use crate::error::is_broken;
use crate::statement::{Record, Statement};

/// All rows. The driver gives the end of the statement after the last row, so an error of its commit is seen.
pub(crate) async fn fetch_all<'e, DB, T, E>(
    executor: E,
    statement: Statement,
) -> Result<Vec<T>, sqlx::Error>
where
    DB: sqlx::Database,
    DB::Arguments: sqlx::IntoArguments<DB>,
    E: sqlx::Executor<'e, Database = DB>,
    T: for<'r> sqlx::FromRow<'r, DB::Row> + Send + Unpin,
    Option<i64>: for<'t> sqlx::Encode<'t, DB> + sqlx::Type<DB>,
    Option<String>: for<'t> sqlx::Encode<'t, DB> + sqlx::Type<DB>,
    Option<Vec<u8>>: for<'t> sqlx::Encode<'t, DB> + sqlx::Type<DB>,
{
    let (sql, arguments) = statement.into_parts::<DB>()?;
    sqlx::query_as_with::<DB, T, _>(sql, arguments)
        .fetch_all(executor)
        .await
}

/// How many rows were changed.
pub(crate) async fn execute_sqlite(
    connection: &mut SqliteConnection,
    statement: Statement,
) -> Result<u64, sqlx::Error> {
    let (sql, arguments) = statement.into_parts::<Sqlite>()?;
    let done = sqlx::query_with::<Sqlite, _>(sql, arguments)
        .execute(connection)
        .await?;
    Ok(done.rows_affected())
}

/// How many rows were changed.
pub(crate) async fn execute_postgres<'e>(
    executor: impl sqlx::Executor<'e, Database = Postgres>,
    statement: Statement,
) -> Result<u64, sqlx::Error> {
    let (sql, arguments) = statement.into_parts::<Postgres>()?;
    let done = sqlx::query_with::<Postgres, _>(sql, arguments)
        .execute(executor)
        .await?;
    Ok(done.rows_affected())
}

/// Reads, and reads again if the connection turns out to be broken: after a restart of the server each connection of
/// the pool fails once, and that is no reason to fail as many requests.
pub(crate) async fn read_postgres<T: Record>(
    pool: &PgPool,
    statement: Statement,
) -> Result<Vec<T>, sqlx::Error> {
    let mut retries = pool.size();
    loop {
        let mut connection = pool.acquire().await?;
        match fetch_all::<Postgres, T, _>(&mut *connection, statement.clone()).await {
            Err(error) if retries > 0 && is_broken(&error) => retries -= 1,
            answer => return answer,
        }
    }
}
