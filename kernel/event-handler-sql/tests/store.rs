//! The guarantees of every store of event handlers, on each engine and in memory.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use event_handler_sql::SqlHandlerStore;
use event_sourcing::handler::{HandlerProgress, HandlerStore, HandlerWrite, ParkedStream};
use event_sourcing::testing::at;
use event_sourcing::{LogId, LogMark, MemoryHandlerStore, Position, StreamId, Token, Version};
use sql_database::{Connections, Database};
use uuid::Uuid;

async fn database(url: &str) -> Database {
    let connections = Connections {
        pool: "handlers",
        application: "test",
        size: 4,
        acquire_timeout: Duration::from_secs(5),
    };
    Database::open_durable("open", url, connections)
        .await
        .unwrap()
}

async fn opened(url: &str) -> Arc<dyn HandlerStore> {
    Arc::new(
        SqlHandlerStore::open(database(url).await, true)
            .await
            .unwrap(),
    )
}

/// Runs a test with each store.
async fn on_each(test: impl AsyncFn(Arc<dyn HandlerStore>)) {
    test(Arc::new(MemoryHandlerStore::default())).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("handlers.db");
    test(opened(&format!("sqlite://{}", path.display())).await).await;
    let server = test_postgres::database().await;
    test(opened(&server.url).await).await;
}

fn mark(position: u64) -> LogMark {
    LogMark {
        log: LogId(Uuid::from_u128(1)),
        position: Position(position),
        event: (position > 0).then(|| Uuid::from_u128(position.into())),
    }
}

fn parked(stream: &str, position: u64) -> ParkedStream {
    ParkedStream {
        stream: StreamId::stored("counter".to_owned(), stream),
        position: Position(position),
        version: Version(3),
        event_type: "Incremented".to_owned(),
        reason: "the event was rejected".to_owned(),
        parked_at: at(7),
        decisions: 2,
    }
}

fn write(token: u64, position: u64) -> HandlerWrite {
    HandlerWrite {
        token: Token(token),
        mark: mark(position),
        parked: Vec::new(),
        released: Vec::new(),
    }
}

#[tokio::test]
async fn the_next_process_reads_the_progress_of_its_handler() {
    on_each(async |store| {
        let started = store.begin("one", Token(1)).await.unwrap().unwrap();
        assert_eq!(started, HandlerProgress::default());
        let parking = HandlerWrite {
            parked: vec![parked("b", 4), parked("a", 5)],
            ..write(1, 6)
        };
        assert!(store.write("one", parking).await.unwrap());
        let expected = HandlerProgress {
            mark: Some(mark(6)),
            parked: vec![parked("a", 5), parked("b", 4)],
        };
        assert_eq!(store.progress("one").await.unwrap(), expected);
        let started = store.begin("one", Token(2)).await.unwrap();
        assert_eq!(started, Some(expected));
        let started = store.begin("two", Token(1)).await.unwrap().unwrap();
        assert_eq!(started, HandlerProgress::default());
        assert_eq!(store.progress("three").await.unwrap(), started);
    })
    .await;
}

#[tokio::test]
async fn a_parked_stream_can_move_and_is_deleted_when_released() {
    on_each(async |store| {
        store.begin("one", Token(1)).await.unwrap();
        store.begin("two", Token(1)).await.unwrap();
        for handler in ["one", "two"] {
            let parking = HandlerWrite {
                parked: vec![parked("a", 5), parked("b", 6)],
                ..write(1, 6)
            };
            assert!(store.write(handler, parking).await.unwrap());
        }
        let changing = HandlerWrite {
            parked: vec![parked("b", 9)],
            released: vec![parked("a", 5).stream, parked("never", 1).stream],
            ..write(1, 9)
        };
        assert!(store.write("one", changing).await.unwrap());
        let progress = store.progress("one").await.unwrap();
        assert_eq!(progress.parked, [parked("b", 9)]);
        let other = store.progress("two").await.unwrap();
        assert_eq!(other.parked.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn an_older_token_can_neither_start_nor_write() {
    on_each(async |store| {
        store.begin("one", Token(1)).await.unwrap();
        assert!(store.write("one", write(1, 3)).await.unwrap());
        store.begin("one", Token(2)).await.unwrap();
        let late = HandlerWrite {
            parked: vec![parked("a", 5)],
            ..write(1, 9)
        };
        assert!(!store.write("one", late).await.unwrap());
        assert_eq!(store.begin("one", Token(1)).await.unwrap(), None);
        let expected = HandlerProgress {
            mark: Some(mark(3)),
            parked: Vec::new(),
        };
        assert_eq!(store.progress("one").await.unwrap(), expected);
        // The same token is that of the same process, whose first attempt may have had an unknown outcome.
        assert_eq!(store.begin("one", Token(2)).await.unwrap(), Some(expected));
    })
    .await;
}

#[tokio::test]
async fn an_accepted_log_moves_every_handler_and_deletes_missing_events() {
    on_each(async |store| {
        for handler in ["one", "two"] {
            store.begin(handler, Token(8)).await.unwrap();
            let parking = HandlerWrite {
                parked: vec![parked("a", 3), parked("b", 5)],
                ..write(8, 9)
            };
            store.write(handler, parking).await.unwrap();
        }
        // The same log, restored: it ends at 4, and the tokens of leases restart as well.
        store.accept(mark(4)).await.unwrap();
        let started = store.begin("one", Token(1)).await.unwrap().unwrap();
        assert_eq!(started.mark, Some(mark(4)));
        assert_eq!(started.parked, [parked("a", 3)]);
        let other = LogMark {
            log: LogId(Uuid::from_u128(2)),
            ..mark(4)
        };
        store.accept(other).await.unwrap();
        for handler in ["one", "two"] {
            let progress = store.progress(handler).await.unwrap();
            assert_eq!(progress.mark, Some(other));
            assert!(progress.parked.is_empty());
        }
    })
    .await;
}

#[tokio::test]
async fn without_migrations_missing_tables_are_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("handlers.db").display());
    let result = SqlHandlerStore::open(database(&url).await, false).await;
    assert!(result.is_err());
    let store = SqlHandlerStore::open(database(&url).await, true)
        .await
        .unwrap();
    store.begin("one", Token(1)).await.unwrap();
    store.write("one", write(1, 3)).await.unwrap();
    let again = SqlHandlerStore::open(database(&url).await, true)
        .await
        .unwrap();
    assert_eq!(again.marks().await.unwrap(), [("one".to_owned(), mark(3))]);
    assert!(
        SqlHandlerStore::open(database(&url).await, false)
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn handlers_past_the_end_of_a_restored_log_move_back_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = format!("sqlite://{}", folder.path().join("handlers.db").display());
    let server = test_postgres::database().await;
    for url in [file.as_str(), server.url.as_str()] {
        let store = SqlHandlerStore::open(database(url).await, true)
            .await
            .unwrap();
        for (handler, position) in [("early", 2), ("past", 9)] {
            store.begin(handler, Token(8)).await.unwrap();
            let parking = HandlerWrite {
                parked: vec![parked("a", 1), parked("b", 5)],
                ..write(8, position)
            };
            store.write(handler, parking).await.unwrap();
        }
        store.align(mark(4)).await.unwrap();
        for (handler, position) in [("early", 2), ("past", 4)] {
            // The tokens of the restored log may be lower.
            let started = store.begin(handler, Token(1)).await.unwrap().unwrap();
            assert_eq!(started.mark, Some(mark(position)), "{handler}");
            assert_eq!(started.parked, [parked("a", 1)], "{handler}");
        }
    }
}
