//! A notification is only a hint: its payload is not trusted.

use std::sync::Arc;
use std::time::Duration;

use event_sourcing::{EventStore, ExpectedVersion, Filter, Position};
use event_store_postgres::{PostgresEventStore, Settings};
use sqlx::PgConnection;

use crate::support::{command, commit, connect, open, stream, within};

/// Payloads that another client may send on the channel of a log in the schema `public`.
const FORGED_PAYLOADS: [&str; 4] = ["1000000", "-1", "18446744073709551616", "'; garbage"];

async fn notify(connection: &mut PgConnection, payload: &str) {
    sqlx::query("SELECT pg_notify('event_log_public', $1)")
        .bind(payload)
        .execute(connection)
        .await
        .expect("notify");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forged_position_is_not_trusted_and_causes_no_busy_loop() {
    let database = test_postgres::database().await;
    let settings = Settings {
        poll_interval: Duration::from_hours(1),
        ..Settings::default()
    };
    let reader = PostgresEventStore::connect(&database.url, settings).await;
    let reader = Arc::new(reader.expect("open"));
    let writer = open(&database.url).await;
    let first = commit(command(1, 1), &stream("a"), ExpectedVersion::Any, "{}");
    writer.append(&[first]).await.expect("append");
    within("the first events", reader.wait_for(Position(1)))
        .await
        .expect("the head");
    // Like a projection: each wait is followed by a read.
    let following = Arc::clone(&reader);
    let follower = tokio::spawn(async move {
        let (mut after, mut rounds) = (Position::START, 0_u32);
        while after < Position(4) {
            let head = following.wait_for(after.next()).await.expect("the head");
            assert!(
                head <= Position(4),
                "a head that the log does not have: {head}"
            );
            let page = following.read_all(after, &Filter::ALL, 10).await;
            after = page.expect("a page").read_up_to;
            rounds += 1;
        }
        rounds
    });
    let mut connection = connect(&database.url).await;
    for payload in FORGED_PAYLOADS {
        notify(&mut connection, payload).await;
    }
    let second = commit(command(1, 2), &stream("a"), ExpectedVersion::Any, "{}");
    writer.append(&[second]).await.expect("append");
    let rounds = within("the second events", follower)
        .await
        .expect("a follower");
    assert!(rounds <= 3, "{rounds} rounds for two commits");
    assert_eq!(reader.head().await.expect("the head"), Position(4));
    let beyond = reader.wait_for(Position(5));
    let beyond = tokio::time::timeout(Duration::from_millis(50), beyond).await;
    assert!(
        beyond.is_err(),
        "a position that was not written: {beyond:?}"
    );
}

/// As when the database is restored from an older copy while a reader runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_waits_at_the_new_head_of_a_restored_log() {
    let database = test_postgres::database().await;
    let store = Arc::new(open(&database.url).await);
    for number in 1..=3 {
        let next = commit(command(1, number), &stream("a"), ExpectedVersion::Any, "{}");
        store.append(&[next]).await.expect("append");
    }
    let mut connection = connect(&database.url).await;
    sqlx::query("DELETE FROM events WHERE id > 4")
        .execute(&mut connection)
        .await
        .expect("remove the last events");
    let page = store.read_all(Position(4), &Filter::ALL, 10).await;
    assert_eq!(page.expect("a page").head, Position(4));
    let beyond = tokio::time::timeout(Duration::from_millis(50), store.wait_for(Position(5))).await;
    assert!(beyond.is_err(), "events that were removed: {beyond:?}");
    let waiting = Arc::clone(&store);
    let waiter = tokio::spawn(async move { waiting.wait_for(Position(5)).await });
    let next = commit(command(2, 1), &stream("a"), ExpectedVersion::Any, "{}");
    store.append(&[next]).await.expect("append");
    let head = within("the new events", waiter).await.expect("a task");
    assert_eq!(head.expect("the head"), Position(6));
}
