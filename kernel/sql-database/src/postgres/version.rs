//! The oldest server that is supported.

use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};

/// Since version 14, `pg_terminate_backend` can wait for the end of the process, which the event store needs. The tests run on
/// this version too.
const OLDEST_SERVER: i32 = 14;

/// The server lacks functions that are needed.
#[derive(Debug, thiserror::Error)]
#[error("PostgreSQL {OLDEST_SERVER} or newer is needed, the server is {found}")]
pub(super) struct ServerTooOld {
    found: i32,
}

/// Rejects a server that is too old.
pub(super) async fn require_supported(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    const VERSION: &str = "SELECT current_setting('server_version_num')";
    // The simple protocol: a pooler may give the next statement another session.
    let rows: Vec<PgRow> = sqlx::raw_sql(VERSION).fetch_all(connection).await?;
    let row = rows.first().ok_or(sqlx::Error::RowNotFound)?;
    let version = row.try_get::<&str, _>(0)?;
    let version = version
        .parse()
        .map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
    check(version).map_err(|error| sqlx::Error::Configuration(Box::new(error)))
}

fn check(version_number: i32) -> Result<(), ServerTooOld> {
    let found = version_number / 10_000;
    if found < OLDEST_SERVER {
        return Err(ServerTooOld { found });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn servers_before_14_are_rejected() {
        let error = check(130_022).expect_err("too old");
        let expected = "PostgreSQL 14 or newer is needed, the server is 13";
        assert_eq!(error.to_string(), expected);
        assert!(check(140_000).is_ok());
        assert!(check(180_001).is_ok());
    }
}
