//! Runs the conformance suite against the PostgreSQL store. Each handle has its own connections, like another process.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use event_sourcing::{LogMaintenance, Position};
use event_store_conformance::{
    Handle, Harness, MaintenanceHarness, conformance_tests, maintenance_tests,
};
use event_store_postgres::{PostgresEventStore, Settings};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use test_postgres::TestDatabase;

struct PostgresHarness(TestDatabase);

impl PostgresHarness {
    async fn start() -> Self {
        Self(test_postgres::database().await)
    }

    async fn connect(&self) -> Arc<PostgresEventStore> {
        let settings = Settings {
            poll_interval: Duration::from_hours(1),
            ..Settings::default()
        };
        let store = PostgresEventStore::connect(&self.0.url, settings);
        Arc::new(store.await.expect("open the store"))
    }
}

#[async_trait]
impl Harness for PostgresHarness {
    async fn open(&self) -> Handle {
        Handle::new(self.connect().await)
    }

    async fn advance(&self, by: Duration) {
        let mut connection = PgConnection::connect(&self.0.url).await.expect("connect");
        sqlx::query("UPDATE leases SET expires_at = expires_at - make_interval(secs => $1)")
            .bind(by.as_secs_f64())
            .execute(&mut connection)
            .await
            .expect("move the leases");
    }

    async fn damage(&self, position: Position, variant: usize) -> bool {
        let variants = [
            "event_metadata = '7'",
            r#"event_metadata = '{"trace": 1}'"#,
            "created_at = 'infinity'",
            "created_at = '-infinity'",
            "created_at = '290000-01-01'",
            "schema_version = -1",
        ];
        let Some(change) = variants.get(variant) else {
            return false;
        };
        let mut connection = PgConnection::connect(&self.0.url).await.expect("connect");
        let update = format!("UPDATE events SET {change} WHERE id = {position}");
        sqlx::query(AssertSqlSafe(update))
            .execute(&mut connection)
            .await
            .expect("damage an event");
        true
    }
}

#[async_trait]
impl MaintenanceHarness for PostgresHarness {
    async fn maintain(&self) -> Arc<dyn LogMaintenance> {
        self.connect().await
    }
}

conformance_tests!(PostgresHarness::start());
maintenance_tests!(PostgresHarness::start());
