//! An event store with an executor.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use event_sourcing::execute::{Executor, ExecutorConfig, ExecutorTasks};
use event_sourcing::{EventStore, SystemClock};
use event_store_any::{AnyEventStore, Settings};

/// An event store with its executor, as in command-service.
pub struct WriteSide {
    pub store: Arc<dyn EventStore>,
    pub executor: Arc<Executor>,
    tasks: ExecutorTasks,
}

/// Opens the event store that `url` names.
pub async fn open_store(url: &str) -> Result<Arc<dyn EventStore>> {
    let opened = AnyEventStore::open(url, Settings::default()).await?;
    Ok(opened.store())
}

/// Opens an event store that another process writes, and polls a file frequently to see new events immediately.
pub async fn open_to_follow(url: &str) -> Result<Arc<dyn EventStore>> {
    let settings = Settings {
        pool_size: 2,
        migrate: false,
        file_poll_interval: Duration::from_millis(1),
        ..Settings::default()
    };
    let opened = AnyEventStore::open_read_only(url, settings).await?;
    Ok(opened.store())
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

    /// Waits until all commits are durable and all snapshots are saved.
    pub async fn finish(self) {
        drop(self.executor);
        self.tasks.finished().await;
    }
}
