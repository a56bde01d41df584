//! A tail shares one read of the log between many readers.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chrono::DateTime;
use event_sourcing::testing::ReplaceableStore;
use event_sourcing::{
    CommandId, CommandStatus, Commit, EncodedEvent, Entry, EventStore, ExpectedVersion, Filter,
    LogIdentity, LogPage, MemoryEventStore, Metadata, NewEvent, Position, Receipt, Rejected,
    Snapshot, StoreError, StreamId, StreamPage, SystemClock, Tail, Version, Write,
};

/// Counts the reads of the log.
#[derive(Debug)]
struct Counting {
    inner: MemoryEventStore,
    reads: AtomicUsize,
    /// Whether the log was replaced by an older copy: waiting readers then wait for events that were lost.
    is_restored: AtomicBool,
}

impl Counting {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            inner: MemoryEventStore::new(Arc::new(SystemClock)),
            reads: AtomicUsize::new(0),
            is_restored: AtomicBool::new(false),
        })
    }

    async fn grow(&self, count: usize) {
        grow(&self.inner, count, "").await;
    }

    fn reads(&self) -> usize {
        self.reads.swap(0, Ordering::Relaxed)
    }
}

/// Appends `count` events, alternately of the types `Even` and `Odd`. `salt` makes them differ from others at the same
/// positions.
async fn grow(store: &dyn EventStore, count: usize, salt: &str) {
    let at = store.head().await.unwrap().0;
    let stream = StreamId::new("number", at.to_string());
    let events = (0..count).map(|index| NewEvent {
        event: EncodedEvent {
            event_type: if index % 2 == 0 { "Even" } else { "Odd" },
            schema_version: 1,
            data: "{}".to_owned(),
        },
        metadata: Metadata::default(),
    });
    let write = Write {
        stream,
        expected: ExpectedVersion::NoStream,
        events: events.collect(),
    };
    let id = CommandId::from_parts(DateTime::UNIX_EPOCH, [0; 10]).child(&format!("{salt}{at}"));
    let commit = Commit::try_new(id, DateTime::UNIX_EPOCH, vec![write], None).unwrap();
    store.append(&[commit]).await.unwrap()[0].as_ref().unwrap();
}

fn tail(store: &Arc<Counting>, filter: Filter) -> Tail {
    Tail::new(Arc::clone(store) as _, filter)
}

fn positions(page: &LogPage) -> Vec<u64> {
    page.entries
        .iter()
        .map(|entry| entry.position().0)
        .collect()
}

#[tokio::test]
async fn concurrent_readers_share_one_read() {
    let store = Counting::new();
    store.grow(6).await;
    let tail = tail(&store, Filter::ALL);
    let odd = Filter::of_types(&["Odd"]);
    let all = Filter::ALL;
    let read = |filter| tail.read_all(Position(1), filter, 10);
    let pages = tokio::join!(read(&all), read(&odd), read(&all), read(&odd));
    for (page, expected) in [
        (pages.0, vec![2, 3, 4, 5, 6]),
        (pages.1, vec![2, 4, 6]),
        (pages.2, vec![2, 3, 4, 5, 6]),
        (pages.3, vec![2, 4, 6]),
    ] {
        let page = page.unwrap();
        assert_eq!(positions(&page), expected);
        assert_eq!((page.read_up_to, page.head), (Position(6), Position(6)));
    }
    assert_eq!(store.reads(), 1);
}

#[tokio::test]
async fn a_page_from_memory_respects_the_limit_and_ends_at_its_last_event() {
    let store = Counting::new();
    store.grow(9).await;
    let tail = tail(&store, Filter::ALL);
    tail.read_all(Position::START, &Filter::ALL, 10)
        .await
        .unwrap();
    let odd = Filter::of_types(&["Odd"]);
    let page = tail.read_all(Position(1), &odd, 2).await.unwrap();
    assert_eq!(
        (positions(&page), page.read_up_to),
        (vec![2, 4], Position(4))
    );
    let page = tail.read_all(Position(4), &odd, 2).await.unwrap();
    assert_eq!(
        (positions(&page), page.read_up_to),
        (vec![6, 8], Position(8))
    );
    let page = tail.read_all(Position(8), &odd, 2).await.unwrap();
    assert_eq!((positions(&page), page.read_up_to), (vec![], Position(9)));
    assert_eq!(store.reads(), 1);
}

