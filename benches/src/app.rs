//! The composition: the one file that names an engine.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use event_sourcing::execute::{Executor, ExecutorConfig, ExecutorTasks};
use event_sourcing::{EventStore, SystemClock};
use event_store_postgres::PostgresEventStore;
use event_store_sqlite::SqliteEventStore;

/// An event store with its executor, as command-service has them.
pub struct WriteSide {
    pub store: Arc<dyn EventStore>,
    pub executor: Arc<Executor>,
    tasks: ExecutorTasks,
}

/// The event store that `url` names.
pub async fn open_store(url: &str) -> Result<Arc<dyn EventStore>> {
    if url.starts_with("sqlite:") {
        let settings = event_store_sqlite::Settings::default();
        let store = SqliteEventStore::open(url, Arc::new(SystemClock), settings).await?;
        return Ok(Arc::new(store));
    }
    let settings = event_store_postgres::Settings::default();
    Ok(Arc::new(PostgresEventStore::connect(url, settings).await?))
}

/// The same beside the process that writes there, to hear at once of what is new.
pub async fn open_to_follow(url: &str) -> Result<Arc<dyn EventStore>> {
    if url.starts_with("sqlite:") {
        let settings = event_store_sqlite::Settings {
            poll_interval: Duration::from_millis(1),
            ..event_store_sqlite::Settings::default()
        };
        let clock = Arc::new(SystemClock);
        let store = SqliteEventStore::open_read_only(url, clock, &settings).await?;
        return Ok(Arc::new(store));
    }
    let settings = event_store_postgres::Settings {
        pool_size: 2,
        migrate: false,
        ..event_store_postgres::Settings::default()
    };
    Ok(Arc::new(PostgresEventStore::connect(url, settings).await?))
}

impl WriteSide {
    pub fn start(store: Arc<dyn EventStore>, config: ExecutorConfig) -> Self {
        let (executor, tasks) = Executor::start(Arc::clone(&store), Arc::new(SystemClock), config);
        Self {
            store,
            executor: Arc::new(executor),
            tasks,
        }
    }

    /// Waits until everything that was sent is durable and all snapshots are taken.
    pub async fn finish(self) {
        drop(self.executor);
        self.tasks.finished().await;
    }
}
