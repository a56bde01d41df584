//! The write side: the log of events in a file, and the executor that runs commands on it.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use event_sourcing::execute::ExecutorTasks;
use event_sourcing::{Clock, CommandId, Context, Executor, ExecutorConfig, SystemClock};
use event_store_any::{AnyEventStore, Settings};

pub const EVENTS: &str = "sqlite://data/events.db";

pub struct App {
    pub store: AnyEventStore,
    pub executor: Arc<Executor>,
    tasks: ExecutorTasks,
}

impl App {
    pub async fn open() -> Result<Self, Box<dyn Error>> {
        let store = AnyEventStore::open(EVENTS, Settings::default()).await?;
        let config = ExecutorConfig::default();
        let (executor, tasks) = Executor::start(store.store(), Arc::new(SystemClock), config);
        Ok(Self {
            store,
            executor: Arc::new(executor),
            tasks,
        })
    }

    /// Waits for what is queued, then closes the file.
    pub async fn close(self) {
        drop(self.executor);
        self.tasks.finished().await;
        self.store.close().await;
    }
}

/// A new command id, for a caller that waits five seconds.
pub fn context() -> Context {
    let id = CommandId::from_parts(SystemClock.now(), rand::random());
    Context::new(id, Duration::from_secs(5))
}
