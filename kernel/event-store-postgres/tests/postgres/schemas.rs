//! Several logs in one database, each in its own schema.

use std::sync::Arc;
use std::time::Duration;

use event_sourcing::{EventStore, ExpectedVersion, Position, StoreError};
use event_store_postgres::{PostgresEventStore, Settings};
use sqlx::{AssertSqlSafe, Connection};
use test_postgres::TestDatabase;

use crate::support::{command, commit, connect, stream, whole_log, within};

/// A name of 63 bytes with characters of several bytes: the name of its channel is truncated.
const LONG: &str = "Läden_äöüäöüäöüäöüäöüäöüäöüäöüä";

fn url(database: &TestDatabase, schema: &str) -> String {
    let separator = if database.url.contains('?') { '&' } else { '?' };
    let mut schema_url = database.url.clone();
    schema_url.push(separator);
    schema_url.push_str("options[search_path]=");
    schema_url.push('"');
    schema_url.push_str(schema);
    schema_url.push('"');
    schema_url
}

async fn create(database: &TestDatabase, schema: &str) {
    let sql = format!("CREATE SCHEMA \"{schema}\"");
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(&mut connect(&database.url).await)
        .await
        .expect("a schema");
}

async fn open(database: &TestDatabase, schema: &str) -> Arc<PostgresEventStore> {
    let settings = Settings {
        poll_interval: Duration::from_hours(1),
        ..Settings::default()
    };
    let url = url(database, schema);
    let store = PostgresEventStore::connect(&url, settings).await;
    Arc::new(store.expect("open the store"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logs_in_two_schemas_are_independent() {
    let database = test_postgres::database().await;
    for schema in ["a", LONG] {
        create(&database, schema).await;
    }
    let (a, b) = tokio::join!(open(&database, "a"), open(&database, LONG));
    let waiting = Arc::clone(&b);
    let waiter = tokio::spawn(async move { waiting.wait_for(Position(1)).await });
    for number in 1..=3 {
        let next = commit(command(1, number), &stream("s"), ExpectedVersion::Any, "{}");
        a.append(&[next])
            .await
            .expect("append")
            .remove(0)
            .expect("accepted");
    }
    assert_eq!(b.head().await.expect("the head"), Position::START);
    assert!(
        !waiter.is_finished(),
        "another log's events woke the reader"
    );
    // A command id is unique within one log only.
    let own = commit(command(1, 1), &stream("s"), ExpectedVersion::NoStream, "{}");
    let receipt = b.append(&[own]).await.expect("append").remove(0);
    assert!(!receipt.expect("accepted").duplicate);
    let head = within("the log's own events", waiter)
        .await
        .expect("a task");
    assert_eq!(head.expect("the head"), Position(2));
    assert_eq!(whole_log(&*a).await.len(), 6);
    assert_eq!(whole_log(&*b).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_are_notified_only_about_their_own_log() {
    let database = test_postgres::database().await;
    for schema in ["a", "b"] {
        create(&database, schema).await;
    }
    let a = open(&database, "a").await;
    let (reader, writer) = (open(&database, "b").await, open(&database, "b").await);
    let mut listener = sqlx::postgres::PgListener::connect(&database.url)
        .await
        .expect("a listener");
    listener.listen("event_log_b").await.expect("listen");
    let appended = |number| commit(command(1, number), &stream("s"), ExpectedVersion::Any, "{}");
    a.append(&[appended(1)]).await.expect("append");
    writer.append(&[appended(2)]).await.expect("append");
    // A batch that is not accepted as a whole is appended by the other function.
    let stale = commit(command(1, 3), &stream("s"), ExpectedVersion::NoStream, "{}");
    writer.append(&[stale, appended(4)]).await.expect("append");
    for expected in ["2", "4"] {
        let received = within("a notification", listener.recv()).await;
        assert_eq!(received.expect("a notification").payload(), expected);
    }
    let woken = within("a notification", reader.wait_for(Position(4))).await;
    assert_eq!(woken.expect("the head"), Position(4));
}

/// A stopped migration of one schema does not prevent a start on another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_locks_only_its_own_schema() {
    let database = test_postgres::database().await;
    for schema in ["a", "b"] {
        create(&database, schema).await;
    }
    let mut other = connect(&url(&database, "a")).await;
    let mut migrating = other.begin().await.expect("a transaction");
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended(current_schema()::text, $1))")
        .bind(0x6576_656e_7473_i64)
        .execute(&mut *migrating)
        .await
        .expect("the lock");
    let b = within("the log in the other schema", open(&database, "b")).await;
    assert_eq!(b.head().await.expect("the head"), Position::START);
    let waiting = tokio::time::timeout(Duration::from_millis(300), open(&database, "a")).await;
    assert!(waiting.is_err(), "two concurrent migrations of one schema");
    migrating.rollback().await.expect("the lock is free");
    within("the log of the schema", open(&database, "a")).await;
}

#[tokio::test]
async fn a_missing_schema_is_reported_as_the_cause() {
    let database = test_postgres::database().await;
    let url = url(&database, "missing");
    let error = PostgresEventStore::connect(&url, Settings::default()).await;
    let error = error.expect_err("there is no schema");
    assert!(matches!(error, StoreError::Failed { .. }), "{error:?}");
    assert!(crate::support::cause(&error).contains("CREATE SCHEMA"));
}
