//! The composition: an event store with what writes to it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use event_sourcing::execute::{Executor, ExecutorConfig, ExecutorTasks};
use event_sourcing::{EventStore, SystemClock};
use event_store_any::{AnyEventStore, Settings};

/// An event store with its executor, as command-service has them.
pub struct WriteSide {
    pub store: Arc<dyn EventStore>,
    pub executor: Arc<Executor>,
    tasks: ExecutorTasks,
}

/// The event store that `url` names.
pub async fn open_store(url: &str) -> Result<Arc<dyn EventStore>> {
    let opened = AnyEventStore::open(url, Settings::default()).await?;
    Ok(opened.store())
}

/// The same beside the process that writes there, to hear at once of what is new.
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

    /// Waits until everything that was sent is durable and all snapshots are taken.
    pub async fn finish(self) {
        drop(self.executor);
        self.tasks.finished().await;
    }
}
