//! What the driver does, for as long as it does it. A test here that fails says that a workaround may go.

use sqlx::{Connection, Row};
use test_faults::{NO_SPACE, with_faults};

use crate::support::{Place, by_hand};

const TAKE: &str = "INSERT INTO keys (key) VALUES ('a') RETURNING key";

/// `fetch_optional` stops at the first row; the commit comes with the reset, whose error is discarded.
#[test]
fn a_single_row_hides_that_its_commit_failed() -> anyhow::Result<()> {
    let test = "driver::a_single_row_hides_that_its_commit_failed";
    with_faults(test, async |faults| {
        let place = Place::new();
        let database = place.database().await;
        let mut driver = by_hand(&place.path()).await;
        faults.fail_writes(&place.wal(), NO_SPACE)?;
        let row = sqlx::query(TAKE).fetch_optional(&mut driver).await?;
        assert_eq!(row.unwrap().get::<String, _>(0), "a", "it was answered");
        faults.stop()?;
        assert!(
            crate::support::keys(&database).await.is_empty(),
            "and is not there"
        );
        Ok(())
    })
}

/// SQLite has rolled back; the driver's own ROLLBACK fails, and its depth stays.
#[test]
fn a_failed_commit_leaves_the_driver_in_a_transaction_that_is_gone() -> anyhow::Result<()> {
    let test = "driver::a_failed_commit_leaves_the_driver_in_a_transaction_that_is_gone";
    with_faults(test, async |faults| {
        let place = Place::new();
        let _database = place.database().await;
        let mut driver = by_hand(&place.path()).await;
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
