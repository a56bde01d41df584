//! The SQLite store keeps every promise.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta};
use event_sourcing::clock::ManualClock;
use event_store_conformance::{Handle, Harness, conformance_tests};
use event_store_sqlite::{Settings, SqliteEventStore};
use tempfile::TempDir;

struct SqliteHarness {
    clock: Arc<ManualClock>,
    store: Arc<SqliteEventStore>,
    _folder: TempDir,
}

impl SqliteHarness {
    async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("events.db");
        let clock = Arc::new(ManualClock::new(DateTime::UNIX_EPOCH));
        let settings = Settings {
            poll_interval: Duration::from_hours(1),
            ..Settings::default()
        };
        let location = path.to_str().expect("a UTF-8 path");
        let store = SqliteEventStore::open(location, Arc::clone(&clock) as _, settings);
        Self {
            clock,
            store: Arc::new(store.await.expect("the store opens")),
            _folder: folder,
        }
    }
}

#[async_trait]
impl Harness for SqliteHarness {
    /// One process writes, so each caller gets the same handle.
    async fn open(&self) -> Handle {
        Handle::new(Arc::clone(&self.store))
    }

    async fn advance(&self, by: Duration) {
        self.clock
            .advance(TimeDelta::from_std(by).expect("a short time"));
    }
}

conformance_tests!(SqliteHarness::start());
