//! Helpers that build commits and check the log.

use std::collections::HashMap;
use std::time::Duration;

use chrono::DateTime;
use event_sourcing::store::MAX_PAGE_EVENTS;
use event_sourcing::{
    CommandId, Commit, EncodedEvent, Envelope, EventStore, ExpectedVersion, Filter, Metadata,
    NewEvent, Position, StreamId, Write,
};
use event_store_postgres::{PostgresEventStore, Settings};
use sqlx::{Connection, PgConnection};

/// How long a test waits for a fact.
pub const TIMEOUT: Duration = Duration::from_mins(1);

pub async fn open(url: &str) -> PostgresEventStore {
    PostgresEventStore::connect(url, Settings::default())
        .await
        .expect("open the store")
}

pub async fn connect(url: &str) -> PgConnection {
    PgConnection::connect(url).await.expect("connect")
}

pub fn command(actor: u16, number: u64) -> CommandId {
    let moment = DateTime::from_timestamp_micros(1_700_000_000_000_000).expect("a moment");
    let mut random = [0; 10];
    random[..2].copy_from_slice(&actor.to_be_bytes());
    random[2..].copy_from_slice(&number.to_be_bytes());
    CommandId::from_parts(moment, random)
}

pub fn stream(id: impl Into<String>) -> StreamId {
    StreamId::new("test", id.into())
}

pub fn event(data: &str) -> NewEvent {
    NewEvent {
        event: EncodedEvent {
            event_type: "Noted",
            schema_version: 1,
            data: data.to_owned(),
        },
        metadata: Metadata::default(),
    }
}

pub fn commit(
    command: CommandId,
    stream: &StreamId,
    expected: ExpectedVersion,
    data: &str,
) -> Commit {
    let write = Write {
        stream: stream.clone(),
        expected,
        events: vec![event(data), event(data)],
    };
    let moment = DateTime::from_timestamp_micros(1_700_000_000_000_000).expect("a moment");
    Commit::try_new(command, moment, vec![write], None).expect("a commit within the limits")
}

pub async fn whole_log(store: &dyn EventStore) -> Vec<Envelope> {
    let mut events = Vec::new();
    let mut after = Position::START;
    loop {
        let page = store
            .read_all(after, &Filter::ALL, MAX_PAGE_EVENTS)
            .await
            .expect("a page");
        events.extend(page.events().map(|event| Envelope::clone(event)));
        after = page.read_up_to;
        if page.read_up_to == page.head {
            return events;
        }
    }
}

/// Checks that positions and versions have no gaps and that each command took effect once. Returns the commands.
pub async fn check_log(store: &dyn EventStore) -> Vec<CommandId> {
    let mut versions: HashMap<StreamId, u64> = HashMap::new();
    let mut commands = Vec::new();
    for (event, position) in whole_log(store).await.into_iter().zip(1..) {
        assert_eq!(event.position, Position(position), "positions have no gap");
        let version = versions.entry(event.stream).or_default();
        *version += 1;
        assert_eq!(event.version.0, *version, "versions have no gap");
        commands.extend(event.command_id);
    }
    let mut once = commands.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), commands.len(), "a command took effect twice");
    once
}

/// The causes of an error, without its own message.
pub fn cause(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    let causes: Vec<String> = causes.map(ToString::to_string).collect();
    causes.join(": ")
}

/// Fails the test if `fact` does not complete in time.
pub async fn within<T>(what: &str, fact: impl Future<Output = T>) -> T {
    tokio::time::timeout(TIMEOUT, fact)
        .await
        .unwrap_or_else(|_| panic!("{what}: not within {TIMEOUT:?}"))
}
