//! Processes that share a store, and a provider with programmable effects.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use event_sourcing::execute::ExecutorTasks;
use event_sourcing::testing::TokioClock;
use event_sourcing::{
    Actor, Aggregate, Clock, CommandId, Commit, Context, DomainEvent, EncodedEvent, Envelope,
    EventStore, ExecuteError, Executor, ExecutorConfig, ExpectedVersion, LeaseStore,
    MemoryEventStore, Metadata, NewEvent, Version, Write,
};
use sagas::{
    ActionRejected, CallError, CompensationResult, EngineBuilder, EngineConfig, EngineTasks,
    EventOf, OperationKey, OperationStatus, OperatorAction, OperatorCommand, Phase, SagaEngine,
    SagaOutcome, SagaState, StepProvider, StepState, StepStatus, started,
};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::flaky_store::FlakyStore;
use crate::trip::{AUTHORISE, CHARGE, Called, FLIGHT, HOTEL, NOTIFY, REFUND, Travel, Trip};

/// Longer than the renewal interval of the leases, and long enough for any take-over.
pub const LONG: Duration = Duration::from_mins(1);

/// How the provider handles a step's action.
#[derive(Clone, Debug)]
pub enum Effect {
    Good,
    /// A transient failure without an effect.
    Transient,
    /// Every call, look-up and undo is rate limited with this `retry_after`.
    Busy(Duration),
    /// A transient failure without an effect; look-ups are never answered.
    Mute,
    Declined,
    /// Takes effect once a permit is available.
    Gated(Arc<Semaphore>),
}

pub type Records = BTreeMap<OperationKey, OperationStatus<String>>;

/// A provider that records its calls.
#[derive(Debug, Default)]
pub struct TestProvider {
    deeds: Mutex<HashMap<String, Effect>>,
    book: Mutex<Records>,
    /// The keys of actions that took effect and were undone.
    undone: Mutex<BTreeSet<OperationKey>>,
    asked: Mutex<Vec<String>>,
    broken_undo: AtomicBool,
    in_flight: AtomicUsize,
    most_in_flight: AtomicUsize,
}

impl TestProvider {
    pub fn set(&self, step: &str, deed: Effect) {
        self.deeds.lock().unwrap().insert(step.to_owned(), deed);
    }

    /// Replaces its records of actions, and returns those from before, as if another provider were called.
    pub fn replace(&self, records: Records) -> Records {
        std::mem::replace(&mut *self.book.lock().unwrap(), records)
    }

    pub fn break_undo(&self, is_broken: bool) {
        self.broken_undo.store(is_broken, Ordering::Relaxed);
    }

    /// The calls so far, such as `act trip-1/flight/0`.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    pub fn count(&self, what: &str) -> usize {
        let asked = self.asked();
        asked.iter().filter(|asked| asked.starts_with(what)).count()
    }

    pub fn most_in_flight(&self) -> usize {
        self.most_in_flight.load(Ordering::Relaxed)
    }

    fn note(&self, what: &str, key: &OperationKey) {
        self.asked.lock().unwrap().push(format!("{what} {key}"));
    }

    fn deed(&self, key: &OperationKey) -> Effect {
        let step = key.as_str().rsplit('/').nth(1).unwrap();
        let deeds = self.deeds.lock().unwrap();
        deeds.get(step).cloned().unwrap_or(Effect::Good)
    }
}

/// A call in flight.
struct Flight<'a>(&'a TestProvider);

