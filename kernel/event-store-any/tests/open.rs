//! Each engine is opened by its URL and used through the same interface.

use std::error::Error;

use event_sourcing::{
    Clock, CommandId, Commit, EncodedEvent, ExpectedVersion, Filter, Metadata, NewEvent, Position,
    StreamId, SystemClock, Write,
};
use event_store_any::{AnyEventStore, OpenError, Settings};
use uuid::Uuid;

fn commit() -> Commit {
    let event = EncodedEvent {
        event_type: "Opened",
        schema_version: 1,
        data: "{}".to_owned(),
    };
    let metadata = Metadata::default();
    let write = Write {
        stream: StreamId::new("account", "a"),
        expected: ExpectedVersion::NoStream,
        events: vec![NewEvent { event, metadata }],
    };
    let command_id = CommandId(Uuid::from_u128(1));
    Commit::try_new(command_id, SystemClock.now(), vec![write], None).expect("a commit")
}

/// Writes, probes and reads a store, and reads the same events through a second handle.
async fn check(url: &str) -> AnyEventStore {
    let written = AnyEventStore::open(url, Settings::default()).await;
    let written = written.expect("the store opens");
    written.probe_write().await.expect("it can be written");
    let receipts = written.store().append(&[commit()]).await;
    receipts.expect("an answer")[0]
        .as_ref()
        .expect("an accepted commit");

    let read = AnyEventStore::open_read_only(url, Settings::default()).await;
    let read = read.expect("it opens for reading");
    assert!(!read.is_single_process(), "another one writes");
    let log = read.store();
    let page = log.read_all(Position::START, &Filter::ALL, 10).await;
    assert_eq!(page.expect("a page").entries.len(), 1);
    read.measure_pools();
    read.close().await;
    written
}

#[tokio::test]
async fn a_file_has_one_writer_and_any_number_of_readers() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite://{}", folder.path().join("events.db").display());
    let early = AnyEventStore::open_read_only(&url, Settings::default()).await;
    assert!(matches!(early, Err(OpenError::Sqlite(_))), "{early:?}");
    let store = check(&url).await;
    assert!(store.is_single_process());
    let second = AnyEventStore::open(&url, Settings::default()).await;
    let error = second.expect_err("the file is in use");
    assert!(!error.is_retryable());
    assert!(error.to_string().contains("is in use by"), "{error}");
    store.close().await;
}

#[tokio::test]
async fn a_server_has_any_number_of_writers() {
    let database = test_postgres::database().await;
    let store = check(&database.url).await;
    assert!(!store.is_single_process());
    store.close().await;
}

#[tokio::test]
async fn an_open_error_reports_whether_a_retry_may_succeed() {
    let unknown = AnyEventStore::open("mysql://me:secret@localhost/shop", Settings::default());
    let unknown = unknown.await.expect_err("no engine serves it");
    assert!(!unknown.is_retryable());
    assert!(!unknown.to_string().contains("secret"), "{unknown}");
    let away = AnyEventStore::open("postgres://me@127.0.0.1:1/shop", Settings::default());
    let away = away.await.expect_err("no server listens there");
    assert!(away.is_retryable(), "{:?}", away.source());
}
