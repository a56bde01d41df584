//! Runs sagas: owns partitions, makes the calls, commits what it hears.
//!
//! ```text
//!   index      follows the log: which sagas are open, and which were touched from outside
//!   ownership  64 partitions by lease; every commit carries the fence, and no call begins with a lease that ends soon;
//!              partitions: takes them, renews their leases and gives them back
//!   schedule   which saga is looked at next; a saga that waits costs an entry and no task; dispatch: a task for each
//!              that is due
//!   drive      one saga, from news to news, until it must wait; call: one call of it
//!   connect    the providers of all steps, found when the engine starts
//! ```
//!
//! A saga is driven by one task at a time. When a partition changes hands the new owner first reads the log up to a
//! head that it asked for after it had the lease: what the old owner wrote lies below it, and what it writes from
//! then on is refused.

mod call;
mod config;
mod connect;
mod dispatch;
mod drive;
mod failures;
mod index;
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
use self::ownership::Ownership;
use self::schedule::Schedule;
use self::shared::{Driver, Shared};
use super::definition::Saga;
use super::registry::ProviderRegistry;
use super::start::partition_of;
use super::step::{ExternalStep, StepProvider};
use crate::fields;

/// An engine that is being put together.
pub struct EngineBuilder {
    executor: Arc<Executor>,
    store: Arc<dyn EventStore>,
    leases: Arc<dyn LeaseStore>,
    clock: Arc<dyn Clock>,
    config: EngineConfig,
    drivers: Vec<Connect>,
    providers: ProviderRegistry,
}

/// Makes what drives one kind of saga.
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

    /// The same with something around the provider of each of its steps.
    pub(super) fn saga_in<S: Saga>(mut self, layer: impl Layer<S>) -> Self {
        self.drivers.push(Box::new(move |registry| {
            let connections = Connections::<S>::try_new(registry, layer)?;
            Ok(Arc::new(Typed { connections }))
        }));
        self
    }

    /// Has `provider` carry out the step `E`, and undo it where a step of another saga undoes it.
    #[must_use]
    pub fn provider<E: ExternalStep>(mut self, provider: Arc<dyn StepProvider<E>>) -> Self {
        self.providers.register(provider);
        self
    }

    /// Starts it.
    ///
    /// # Errors
    /// [`EngineError`] if a table of a saga is not well formed, in whatever version, or a step of it has no provider.
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

/// A counter that appears with its first event hides that event from a rate.
fn count_from_zero(saga: &'static str) {
    metrics::counter!("saga_started_total", "saga" => saga).increment(0);
    metrics::counter!("saga_completed_total", "saga" => saga).increment(0);
    metrics::counter!("saga_compensated_total", "saga" => saga).increment(0);
    metrics::counter!("saga_failed_total", "saga" => saga).increment(0);
    metrics::counter!("saga_suspended_total", "saga" => saga).increment(0);
    metrics::counter!("saga_corrupt_total", "saga" => saga).increment(0);
    for reader in ["saga", "saga_index"] {
        metrics::counter!("events_unreadable_total", "reader" => reader).increment(0);
    }
}

/// Runs its parts; on a stop lets the sagas come to rest, then gives the partitions back.
async fn run(shared: Arc<Shared>) {
    let rested = CancellationToken::new();
    let schedule = async {
        dispatch::run(&shared).await;
        rested.cancel();
    };
    tokio::join!(
        schedule,
        index::follow(&shared, &rested),
        partitions::maintain(&shared, &rested)
    );
}

/// A running engine, to be told of what this process has just done, so that it need not wait for the log.
#[derive(Clone)]
pub struct SagaEngine(Arc<Shared>);

impl fmt::Debug for SagaEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SagaEngine").finish_non_exhaustive()
    }
}

impl SagaEngine {
    /// Puts an engine together.
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

    /// What an engine reads of the log, if its sagas have streams of these types ([`Saga::STREAM`]). It also hears of
    /// sagas of types that it does not know, to leave them to others.
    #[must_use]
    pub fn event_filter(saga_streams: &[&'static str]) -> Filter {
        index::open_saga_filter(saga_streams)
    }

    /// A saga was started by a commit of this process, at `position`.
    pub fn on_started<S: Saga>(&self, saga_id: &str, position: Position) {
        let partition = partition_of(saga_id);
        let (schedule, ownership) = (&self.0.schedule, &self.0.ownership);
        // One that the log told of before is being driven: touched once more, it would seem to have news.
        if let Some(kind) = self.0.driver(S::NAME)
            && ownership.owns(partition)
            && schedule.insert_begun(saga_id, kind, partition, position)
        {
            schedule.touch(saga_id, ownership);
        }
    }

    /// The ids of all open sagas that the log was heard of, whoever owns them, with the names of their types, the
    /// latest ids first.
    #[must_use]
    pub fn open(&self) -> Vec<(Arc<str>, &'static str)> {
        let open = self.0.schedule.open().into_iter();
        let mut open: Vec<_> = open
            .filter_map(|open| Some((open.saga_id, self.0.drivers.get(open.kind)?.name())))
            .collect();
        open.sort_unstable_by(|left, right| right.cmp(left));
        open
    }

    /// There is news for a saga: a person's act, or word from a provider.
    pub fn wake(&self, saga_id: &str) {
        self.0.schedule.touch(saga_id, &self.0.ownership);
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
    /// Waits until the engine has ended. Without a stop it does so only if one of its parts panics, a bug; no saga of
    /// this process goes on then, so the process should end as well.
    pub fn ended(&self) -> impl Future<Output = ()> + Send + 'static + use<> {
        self.ended.clone().cancelled_owned()
    }

    /// Begins no call any more, waits for the word of those under way, and gives the partitions back.
    pub async fn stop(self) {
        self.stop.cancel();
        if let Err(error) = self.running.await {
            tracing::error!(
                { fields::ERROR } = &error as &dyn std::error::Error,
                "the saga engine failed"
            );
        }
    }

    /// Ends it at once, as a crash would.
    pub async fn abort(self) {
        self.running.abort();
        // What remains to be learnt is that it ended.
        let _aborted = self.running.await;
    }
}
