//! Runs the conformance suite against the SQLite store.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta};
use event_sourcing::clock::ManualClock;
use event_sourcing::{LogMaintenance, Position};
use event_store_conformance::{
    Handle, Harness, MaintenanceHarness, conformance_tests, maintenance_tests,
};
use event_store_sqlite::{Settings, SqliteEventStore};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};
use tempfile::TempDir;

struct SqliteHarness {
    clock: Arc<ManualClock>,
    store: Arc<SqliteEventStore>,
    folder: TempDir,
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
            folder,
        }
    }
}

#[async_trait]
impl Harness for SqliteHarness {
    /// Only one process may write, so all callers share one handle.
    async fn open(&self) -> Handle {
        Handle::new(Arc::clone(&self.store))
    }

    async fn advance(&self, by: Duration) {
        self.clock
            .advance(TimeDelta::from_std(by).expect("a short time"));
    }

    async fn damage(&self, position: Position, variant: usize) -> bool {
        let variants = [
            "event_metadata = '7'",
            "event_metadata = '{'",
            "created_at = 'yesterday'",
            "event_id = 'none'",
            "command_id = 'none'",
            "schema_version = -1",
            "schema_version = 4294967296",
            "event_data = CAST(x'ff' AS TEXT)",
        ];
        let Some(change) = variants.get(variant) else {
            return false;
        };
        let path = self.folder.path().join("events.db");
        let options = SqliteConnectOptions::new().filename(path);
        let mut connection = SqliteConnection::connect_with(&options)
            .await
            .expect("connect");
        let update = format!("UPDATE events SET {change} WHERE id = {position}");
        sqlx::query(AssertSqlSafe(update))
            .execute(&mut connection)
            .await
            .expect("damage an event");
        true
    }
}

#[async_trait]
impl MaintenanceHarness for SqliteHarness {
    async fn maintain(&self) -> Arc<dyn LogMaintenance> {
        Arc::clone(&self.store) as _
    }
}

conformance_tests!(SqliteHarness::start());
maintenance_tests!(SqliteHarness::start());
