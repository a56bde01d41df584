//! A disk that is temporarily full, or fails to write or to sync.

use sql_database::sqlite::{Durability, Readers};
use test_faults::{DiskFault, IO_ERROR, NO_SPACE, with_faults};

use crate::support::{Place, keys, kind, take};

#[test]
fn a_row_that_is_returned_is_committed() -> anyhow::Result<()> {
    let test = "failing_disk::a_row_that_is_returned_is_committed";
    with_faults(test, async |faults| {
        for fault in DiskFault::ALL {
            let place = Place::new();
            let database = place.database().await;
            for round in 0..4 {
                let key = format!("{round}");
                fault.start(faults, &place.wal())?;
                let rejected = database.write_optional::<(String,)>(take(&key)).await;
                let rejected = rejected.expect_err("the commit failed");
                assert_eq!(kind(&rejected), "unknown", "{fault:?}: {rejected}");
                faults.stop()?;
                let is_taken = keys(&database).await.contains(&key);
                let taken = database.write_optional::<(String,)>(take(&key)).await?;
                assert_eq!(taken.is_none(), is_taken, "{fault:?}: taken once");
                assert!(keys(&database).await.contains(&key), "{fault:?}");
            }
        }
        Ok(())
    })
}

#[test]
fn after_a_failed_commit_the_next_transaction_works() -> anyhow::Result<()> {
    let test = "failing_disk::after_a_failed_commit_the_next_transaction_works";
    with_faults(test, async |faults| {
        for fault in DiskFault::ALL {
            let place = Place::new();
            let database = place.database().await;
            for round in 0..4 {
                let mut transaction = database.begin().await?;
                transaction.execute(take(&format!("{round}"))).await?;
                fault.start(faults, &place.wal())?;
                let rejected = transaction.commit("commit").await;
                let rejected = rejected.expect_err("the commit failed");
                assert_eq!(kind(&rejected), "unknown", "{fault:?}: {rejected}");
                // The disk still fails.
                let rejected = database.execute(take("x")).await;
                assert!(rejected.unwrap_err().is_retryable(), "{fault:?}");
                faults.stop()?;
                let mut transaction = database.begin().await?;
                transaction.execute(take(&format!("{round}"))).await?;
                transaction.commit("commit").await?;
            }
            for round in 0..4 {
                assert!(keys(&database).await.contains(&format!("{round}")));
            }
        }
        Ok(())
    })
}

#[test]
fn a_full_disk_before_the_commit_leaves_no_rows() -> anyhow::Result<()> {
    let test = "failing_disk::a_full_disk_before_the_commit_leaves_no_rows";
    with_faults(test, async |faults| {
        let place = Place::new();
        let database = place.database().await;
        let mut transaction = database.begin().await?;
        transaction
            .run_script(
                "spill early",
                "PRAGMA cache_size = 5; PRAGMA cache_spill = 5",
            )
            .await?;
        faults.fail_writes(&place.path(), NO_SPACE)?;
        let large =
            "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 2000)
            INSERT INTO keys SELECT 'k' || n, zeroblob(1000) FROM n";
        let rejected = transaction.run_script("write much", large).await;
        let rejected = rejected.expect_err("the disk is full");
        assert_eq!(kind(&rejected), "none", "{rejected}");
        // SQLite has rolled back: the next statement would commit by itself.
        assert!(transaction.execute(take("b")).await.is_err());
        assert!(transaction.commit("commit").await.is_err());
        faults.stop()?;
        assert!(keys(&database).await.is_empty());
        database.execute(take("a")).await?;
        assert_eq!(keys(&database).await, ["a"]);
        Ok(())
    })
}

/// A second sync can succeed without writing the pages that the first one did not, so no connection from before it may
/// be reused.
#[test]
fn a_failed_sync_replaces_every_connection() -> anyhow::Result<()> {
    let test = "failing_disk::a_failed_sync_replaces_every_connection";
    with_faults(test, async |faults| {
        let place = Place::new();
        let file = place.file(Durability::Full).await;
        let mark = async |sql: &'static str| -> anyhow::Result<i64> {
            let mut session = file.reader(Readers::Main).await?;
            let marks: Result<Vec<(i64,)>, _> =
                sqlx::query_as(sql).fetch_all(session.connection()).await;
            let marks = session.finish(marks).await?;
            Ok(marks.first().map_or(0, |(mark,)| *mark))
        };
        mark("PRAGMA cache_size = -7777").await?;
        assert_eq!(mark("PRAGMA cache_size").await?, -7777);

        faults.fail_next_syncs(1, &place.wal(), IO_ERROR)?;
        let mut session = file.writer().await?;
        let made = sqlx::query("CREATE TABLE t (x)")
            .execute(session.connection())
            .await;
        assert!(session.finish(made).await.is_err());
        faults.stop()?;
        assert_ne!(
            mark("PRAGMA cache_size").await?,
            -7777,
            "a reader was not replaced"
        );
        let wal = std::fs::metadata(place.wal());
        assert!(
            wal.is_ok_and(|wal| wal.len() == 0),
            "the log was not merged before the file was used again"
        );
        Ok(())
    })
}

#[test]
fn writing_resumes_after_repeated_failures_of_the_disk() -> anyhow::Result<()> {
    let test = "failing_disk::writing_resumes_after_repeated_failures_of_the_disk";
    with_faults(test, async |faults| {
        let place = Place::new();
        let database = place.database().await;
        // All syncs in the folder fail, so that reopening the file fails too.
        faults.fail_syncs(place.path().parent().unwrap(), IO_ERROR)?;
        for round in 0..5 {
            let rejected = database.execute(take(&format!("{round}"))).await;
            assert!(rejected.unwrap_err().is_retryable());
        }
        assert!(faults.fired()?.syncs >= 5);
        faults.stop()?;
        database.execute(take("a")).await?;
        assert!(keys(&database).await.contains(&"a".to_owned()));
        Ok(())
    })
}
