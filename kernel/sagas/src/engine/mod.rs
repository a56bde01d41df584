//! Runs sagas: owns partitions by lease, makes the calls of their sagas and commits the results.
//!
//! ```text
//!   index      follows the log: which sagas are open, and which were changed by another process or an operator
//!   ownership  64 partitions by lease; every commit carries the fence, and no call starts on a lease about to expire;
//!              partitions: acquires, renews and releases the leases
//!   schedule   which saga is driven next; a waiting saga costs an entry and no task; dispatch: a task for each saga
//!              that is due
//!   drive      one saga, from result to result, until it must wait; call: one call; lanes: which it takes
//!   connect    the providers of all steps, resolved when the engine starts
//! ```
//!
//! A saga is driven by one task at a time. When a partition changes its owner, the new owner first reads the log up to
//! a head that it queried after it had acquired the lease: everything the old owner wrote is below that head, and
//! whatever it still sends is rejected by the fence.

mod call;
mod config;
mod connect;
mod dispatch;
mod drive;
mod failures;
mod index;
mod lanes;
mod ownership;
mod partitions;
mod schedule;
mod shared;

use std::fmt;
use std::sync::Arc;

use event_sourcing::clock::Clock;
use event_sourcing::execute::Executor;
use event_sourcing::id::Position;
use event_sourcing::lease::LeaseStore;
use event_sourcing::store::{EventStore, Filter};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub use self::config::EngineConfig;
pub use self::connect::EngineError;
use self::connect::{Connections, Layer};
use self::drive::Typed;
use self::failures::Failures;
pub use self::index::{INDEX_SCHEMA_VERSION, INDEX_TYPE};
use self::ownership::Ownership;
use self::schedule::Schedule;
use self::shared::{Driver, Shared};
use super::definition::Saga;
use super::registry::ProviderRegistry;
use super::saga_type::SagaType;
use super::start::partition_of;
use super::step::{ExternalStep, StepProvider};
use crate::fields;

/// Builds an engine: add each kind of saga and the provider of each external step, then start it.
pub struct EngineBuilder {
    executor: Arc<Executor>,
    store: Arc<dyn EventStore>,
    leases: Arc<dyn LeaseStore>,
    clock: Arc<dyn Clock>,
    config: EngineConfig,
    drivers: Vec<Connect>,
    providers: ProviderRegistry,
}

/// Creates the driver of one kind of saga, once all providers are registered.
type Connect = Box<dyn FnOnce(&ProviderRegistry) -> Result<Arc<dyn Driver>, EngineError> + Send>;

impl fmt::Debug for EngineBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EngineBuilder").finish_non_exhaustive()
    }
}

impl EngineBuilder {
    /// Adds a kind of saga.
    #[must_use]
    pub fn saga<S: Saga>(self) -> Self {
        self.saga_in::<S>(|_, provider| provider)
    }

    /// Adds a kind of saga and wraps the provider of each of its steps.
    pub(super) fn saga_in<S: Saga>(mut self, layer: impl Layer<S>) -> Self {
        self.drivers.push(Box::new(move |registry| {
            let connections = Connections::<S>::try_new(registry, layer)?;
            Ok(Arc::new(Typed { connections }))
        }));
        self
    }

    /// Sets the provider of step `E`. It also undoes `E` for an [`UndoStep`](crate::UndoStep) of another saga.
    #[must_use]
    pub fn provider<E: ExternalStep>(mut self, provider: Arc<dyn StepProvider<E>>) -> Self {
        self.providers.register(provider);
        self
    }

    /// Starts the engine.
    ///
    /// # Errors
    /// [`EngineError`] if any version of a saga's definition is invalid, or a step has no provider.
    pub fn start(self) -> Result<(SagaEngine, EngineTasks), EngineError> {
        let drivers = self.drivers.into_iter();
        let drivers = drivers.map(|connect| connect(&self.providers));
        let drivers = drivers.collect::<Result<Vec<_>, _>>()?;
        for driver in &drivers {
            count_from_zero(driver.name());
        }
        let (stop, ended) = (CancellationToken::new(), CancellationToken::new());
        let shared = Arc::new(Shared {
            calls: Arc::new(Semaphore::new(self.config.calls)),
            executor: self.executor,
            store: self.store,
            leases: self.leases,
            clock: self.clock,
            config: self.config,
            drivers,
            schedule: Schedule::default(),
            ownership: Ownership::default(),
            failures: Failures::default(),
            stop: stop.clone(),
        });
        let (parts, at_end) = (run(Arc::clone(&shared)), ended.clone().drop_guard());
        let running = tokio::spawn(async move {
            // Dropped also on a panic, so that `EngineTasks::ended` always returns.
            let _at_end = at_end;
            parts.await;
        });
        let tasks = EngineTasks {
            running,
            stop,
            ended,
        };
        Ok((SagaEngine(shared), tasks))
    }
}

