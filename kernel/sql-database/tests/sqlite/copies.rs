//! Copies of a file that is written meanwhile.

use std::io::{Seek, SeekFrom, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sql_database::sqlite::{copy, damages, is_in_use};
use sql_database::{Database, Statement};
use sqlx::Connection;

use crate::support::{Place, driver_connection, keys, take, until};

/// More than fit into one page.
const ROWS: usize = 2_000;

/// Two rows in one transaction, so that a copy with only one of them is torn.
async fn write_pairs(database: Database, stop: Arc<AtomicBool>) -> usize {
    let mut written = 0;
    while !stop.load(Ordering::Relaxed) {
        let mut transaction = database.begin().await.unwrap();
        for half in ["a", "b"] {
            let row = take(&format!("{written:06}{half}"));
            transaction.execute(row).await.unwrap();
        }
        transaction.commit("write").await.unwrap();
        written += 1;
    }
    written
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_under_load_has_whole_transactions_only() {
    let place = Place::new();
    let database = place.database().await;
    let fill = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) \
         INSERT INTO keys SELECT 'old' || i, randomblob(2000) FROM n";
    let fill = Statement::new("fill", fill);
    database.execute(fill).await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let writing = tokio::spawn(write_pairs(database.clone(), Arc::clone(&stop)));
    until("the first writes", async || {
        keys(&database).await.len() > ROWS
    })
    .await;
    let target = place.path().with_file_name("copy.db");
    copy(&place.path(), &target).await.unwrap();
    stop.store(true, Ordering::Relaxed);
    let written = writing.await.unwrap();

    assert_eq!(damages(&target).await.unwrap(), [""; 0]);
    let mut copied = driver_connection(&target).await;
    let found: Vec<String> = sqlx::query_scalar("SELECT key FROM keys WHERE key NOT LIKE 'old%'")
        .fetch_all(&mut copied)
        .await
        .unwrap();
    copied.close().await.unwrap();
    assert!(!found.is_empty() && found.len() <= 2 * written);
    assert_eq!(found.len() % 2, 0, "half of a transaction is in the copy");
}

#[tokio::test]
async fn a_copy_never_overwrites_data_and_a_missing_file_is_not_created() {
    let place = Place::new();
    let database = place.database().await;
    database.close().await;
    let target = place.path().with_file_name("copy.db");
    copy(&place.path(), &target).await.unwrap();
    assert!(copy(&place.path(), &target).await.is_err());
    let missing = place.path().with_file_name("missing.db");
    assert!(
        copy(&missing, &place.path().with_file_name("other.db"))
            .await
            .is_err()
    );
    assert!(!missing.exists());
}

#[tokio::test]
async fn damage_is_found() {
    let place = Place::new();
    let database = place.database().await;
    for number in 0..ROWS {
        database
            .execute(take(&format!("{number:06}")))
            .await
            .unwrap();
    }
    database.close().await;
    assert_eq!(damages(&place.path()).await.unwrap(), [""; 0]);
    let options = std::fs::OpenOptions::new().write(true).open(place.path());
    let mut file = options.unwrap();
    // The second page is the root of a table or of an index.
    file.seek(SeekFrom::Start(4_096)).unwrap();
    file.write_all(&[0xff; 4_096]).unwrap();
    drop(file);
    let found = damages(&place.path()).await;
    assert!(!found.is_ok_and(|found| found.is_empty()));
}

#[tokio::test]
async fn a_file_is_in_use_while_a_connection_is_open() {
    let place = Place::new();
    let database = place.database().await;
    assert!(is_in_use(&place.path()).await.unwrap());
    database.close().await;
    assert!(!is_in_use(&place.path()).await.unwrap());
    assert!(
        is_in_use(&place.path().with_file_name("missing.db"))
            .await
            .is_err()
    );
}