#[tokio::test]
async fn stream_filters_and_unreadable_events_are_served_from_memory() {
    let store = Counting::new();
    store.grow(4).await;
    store.inner.damage(Position(3), "damaged by a test");
    let tail = tail(&store, Filter::of_streams(&["number", "letter"]));
    for (filter, expected) in [
        (Filter::of_streams(&["number"]), vec![1, 2, 3, 4]),
        (
            Filter::of_streams(&["number"]).ignoring(&["Odd"]),
            vec![1, 3],
        ),
        (Filter::of_streams(&["letter"]), vec![]),
    ] {
        let page = tail.read_all(Position::START, &filter, 10).await.unwrap();
        assert_eq!(positions(&page), expected, "{filter:?}");
        let is_readable = |entry: &Entry| entry.event().is_some();
        let unread = page.entries.iter().filter(|entry| !is_readable(entry));
        assert_eq!(unread.count(), usize::from(!expected.is_empty()));
    }
    assert_eq!(store.reads(), 1);
    // An event type may occur in streams that the tail does not read.
    let odd = Filter::of_types(&["Odd"]);
    tail.read_all(Position::START, &odd, 10).await.unwrap();
    assert_eq!(store.reads(), 1);
}

#[tokio::test]
async fn a_reader_at_the_end_queries_the_store() {
    let store = Counting::new();
    store.grow(3).await;
    let tail = tail(&store, Filter::ALL);
    let page = tail.read_all(Position(3), &Filter::ALL, 10).await.unwrap();
    assert_eq!((positions(&page), page.read_up_to), (vec![], Position(3)));
    store.grow(2).await;
    let page = tail.read_all(Position(3), &Filter::ALL, 10).await.unwrap();
    assert_eq!(
        (positions(&page), page.read_up_to),
        (vec![4, 5], Position(5))
    );
}

#[tokio::test(start_paused = true)]
async fn a_waiting_reader_is_not_woken_for_events_that_a_restored_log_lost() {
    let store = Counting::new();
    store.grow(3).await;
    let tail = tail(&store, Filter::ALL);
    assert_eq!(tail.wait_for(Position(3)).await.unwrap(), Position(3));
    store.is_restored.store(true, Ordering::Relaxed);
    let woken = tokio::time::timeout(Duration::from_mins(1), tail.wait_for(Position(3))).await;
    assert!(woken.is_err(), "the reader was woken: {woken:?}");
}

#[tokio::test]
async fn a_reader_that_lags_far_behind_reads_from_the_store_and_does_not_evict_the_buffer() {
    let store = Counting::new();
    for _ in 0..6 {
        store.grow(1_000).await;
    }
    let tail = tail(&store, Filter::ALL);
    let near = tail
        .read_all(Position(5_990), &Filter::ALL, 100)
        .await
        .unwrap();
    assert_eq!(near.entries.len(), 10);
    assert_eq!(store.reads(), 1);

    let mut after = Position::START;
    let mut seen = Vec::new();
    while after < Position(6_000) {
        let page = tail.read_all(after, &Filter::ALL, 2_500).await.unwrap();
        seen.extend(positions(&page));
        after = page.read_up_to;
    }
    assert_eq!(seen, (1..=6_000).collect::<Vec<_>>());
    assert_eq!(store.reads(), 3, "in pages of its own size");

    tail.read_all(Position(5_990), &Filter::ALL, 100)
        .await
        .unwrap();
    assert_eq!(store.reads(), 0, "the others are still served from memory");
}

#[tokio::test]
async fn the_buffer_is_bounded_and_evicted_events_are_read_from_the_store() {
    let store = Counting::new();
    let tail = tail(&store, Filter::ALL);
    let mut after = Position::START;
    for _ in 0..10 {
        store.grow(900).await;
        after = tail
            .read_all(after, &Filter::ALL, 1_000)
            .await
            .unwrap()
            .read_up_to;
    }
    assert_eq!(store.reads(), 10);
    let buffered = tail
        .read_all(Position(6_000), &Filter::ALL, 10)
        .await
        .unwrap();
    assert_eq!((buffered.entries.len(), store.reads()), (10, 0));
    let dropped = tail
        .read_all(Position(1_000), &Filter::ALL, 10)
        .await
        .unwrap();
    assert_eq!((dropped.entries.len(), store.reads()), (10, 1));
}

