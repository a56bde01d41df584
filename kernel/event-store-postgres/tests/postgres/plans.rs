//! No statement scans the whole log, not even while the tables are new and have no statistics.

use std::time::Duration;

use event_sourcing::{EventStore, ExpectedVersion, Filter, LeaseStore, Position, Version};

use crate::support::{command, commit, connect, open, stream, within};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_call_uses_an_index() {
    let database = test_postgres::database().await;
    let store = open(&database.url).await;
    for number in 0..20 {
        let batch: Vec<_> = (0..50)
            .map(|n| {
                let stream = stream(format!("{n}"));
                commit(
                    command(1, number * 50 + n),
                    &stream,
                    ExpectedVersion::Any,
                    "{}",
                )
            })
            .collect();
        store.append(&batch).await.expect("append");
        // The repeats read receipts.
        store.append(&batch[..3]).await.expect("append again");
        let one = stream("1");
        store
            .command_status(command(1, number), &[one.clone(), stream("none")])
            .await
            .expect("the status");
        store
            .read_stream(&one, Version(1), 10)
            .await
            .expect("a stream");
        store
            .read_all(Position(5), &Filter::ALL, 10)
            .await
            .expect("the log");
        store
            .read_all(Position(5), &Filter::of_types(&["Noted"]), 10)
            .await
            .expect("the filtered log");
        let streams = Filter::of_streams(&["test"]).ignoring(&["Rare"]);
        store
            .read_all(Position(5), &streams, 10)
            .await
            .expect("the log of some streams");
        store.head().await.expect("the head");
        let names = ["lease".into()];
        store
            .acquire_leases(&names, "me", Duration::from_secs(10), None)
            .await
            .expect("a lease");
    }
    // A session publishes its counts at the latest when it ends.
    store.close().await;
    let mut connection = connect(&database.url).await;
    within("the counts", async {
        loop {
            let (scans, lookups): (i64, i64) = sqlx::query_as(
                "SELECT seq_scan, coalesce(idx_scan, 0) FROM pg_stat_user_tables
                 WHERE relname = 'events'",
            )
            .fetch_one(&mut connection)
            .await
            .expect("the counts");
            // Creating the three indexes of the empty table scans it once each.
            assert!(scans <= 3, "the log was scanned {scans} times");
            // At least one for each call. Since version 17 one scan finds all the values of an array.
            if lookups >= 200 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}