impl<'a> Flight<'a> {
    fn begin(provider: &'a TestProvider) -> Self {
        let now = provider.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        provider.most_in_flight.fetch_max(now, Ordering::Relaxed);
        Self(provider)
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

#[async_trait]
impl<S: Travel, const CALL: usize> StepProvider<Called<S, CALL>> for TestProvider {
    async fn act(&self, key: &OperationKey, _call: &String) -> Result<String, CallError> {
        let _flight = Flight::begin(self);
        self.note("act", key);
        match self.deed(key) {
            Effect::Good => tokio::time::sleep(Duration::from_millis(10)).await,
            Effect::Busy(wait) => return Err(busy(wait)),
            Effect::Transient | Effect::Mute => return Err(CallError::transient("out of order")),
            Effect::Declined => return Err(CallError::Declined("declined".to_owned())),
            Effect::Gated(gate) => gate.acquire().await.unwrap().forget(),
        }
        let mut book = self.book.lock().unwrap();
        let new = || OperationStatus::Done("booked".to_owned());
        match book.entry(key.clone()).or_insert_with(new) {
            OperationStatus::Done(output) => Ok(output.clone()),
            other => Err(CallError::Declined(format!("{other:?}"))),
        }
    }

    async fn look_up(&self, key: &OperationKey) -> Result<OperationStatus<String>, CallError> {
        self.note("look", key);
        match self.deed(key) {
            Effect::Busy(wait) => return Err(busy(wait)),
            Effect::Mute => std::future::pending().await,
            Effect::Good | Effect::Transient | Effect::Declined | Effect::Gated(_) => {}
        }
        let book = self.book.lock().unwrap();
        Ok(book.get(key).cloned().unwrap_or(OperationStatus::Absent))
    }

    async fn undo(
        &self,
        key: &OperationKey,
        _call: &String,
    ) -> Result<CompensationResult, CallError> {
        self.note("undo", key);
        if let Effect::Busy(wait) = self.deed(key) {
            return Err(busy(wait));
        }
        if self.broken_undo.load(Ordering::Relaxed) {
            return Err(CallError::unknown("out of order"));
        }
        let mut book = self.book.lock().unwrap();
        let before = book.insert(key.clone(), OperationStatus::Compensated);
        let mut undone = self.undone.lock().unwrap();
        if matches!(before, Some(OperationStatus::Done(_))) {
            undone.insert(key.clone());
        }
        Ok(CompensationResult {
            had_effect: undone.contains(key),
            reference: None,
            key_closed: true,
        })
    }
}

fn busy(wait: Duration) -> CallError {
    CallError::transient("busy").with_retry_after(Some(wait))
}

/// The provider of all calls of a saga.
pub trait Outside<S: Travel>:
    StepProvider<Called<S, FLIGHT>>
    + StepProvider<Called<S, HOTEL>>
    + StepProvider<Called<S, AUTHORISE>>
    + StepProvider<Called<S, CHARGE>>
    + StepProvider<Called<S, NOTIFY>>
    + StepProvider<Called<S, REFUND>>
{
}

impl<S: Travel, P> Outside<S> for P where
    P: StepProvider<Called<S, FLIGHT>>
        + StepProvider<Called<S, HOTEL>>
        + StepProvider<Called<S, AUTHORISE>>
        + StepProvider<Called<S, CHARGE>>
        + StepProvider<Called<S, NOTIFY>>
        + StepProvider<Called<S, REFUND>>
{
}

/// Adds a saga to an engine, with the provider of its calls.
pub fn add<S: Travel>(engine: EngineBuilder, outside: Arc<impl Outside<S>>) -> EngineBuilder {
    let engine = engine.provider::<Called<S, FLIGHT>>(outside.clone());
    let engine = engine.provider::<Called<S, HOTEL>>(outside.clone());
    let engine = engine.provider::<Called<S, AUTHORISE>>(outside.clone());
    let engine = engine.provider::<Called<S, CHARGE>>(outside.clone());
    let engine = engine.provider::<Called<S, NOTIFY>>(outside.clone());
    engine.provider::<Called<S, REFUND>>(outside).saga::<S>()
}

/// A process that runs sagas.
pub struct Node {
    pub engine: SagaEngine,
    pub store: Arc<FlakyStore>,
    pub tasks: EngineTasks,
    executing: ExecutorTasks,
}

impl Node {
    pub async fn stop(self) {
        self.tasks.stop().await;
        drop(self.engine);
        self.executing.finished().await;
    }

    /// Ends as in a crash.
    pub async fn abort(self) {
        self.store.is_cut.store(true, Ordering::Relaxed);
        self.tasks.abort().await;
    }
}

/// A store with its clock, a provider, and a process without an engine that sends commands.
pub struct TestCluster {
    pub store: Arc<MemoryEventStore>,
    pub clock: Arc<TokioClock>,
    pub provider: Arc<TestProvider>,
    executor: Executor,
    commands: AtomicU64,
}

impl TestCluster {
    pub fn new() -> Self {
        let clock = Arc::new(TokioClock::start());
        let store = Arc::new(MemoryEventStore::new(Arc::clone(&clock) as Arc<_>));
        let (executor, _tasks) = Executor::start(
            Arc::clone(&store) as Arc<_>,
            Arc::clone(&clock) as Arc<_>,
            ExecutorConfig::default(),
        );
        Self {
            store,
            clock,
            provider: Arc::default(),
            executor,
            commands: AtomicU64::new(1),
        }
    }

    /// Starts a process that drives sagas of kind `S`.
    pub fn node<S: Travel>(&self, owner: &str) -> Node {
        self.start(EngineConfig::new(owner), |builder| {
            add::<S>(builder, Arc::clone(&self.provider))
        })
    }

    pub fn start(
        &self,
        config: EngineConfig,
        with: impl FnOnce(EngineBuilder) -> EngineBuilder,
    ) -> Node {
        let (builder, wire, executing) = self.builder(config);
        let (engine, tasks) = with(builder).start().unwrap();
        Node {
            engine,
            store: wire,
            tasks,
            executing,
        }
    }

    /// The builder of a process's engine, with its store and executor.
    pub fn builder(&self, config: EngineConfig) -> (EngineBuilder, Arc<FlakyStore>, ExecutorTasks) {
        let wire = Arc::new(FlakyStore::new(Arc::clone(&self.store)));
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let (executor, executing) = Executor::start(
            Arc::clone(&wire) as Arc<_>,
            Arc::clone(&clock),
            ExecutorConfig::default(),
        );
        let builder = SagaEngine::builder(
            Arc::new(executor),
            Arc::clone(&wire) as Arc<_>,
            Arc::clone(&wire) as Arc<_>,
            clock,
            config,
        );
        (builder, wire, executing)
    }

    fn command_id(&self) -> CommandId {
        let mut random = [0; 10];
        let count = self.commands.fetch_add(1, Ordering::Relaxed);
        random[2..].copy_from_slice(&count.to_be_bytes());
        CommandId::from_parts(self.clock.now(), random)
    }

    pub async fn begin<S: Travel>(&self, saga_id: &str) {
        let data = Trip::on(format!("shelf of {saga_id}"));
        let first = started::<S>(saga_id, "a trip", data, Metadata::default());
        self.write::<S>(saga_id, &[first]).await;
    }

    /// Creates a saga's stream with these events.
    pub async fn write<S: Travel>(&self, saga_id: &str, events: &[EventOf<S>]) {
        let events = events.iter().map(DomainEvent::encode).collect();
        self.write_encoded::<S>(saga_id, events).await;
    }

    /// Creates a saga's stream with encoded events.
    pub async fn write_encoded<S: Travel>(&self, saga_id: &str, events: Vec<EncodedEvent>) {
        let new = events.into_iter().map(|event| NewEvent {
            event,
            metadata: Metadata::default(),
        });
        let write = Write {
            stream: SagaState::<S>::stream(saga_id),
            expected: ExpectedVersion::NoStream,
            events: new.collect(),
        };
        let commit = Commit::try_new(self.command_id(), self.clock.now(), vec![write], None);
        let answers = self.store.append(&[commit.unwrap()]).await.unwrap();
        assert!(answers[0].is_ok(), "{answers:?}");
    }

    /// Executes an operator's command in another process.
    pub async fn act<S: Travel>(
        &self,
        saga_id: &str,
        act: OperatorAction,
    ) -> Result<(), ActionRejected> {
        let by = Actor {
            id: "an operator".to_owned(),
            reason: format!("{act:?}"),
        };
        self.execute(&OperatorCommand::<S>::new(saga_id, act, by))
            .await
    }

    /// Executes a provider's notification in another process.
    pub async fn hint<S: Travel>(&self, saga_id: &str, key: &str) -> Result<(), ActionRejected> {
        let by = Actor {
            id: "the provider".to_owned(),
            reason: "a notification".to_owned(),
        };
        self.execute(&OperatorCommand::<S>::hint(saga_id, key, by))
            .await
    }

    async fn execute<S: Travel>(&self, acts: &OperatorCommand<S>) -> Result<(), ActionRejected> {
        let context = Context {
            command_id: self.command_id(),
            deadline: Instant::now() + Duration::from_secs(5),
            metadata: Metadata::default(),
            fence: None,
        };
        match self.executor.execute(acts, &context).await {
            Ok(_) => Ok(()),
            Err(ExecuteError::Rejected { rejection, .. }) => Err(rejection),
            Err(other) => panic!("{other}"),
        }
    }

    pub async fn state<S: Travel>(&self, saga_id: &str) -> SagaState<S> {
        let state: SagaState<S> = self.aggregate(saga_id).await;
        assert_eq!(state.corruption(), None);
        state
    }

    /// An aggregate, folded from the store.
    pub async fn aggregate<A: Aggregate>(&self, id: &str) -> A {
        let mut state = A::default();
        for envelope in self.stream::<A>(id).await {
            let event = envelope.decode::<A::Event>().unwrap();
            state.evolve(&event, envelope.recorded_at);
        }
        state
    }

    async fn stream<A: Aggregate>(&self, id: &str) -> Vec<Envelope> {
        let stream = A::stream(id);
        let page = self.store.read_stream(&stream, Version::NONE, 5_000).await;
        page.unwrap().events
    }

    /// The names of a saga's events.
    pub async fn recorded<S: Travel>(&self, saga_id: &str) -> Vec<String> {
        let events = self.stream::<SagaState<S>>(saga_id).await.into_iter();
        events.map(|envelope| envelope.event_type).collect()
    }

    pub async fn events<S: Travel>(&self, saga_id: &str) -> Vec<EventOf<S>> {
        let events = self.stream::<SagaState<S>>(saga_id).await;
        let decoded = events.iter().map(|event| event.decode().unwrap());
        decoded.collect()
    }

    /// Waits until a step waits for its next try after this many.
    pub async fn tried<S: Travel>(&self, saga_id: &str, name: &str, attempts: u32) -> SagaState<S> {
        let waits = |state: &SagaState<S>| {
            let step = step(state, name);
            step.status == StepStatus::Waiting && step.attempts == attempts
        };
        self.until(saga_id, waits).await
    }

    /// Waits until a saga fulfils a condition.
    ///
    /// # Panics
    /// If it does not within an hour.
    pub async fn until<S: Travel>(
        &self,
        saga_id: &str,
        holds: impl Fn(&SagaState<S>) -> bool,
    ) -> SagaState<S> {
        let limit = Instant::now() + Duration::from_hours(1);
        loop {
            let head = self.store.head().await.unwrap();
            let state = self.state::<S>(saga_id).await;
            if holds(&state) {
                return state;
            }
            tokio::select! {
                _ = self.store.wait_for(head.next()) => {}
                () = tokio::time::sleep_until(limit) => {
                    panic!("the condition on {saga_id} was not fulfilled: {state:?}\n{:?}", self.provider.asked());
                }
            }
        }
    }

    pub async fn ended<S: Travel>(&self, saga_id: &str) -> SagaOutcome {
        let state = self
            .until::<S>(saga_id, |state| outcome(state).is_some())
            .await;
        outcome(&state).unwrap()
    }

    pub async fn suspended<S: Travel>(&self, saga_id: &str) -> SagaState<S> {
        self.until::<S>(saga_id, |state| state.run().unwrap().suspended.is_some())
            .await
    }

    /// Waits until the provider was called.
    pub async fn asked(&self, what: &str) {
        self.asked_times(what, 1).await;
    }

    pub async fn asked_times(&self, what: &str, times: usize) {
        let limit = Instant::now() + Duration::from_hours(1);
        while self.provider.count(what) < times {
            assert!(
                Instant::now() < limit,
                "{what} was not called: {:?}",
                self.provider.asked()
            );
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// How many partitions this owner holds.
    pub async fn held(&self, owner: &str, lease: Duration) -> usize {
        let leases = self.store.renew_leases(owner, lease).await.unwrap();
        let of_partitions = leases
            .iter()
            .filter(|lease| lease.name.starts_with("saga/"));
        of_partitions.count()
    }
}

pub fn outcome<S: Travel>(state: &SagaState<S>) -> Option<SagaOutcome> {
    match state.run()?.phase {
        Phase::Ended(outcome) => Some(outcome),
        Phase::Running | Phase::Compensating { .. } => None,
    }
}

/// A step of a saga, by its name.
pub fn step<S: Travel>(state: &SagaState<S>, name: &str) -> StepState {
    let run = state.run().unwrap();
    let index = run.definition_of().unwrap().position(name).unwrap();
    run.steps[index].clone()
}

pub fn gate() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(0))
}
