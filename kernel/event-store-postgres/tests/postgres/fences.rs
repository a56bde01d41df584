//! A fenced append while the holder of its lease changes.

use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use event_sourcing::{Commit, EventStore, ExpectedVersion, Fence, LeaseStore, Rejected, Write};
use sqlx::{Connection, PgConnection};

use crate::support::{check_log, command, connect, event, open, stream, within};

async fn until_a_statement_waits(connection: &mut PgConnection) {
    loop {
        let waiting: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM pg_stat_activity
             WHERE datname = current_database() AND wait_event_type = 'Lock'",
        )
        .fetch_one(&mut *connection)
        .await
        .expect("the waiting statements");
        if waiting > 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_waits_for_a_concurrent_change_of_the_holder_and_is_fenced() {
    let database = test_postgres::database().await;
    let store = Arc::new(open(&database.url).await);
    let held = store
        .acquire_leases(&["lease".into()], "me", Duration::from_mins(1), None)
        .await
        .expect("the lease");
    let fence = Fence {
        lease: "lease".into(),
        token: held[0].token,
    };
    let mut other = connect(&database.url).await;
    let mut taking = other.begin().await.expect("begin");
    sqlx::query("UPDATE leases SET owner = 'other', token = token + 1 WHERE name = 'lease'")
        .execute(&mut *taking)
        .await
        .expect("another owner takes the lease");
    let write = Write {
        stream: stream("a"),
        expected: ExpectedVersion::NoStream,
        events: vec![event("{}")],
    };
    let moment = DateTime::from_timestamp_micros(1_700_000_000_000_000).expect("a moment");
    let fenced = Commit::try_new(command(1, 1), moment, vec![write], Some(fence.clone()))
        .expect("a commit within the limits");
    let appending = Arc::clone(&store);
    let append = tokio::spawn(async move { appending.append(&[fenced]).await });
    let mut watching = connect(&database.url).await;
    within("the append waits", until_a_statement_waits(&mut watching)).await;
    taking.commit().await.expect("commit");
    let answers = within("the append", append).await.expect("its task");
    let answers = answers.expect("an answer");
    assert_eq!(answers, [Err(Rejected::Fenced(fence))]);
    assert!(check_log(&*store).await.is_empty());
}