#[tokio::test]
async fn a_filter_that_the_tail_does_not_cover_is_read_from_the_store() {
    let store = Counting::new();
    store.grow(4).await;
    let tail = tail(&store, Filter::of_types(&["Odd"]));
    for (filter, expected) in [
        (Filter::of_types(&["Odd"]), vec![2, 4]),
        (Filter::of_types(&["Even", "Odd"]), vec![1, 2, 3, 4]),
        (Filter::ALL, vec![1, 2, 3, 4]),
    ] {
        let page = tail.read_all(Position::START, &filter, 10).await.unwrap();
        assert_eq!(positions(&page), expected, "{filter:?}");
    }
    assert_eq!(store.reads(), 3);
}

#[tokio::test]
async fn a_page_from_memory_is_not_reported_as_the_last_when_the_log_has_grown() {
    let store = Counting::new();
    store.grow(3).await;
    let tail = tail(&store, Filter::ALL);
    tail.read_all(Position::START, &Filter::ALL, 10)
        .await
        .unwrap();
    store.grow(2).await;
    assert_eq!(tail.wait_for(Position(4)).await.unwrap(), Position(5));
    let page = tail
        .read_all(Position::START, &Filter::ALL, 10)
        .await
        .unwrap();
    assert_eq!((page.read_up_to, page.head), (Position(3), Position(5)));
}

#[tokio::test]
async fn the_buffer_is_cleared_when_the_log_is_another_one() {
    for grown in [0, 5] {
        let memory = MemoryEventStore::new(Arc::new(SystemClock));
        let store = Arc::new(ReplaceableStore::new(memory));
        let tail = Tail::new(Arc::clone(&store) as _, Filter::ALL);
        grow(&*store, 3, "").await;
        grow(&*store, 3, "").await;
        let read = async |log: &dyn EventStore| {
            let page = log.read_all(Position::START, &Filter::ALL, 100).await;
            page.unwrap()
        };
        assert_eq!(positions(&read(&tail).await), [1, 2, 3, 4, 5, 6]);
        store.restore(Position(3));
        if grown > 0 {
            grow(&*store, grown, "later").await;
        }
        let checkpoint = [Position(6)];
        let found = tail.identify(&checkpoint).await.unwrap();
        assert_eq!(found, store.identify(&checkpoint).await.unwrap());
        assert_eq!(read(&tail).await, read(&*store).await, "grown by {grown}");
    }
}

#[async_trait]
impl EventStore for Counting {
    async fn read_all(
        &self,
        after: Position,
        filter: &Filter,
        limit: usize,
    ) -> Result<LogPage, StoreError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        // Yield, so that concurrent readers arrive during the read.
        tokio::task::yield_now().await;
        self.inner.read_all(after, filter, limit).await
    }

    async fn append(&self, batch: &[Commit]) -> Result<Vec<Result<Receipt, Rejected>>, StoreError> {
        self.inner.append(batch).await
    }

    async fn command_status(
        &self,
        command: CommandId,
        streams: &[StreamId],
    ) -> Result<CommandStatus, StoreError> {
        self.inner.command_status(command, streams).await
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        after: Version,
        limit: usize,
    ) -> Result<StreamPage, StoreError> {
        self.inner.read_stream(stream, after, limit).await
    }

    async fn head(&self) -> Result<Position, StoreError> {
        self.inner.head().await
    }

    async fn identify(&self, positions: &[Position]) -> Result<LogIdentity, StoreError> {
        self.inner.identify(positions).await
    }

    async fn wait_for(&self, position: Position) -> Result<Position, StoreError> {
        if self.is_restored.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        self.inner.wait_for(position).await
    }

    async fn load_snapshot(
        &self,
        stream: &StreamId,
        schema_version: u32,
    ) -> Result<Option<Snapshot>, StoreError> {
        self.inner.load_snapshot(stream, schema_version).await
    }

    async fn save_snapshot(&self, snapshot: &Snapshot) -> Result<(), StoreError> {
        self.inner.save_snapshot(snapshot).await
    }

    async fn remove_snapshot(
        &self,
        stream: &StreamId,
        schema_version: u32,
        version: Version,
    ) -> Result<(), StoreError> {
        self.inner
            .remove_snapshot(stream, schema_version, version)
            .await
    }
}
