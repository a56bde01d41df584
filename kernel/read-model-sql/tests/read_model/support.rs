//! A projection of counters, and a fresh database of either engine.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use event_sourcing::clock::ManualClock;
use event_sourcing::projection::Handlers;
use event_sourcing::{DecodeError, Filter, LogId, LogMark, Position, Projection, StoredEvent};
use read_model_sql::{Database, TableProjection};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use test_postgres::TestDatabase;
use uuid::Uuid;

/// Counts the events of each stream.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counters;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counter {
    pub name: String,
    pub note: Option<String>,
    pub count: i64,
}

impl Counter {
    pub fn new(name: &str, count: i64) -> Self {
        Self {
            name: name.to_owned(),
            note: None,
            count,
        }
    }
}

#[derive(Clone, Debug)]
pub struct Anything;

impl StoredEvent for Anything {
    const TYPES: &'static [&'static str] = &[];

    fn decode(_: &str, _: u32, _: &str) -> Result<Self, DecodeError> {
        Ok(Self)
    }
}

impl Projection for Counters {
    const NAME: &'static str = "counters";
    const SCHEMA_VERSION: u32 = 1;
    type Row = Counter;

    fn handlers(on: &mut Handlers<Self>) {
        on.events::<Anything>(Filter::ALL, |row: Option<Counter>, _, context| {
            let count = row.map_or(0, |row| row.count);
            Some(Counter::new(context.key, count + 1))
        });
    }
}

impl TableProjection for Counters {
    const DDL: &'static str = "
        CREATE TABLE {table} (name {text} PRIMARY KEY, note {text}, count bigint NOT NULL);
        CREATE INDEX {table}_by_count ON {table} (count);";

    fn key(row: &Counter) -> &str {
        &row.name
    }
}

/// A database that is removed when the value is dropped.
pub struct Fresh {
    pub url: String,
    pub clock: Arc<ManualClock>,
    _folder: Option<TempDir>,
    _server: Option<TestDatabase>,
}

impl Fresh {
    pub fn sqlite() -> Self {
        let folder = TempDir::new().expect("a folder");
        Self {
            url: format!("sqlite://{}", folder.path().join("read.db").display()),
            clock: clock(),
            _folder: Some(folder),
            _server: None,
        }
    }

    pub async fn postgres() -> Self {
        let server = test_postgres::database().await;
        Self {
            url: server.url.clone(),
            clock: clock(),
            _folder: None,
            _server: Some(server),
        }
    }

    /// A database of each engine.
    pub async fn both() -> [Self; 2] {
        [Self::sqlite(), Self::postgres().await]
    }

    /// Opens the database as another process would.
    pub async fn open(&self) -> Database {
        Database::open(&self.url, 4, self.clock.clone())
            .await
            .expect("an open database")
    }
}

/// The mark of a position.
pub fn mark(position: u64) -> LogMark {
    LogMark {
        log: LogId(Uuid::from_u128(1)),
        position: Position(position),
        event: Some(Uuid::from_u128(position.into())),
    }
}

fn clock() -> Arc<ManualClock> {
    let start: DateTime<Utc> = DateTime::from_timestamp(1_700_000_000, 0).expect("a time");
    Arc::new(ManualClock::new(start))
}
