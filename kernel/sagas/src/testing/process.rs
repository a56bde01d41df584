//! One process that runs sagas.

use std::sync::Arc;
use std::time::Duration;

use event_sourcing::clock::Clock;
use event_sourcing::execute::{Executor, ExecutorConfig, ExecutorTasks};
use event_sourcing::memory::MemoryEventStore;

use super::script::Script;
use super::store::FaultyStore;
use crate::{Effects, EngineConfig, EngineTasks, Saga, SagaEngine};

/// How long the leases of the tests last.
pub(super) const LEASE: Duration = Duration::from_secs(3);

/// An engine with its executor.
pub(super) struct Process {
    store: Arc<FaultyStore>,
    executing: ExecutorTasks,
    pub(super) engine: SagaEngine,
    running: EngineTasks,
}

impl Process {
    /// Starts one under a name of its own.
    pub(super) fn start<S: Saga>(
        owner: usize,
        inner: Arc<MemoryEventStore>,
        script: Arc<Script>,
        clock: Arc<dyn Clock>,
        effects: Arc<dyn Effects<S>>,
    ) -> Self {
        let store = Arc::new(FaultyStore::new(inner, script));
        let (executor, executing) = Executor::start(
            Arc::clone(&store) as Arc<_>,
            Arc::clone(&clock),
            ExecutorConfig::default(),
        );
        let config = EngineConfig {
            lease: LEASE,
            // Shorter than the store's longest failure, so that commits are sent again.
            commit_timeout: Duration::from_secs(2),
            ..EngineConfig::new(format!("process-{owner}"))
        };
        let stores = (Arc::clone(&store) as Arc<_>, Arc::clone(&store) as Arc<_>);
        let builder = SagaEngine::builder(Arc::new(executor), stores.0, stores.1, clock, config);
        let (engine, running) = builder.with(effects).start();
        Self {
            store,
            executing,
            engine,
            running,
        }
    }

    /// Ends without a word.
    pub(super) async fn crash(self) {
        self.store.kill();
        self.running.abort().await;
        drop(self.engine);
        self.executing.finished().await;
    }

    /// Ends in order.
    pub(super) async fn stop(self) {
        self.running.stop().await;
        drop(self.engine);
        self.executing.finished().await;
    }
}
