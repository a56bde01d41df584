//! Behaviour of the driver that this crate works around. If a test here fails, its workaround may be obsolete.

use sqlx::{Connection, Row};
use test_faults::{NO_SPACE, with_faults};

use crate::support::{Place, driver_connection};

const TAKE: &str = "INSERT INTO keys (key) VALUES ('a') RETURNING key";

/// `fetch_optional` stops at the first row; the statement commits at its reset, whose error is discarded.
#[test]
fn fetch_optional_hides_a_failed_commit() -> anyhow::Result<()> {
    let test = "driver::fetch_optional_hides_a_failed_commit";
    with_faults(test, async |faults| {
        let place = Place::new();
        let database = place.database().await;
        let mut driver = driver_connection(&place.path()).await;
        faults.fail_writes(&place.wal(), NO_SPACE)?;
        let row = sqlx::query(TAKE).fetch_optional(&mut driver).await?;
        assert_eq!(row.unwrap().get::<String, _>(0), "a", "a row was returned");
        faults.stop()?;
        assert!(
            crate::support::keys(&database).await.is_empty(),
            "it was not committed"
        );
        Ok(())
    })
}

/// SQLite has rolled back; the driver's own ROLLBACK fails, and its transaction depth stays at one.
#[test]
fn a_failed_commit_leaves_the_driver_in_a_transaction_that_has_ended() -> anyhow::Result<()> {
    let test = "driver::a_failed_commit_leaves_the_driver_in_a_transaction_that_has_ended";
    with_faults(test, async |faults| {
        let place = Place::new();
        let _database = place.database().await;
        let mut driver = driver_connection(&place.path()).await;
        let mut transaction = driver.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query(TAKE).fetch_all(&mut *transaction).await?;
        faults.fail_writes(&place.wal(), NO_SPACE)?;
        assert!(transaction.commit().await.is_err());
        faults.stop()?;
        let next = driver.begin_with("BEGIN IMMEDIATE").await;
        assert!(
            matches!(next, Err(sqlx::Error::InvalidSavePointStatement)),
            "the driver starts a transaction after a failed commit"
        );
        Ok(())
    })
}
