//! One process that runs sagas.

use std::sync::Arc;
use std::time::Duration;

use event_sourcing::clock::Clock;
use event_sourcing::execute::{Executor, ExecutorConfig, ExecutorTasks};
use event_sourcing::memory::MemoryEventStore;

use super::faulty::{Calls, FaultyProvider};
use super::store::FaultyStore;
use crate::{EngineBuilder, EngineConfig, EngineTasks, Saga, SagaEngine};

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
    /// Starts one with an owner name of its own.
    ///
    /// # Panics
    /// If a definition is invalid, or a step has no provider.
    pub(super) fn start<S: Saga>(
        owner: usize,
        inner: Arc<MemoryEventStore>,
        clock: Arc<dyn Clock>,
        calls: &Arc<Calls<S>>,
        providers: impl FnOnce(EngineBuilder) -> EngineBuilder,
    ) -> Self {
        let store = Arc::new(FaultyStore::new(inner, Arc::clone(&calls.plan)));
        let (executor, executing) = Executor::start(
            Arc::clone(&store) as Arc<_>,
            Arc::clone(&clock),
            ExecutorConfig::default(),
        );
        let config = EngineConfig {
            lease: LEASE,
            // Shorter than the longest outage of the store, so that commits are retried.
            commit_timeout: Duration::from_secs(2),
            ..EngineConfig::new(format!("{} {owner}", S::NAME))
        };
        let stores = (Arc::clone(&store) as Arc<_>, Arc::clone(&store) as Arc<_>);
        let builder = SagaEngine::builder(Arc::new(executor), stores.0, stores.1, clock, config);
        let calls = Arc::clone(calls);
        let builder = builder.saga_in::<S>(move |step, honest| {
            let calls = Arc::clone(&calls);
            Arc::new(FaultyProvider {
                step,
                calls,
                inner: honest,
            })
        });
        let started = providers(builder).start();
        let (engine, running) = started.unwrap_or_else(|error| panic!("{error}"));
        Self {
            store,
            executing,
            engine,
            running,
        }
    }

    /// Crashes: nothing is released, and nothing more reaches the store.
    pub(super) async fn crash(self) {
        self.store.kill();
        self.running.abort().await;
        drop(self.engine);
        self.executing.finished().await;
    }

    /// Drains and stops.
    pub(super) async fn stop(self) {
        self.running.stop().await;
        drop(self.engine);
        self.executing.finished().await;
    }
}
