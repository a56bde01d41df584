//! Helpers of the guarantees: short functions for commits, reads of the whole log, and a seeded random number
//! generator.

use std::time::Duration;

use chrono::{DateTime, Utc};
use event_sourcing::store::MAX_PAGE_EVENTS;
use event_sourcing::{
    CommandId, Commit, EncodedEvent, Envelope, EventStore, ExpectedVersion, Fence, Filter,
    Metadata, NewEvent, Position, Receipt, Rejected, StreamId, Version, Write,
};
use uuid::Uuid;

/// How long a test waits for a fact.
pub const TIMEOUT: Duration = Duration::from_mins(1);

/// The event type that most guarantees use.
pub const NOTED: &str = "Noted";

/// A stream of the suite's stream type.
pub fn stream(id: impl Into<String>) -> StreamId {
    StreamId::new("conformance", id.into())
}

/// The command id for a number, unique for each.
pub fn command(number: u64) -> CommandId {
    let moment = moment();
    let mut random = [0; 10];
    random[2..].copy_from_slice(&number.to_be_bytes());
    CommandId::from_parts(moment, random)
}

/// A time with microseconds that rounding would change.
pub fn moment() -> DateTime<Utc> {
    DateTime::from_timestamp_micros(1_700_000_000_123_457).expect("a moment within range")
}

/// An event with these data.
pub fn event(event_type: &'static str, data: impl Into<String>) -> NewEvent {
    NewEvent {
        event: EncodedEvent {
            event_type,
            schema_version: 1,
            data: data.into(),
        },
        metadata: Metadata::default(),
    }
}

/// `count` events for one stream.
pub fn write(stream: &StreamId, expected: ExpectedVersion, count: usize) -> Write {
    let events = (0..count).map(|n| event(NOTED, format!("{{\"n\":{n}}}")));
    Write {
        stream: stream.clone(),
        expected,
        events: events.collect(),
    }
}

/// A commit without a fence.
pub fn commit(command: CommandId, writes: Vec<Write>) -> Commit {
    Commit::try_new(command, moment(), writes, None).expect("a commit within the limits")
}

/// A commit that is accepted only while its writer holds a lease.
pub fn fenced(command: CommandId, writes: Vec<Write>, fence: Fence) -> Commit {
    Commit::try_new(command, moment(), writes, Some(fence)).expect("a commit within the limits")
}

/// Expects the stream at version `number`.
pub fn exact(number: u64) -> ExpectedVersion {
    ExpectedVersion::Exact(Version(number))
}

/// Appends one commit and returns its result.
pub async fn append_one(store: &dyn EventStore, commit: Commit) -> Result<Receipt, Rejected> {
    let mut answers = append(store, &[commit]).await;
    answers.pop().expect("a result of the commit")
}

/// Appends a batch and returns the results, one for each commit.
pub async fn append(store: &dyn EventStore, batch: &[Commit]) -> Vec<Result<Receipt, Rejected>> {
    let answers = store
        .append(batch)
        .await
        .expect("the append returns results");
    assert_eq!(answers.len(), batch.len(), "one result for each commit");
    answers
}

/// Appends a commit that must be accepted as new, and returns its receipt.
pub async fn accepted(store: &dyn EventStore, commit: Commit) -> Receipt {
    let receipt = append_one(store, commit)
        .await
        .expect("the commit is accepted");
    assert!(!receipt.duplicate, "a first commit is not a duplicate");
    receipt
}

/// The actual version in a commit's version conflict on `stream`.
pub fn conflict_at(answer: &Result<Receipt, Rejected>, stream: &StreamId) -> Version {
    match answer {
        Err(Rejected::WrongExpectedVersion {
            stream: found,
            actual,
            ..
        }) => {
            assert_eq!(found, stream, "the conflict is on the stream");
            *actual
        }
        other => panic!("expected a conflict on {stream}, got {other:?}"),
    }
}

/// All events of the log that match a filter, read in pages of `limit`.
pub async fn read_log(store: &dyn EventStore, filter: &Filter, limit: usize) -> Vec<Envelope> {
    let mut events = Vec::new();
    let mut after = Position::START;
    loop {
        let page = store
            .read_all(after, filter, limit)
            .await
            .expect("a page of the log");
        assert!(page.entries.len() <= limit, "a page is within its limit");
        assert!(
            page.read_up_to <= page.head,
            "a page does not read beyond the head"
        );
        let at_end = page.read_up_to == page.head;
        assert!(at_end || page.read_up_to > after, "a page makes progress");
        events.extend(page.events().map(|event| Envelope::clone(event)));
        after = page.read_up_to;
        if at_end {
            return events;
        }
    }
}

/// Every event of the log.
pub async fn whole_log(store: &dyn EventStore) -> Vec<Envelope> {
    read_log(store, &Filter::ALL, MAX_PAGE_EVENTS).await
}

/// Every event of a stream, read in pages of `limit`.
pub async fn read_stream(store: &dyn EventStore, stream: &StreamId, limit: usize) -> Vec<Envelope> {
    let mut events: Vec<Envelope> = Vec::new();
    loop {
        let after = events.last().map_or(Version::NONE, |event| event.version);
        let page = store
            .read_stream(stream, after, limit)
            .await
            .expect("a page of the stream");
        assert!(page.events.len() <= limit, "a page is within its limit");
        assert!(
            page.is_end || !page.events.is_empty(),
            "a page makes progress"
        );
        events.extend(page.events);
        if page.is_end {
            return events;
        }
    }
}

/// The version of a stream, as `standing` returns it.
pub async fn version(store: &dyn EventStore, stream: &StreamId) -> Version {
    let unknown = CommandId(Uuid::nil());
    let streams = std::slice::from_ref(stream);
    let standing = store
        .command_status(unknown, streams)
        .await
        .expect("the status");
    assert_eq!(standing.versions.len(), 1, "one version for each stream");
    standing.versions[0]
}

/// Fails the test if `fact` does not complete within [`TIMEOUT`].
pub async fn within<T>(what: &str, fact: impl Future<Output = T>) -> T {
    tokio::time::timeout(TIMEOUT, fact)
        .await
        .unwrap_or_else(|_| panic!("{what}: not within {TIMEOUT:?}"))
}

/// A random number generator with a seed (splitmix64).
pub struct Rng(u64);

impl Rng {
    /// The seed of this run, from `CONFORMANCE_SEED` or a fixed one. It is printed, so that a failure can be
    /// reproduced.
    pub fn seed() -> u64 {
        let given = std::env::var("CONFORMANCE_SEED").ok();
        let seed = given.map_or(20_260_101, |text| {
            text.parse().expect("a number as the seed")
        });
        println!("CONFORMANCE_SEED={seed}");
        seed
    }

    /// The generator of one actor, so that actors do not share a sequence.
    pub fn of(seed: u64, actor: u64) -> Self {
        let mut own = Self(seed ^ actor.wrapping_mul(0xA24B_AED4_963E_E407));
        own.next();
        own
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}