/// A rate over a counter misses the first increment if that also creates the series.
fn count_from_zero(saga: &'static str) {
    metrics::counter!("saga_started_total", "saga" => saga).increment(0);
    metrics::counter!("saga_completed_total", "saga" => saga).increment(0);
    metrics::counter!("saga_compensated_total", "saga" => saga).increment(0);
    metrics::counter!("saga_failed_total", "saga" => saga).increment(0);
    metrics::counter!("saga_suspended_total", "saga" => saga).increment(0);
    metrics::counter!("saga_corrupt_total", "saga" => saga).increment(0);
    for reader in ["saga", INDEX_TYPE] {
        metrics::counter!("events_unreadable_total", "reader" => reader).increment(0);
    }
}

/// Runs the parts of the engine. On a stop it waits for calls in flight and then releases the partitions.
async fn run(shared: Arc<Shared>) {
    let rested = CancellationToken::new();
    let schedule = async {
        // Index and leases outlive the last drive: its commit needs a valid fence.
        dispatch::run(&shared).await;
        rested.cancel();
    };
    tokio::join!(
        schedule,
        index::follow(&shared, &rested),
        partitions::maintain(&shared, &rested)
    );
}

/// A handle to a running engine. A process reports its own changes through it, which saves the round trip over the
/// log; a change that is not reported is found in the log.
#[derive(Clone)]
pub struct SagaEngine(Arc<Shared>);

impl fmt::Debug for SagaEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SagaEngine").finish_non_exhaustive()
    }
}

impl SagaEngine {
    /// Returns a builder of an engine on this store. `config.owner` must be unique for each start of a process.
    #[must_use]
    pub fn builder(
        executor: Arc<Executor>,
        store: Arc<dyn EventStore>,
        leases: Arc<dyn LeaseStore>,
        clock: Arc<dyn Clock>,
        config: EngineConfig,
    ) -> EngineBuilder {
        EngineBuilder {
            executor,
            store,
            leases,
            clock,
            config,
            drivers: Vec::new(),
            providers: ProviderRegistry::default(),
        }
    }

    /// The events an engine reads from the log, if its sagas have streams of these types ([`Saga::STREAM`]). They include
    /// sagas of unknown types, which another binary drives.
    #[must_use]
    pub fn event_filter(saga_streams: &[&'static str]) -> Filter {
        index::open_saga_filter(saga_streams)
    }

    /// Reports that a commit of this process at `position` started a saga.
    pub fn on_started<S: Saga>(&self, saga_id: &str, position: Position) {
        let partition = partition_of(saga_id);
        let (schedule, ownership) = (&self.0.schedule, &self.0.ownership);
        // If the index has read the event already, the saga is being driven: another wake-up would only make it read
        // its stream again.
        if let Some(kind) = self.0.driver(S::NAME)
            && ownership.owns(partition)
            && schedule.insert_started(saga_id, kind, partition, position)
        {
            schedule.wake_saga(saga_id, ownership);
        }
    }

    /// The ids of all open sagas that the index has read, in all partitions, with the names of their types, the latest
    /// ids first.
    #[must_use]
    pub fn open(&self) -> Vec<(Arc<str>, &'static str)> {
        let open = self.0.schedule.open().into_iter();
        let mut open: Vec<_> = open
            .filter_map(|open| Some((open.saga_id, self.0.drivers.get(open.kind)?.name())))
            .collect();
        open.sort_unstable_by(|left, right| right.cmp(left));
        open
    }

    /// The kinds of sagas that it drives.
    pub(super) fn saga_types(&self) -> Vec<SagaType> {
        let drivers = self.0.drivers.iter();
        drivers.map(|driver| driver.saga_type()).collect()
    }

    /// Has a saga driven now, because an operator or a provider has changed it. No effect if another process owns it.
    pub fn wake(&self, saga_id: &str) {
        self.0.schedule.wake_saga(saga_id, &self.0.ownership);
    }
}

/// The tasks of an engine.
#[derive(Debug)]
pub struct EngineTasks {
    running: JoinHandle<()>,
    stop: CancellationToken,
    ended: CancellationToken,
}

impl EngineTasks {
    /// Waits until the engine has ended. Without a stop that happens only if one of its parts panics, which is a bug; no
    /// saga of this process is driven then, so the process should end as well.
    pub fn ended(&self) -> impl Future<Output = ()> + Send + 'static + use<> {
        self.ended.clone().cancelled_owned()
    }

    /// Starts no further call, waits for those in flight, and releases the partitions.
    pub async fn stop(self) {
        self.stop.cancel();
        if let Err(error) = self.running.await {
            tracing::error!(
                { fields::ERROR } = &error as &dyn std::error::Error,
                "the saga engine failed"
            );
        }
    }

    /// Ends the engine immediately, as a crash would. Calls in flight are dropped and leases expire.
    pub async fn abort(self) {
        self.running.abort();
        // The join error only reports the abort.
        let _aborted = self.running.await;
    }
}
