//! Databases and clocks.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use command_database::CommandDatabase;
use event_sourcing::Clock;
use event_sourcing::clock::ManualClock;
use idempotency_sql::KeyClock;

use crate::place::{Place, on_each_engine};

/// Longer than any operation here takes, so that a wait for something that never happens fails.
pub const WAIT_TIMEOUT: Duration = Duration::from_mins(1);

/// A command database that several processes can open, sequentially or concurrently.
pub struct Home(Place);

/// Runs a test on both engines, each with a fresh database.
pub async fn on_both_engines(test: impl AsyncFn(&Home)) {
    on_each_engine(async |place| test(&Home(place)).await).await;
}

impl Home {
    pub async fn database(&self) -> CommandDatabase {
        let config = &self.0.databases;
        CommandDatabase::connect(&config.database, config.pool_size, config.migrate)
            .await
            .expect("a database")
    }
}

pub async fn key_clock(database: &CommandDatabase) -> KeyClock {
    let noon: DateTime<Utc> = "2030-01-01T12:00:00Z".parse().expect("a time");
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(noon));
    let started = KeyClock::start(database.requests(), clock).await;
    started.expect("a running time")
}

/// The result of `future`, which must complete in time.
pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(WAIT_TIMEOUT, future)
        .await
        .unwrap_or_else(|_| panic!("{what} took too long"))
}
