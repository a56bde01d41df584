//! Readers that wait for the head while notifications are lost.

use std::sync::Arc;
use std::time::Duration;

use event_sourcing::{EventStore, ExpectedVersion, Position};
use event_store_postgres::{PostgresEventStore, Settings};
use sqlx::PgConnection;

use crate::support::{command, commit, connect, open, stream, within};

/// Waits for listening connections and terminates them, without waiting for their end.
async fn break_listeners(connection: &mut PgConnection) {
    loop {
        // `query` is the session's last statement, which is one of these two for a listening session.
        let broken: i64 = sqlx::query_scalar(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()
               AND (query LIKE 'LISTEN%' OR query LIKE '%max(id)%')",
        )
        .fetch_one(&mut *connection)
        .await
        .expect("break");
        if broken > 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_wakes_after_its_listening_connection_was_killed() {
    let database = test_postgres::database().await;
    let settings = Settings {
        poll_interval: Duration::from_hours(1),
        ..Settings::default()
    };
    let reader = PostgresEventStore::connect(&database.url, settings)
        .await
        .expect("open");
    let reader = Arc::new(reader);
    let writer = open(&database.url).await;
    let mut connection = connect(&database.url).await;
    for number in 1..=5 {
        let waiting = Arc::clone(&reader);
        let waiter = tokio::spawn(async move { waiting.wait_for(Position(number * 2)).await });
        within("a listening connection", break_listeners(&mut connection)).await;
        let next = commit(command(1, number), &stream("a"), ExpectedVersion::Any, "{}");
        writer.append(&[next]).await.expect("append");
        let head = within("the waiting reader", waiter).await.expect("a task");
        assert_eq!(head.expect("the head"), Position(number * 2));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_wakes_without_a_notification() {
    let database = test_postgres::database().await;
    let store = Arc::new(open(&database.url).await);
    let waiting = Arc::clone(&store);
    let waiter = tokio::spawn(async move { waiting.wait_for(Position(1)).await });
    sqlx::query(
        "INSERT INTO events VALUES
             (1, 'test', 'a', 'Noted', '{}', '{}', 1, now(), gen_random_uuid(), NULL, 1)",
    )
    .execute(&mut connect(&database.url).await)
    .await
    .expect("an event without a notification");
    let head = within("the waiting reader", waiter).await.expect("a task");
    assert_eq!(head.expect("the head"), Position(1));
}
