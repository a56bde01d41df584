//! A saga: money leaves an account here and arrives at another bank, or is paid back.
//!
//! `cargo run -p rust-cqrs-sagas --example saga`

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use event_sourcing::execute::Lane;
use event_sourcing::{
    Aggregate, Clock, CommandId, Context, DomainEvent, EventStore, Executor, ExecutorConfig,
    MemoryEventStore, Metadata, SystemClock,
};
use sagas::{
    CallError, CompensationResult, EngineConfig, ExternalStep, OperationKey, OperationStatus, Role,
    Run, Saga, SagaDefinition, SagaEngine, SagaState, Step, StepProvider, Writes, started,
};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize, DomainEvent)]
#[event(name = "Moved")]
struct Moved(i64);

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Account(i64);

impl Aggregate for Account {
    const TYPE: &'static str = "account";
    const SNAPSHOT_VERSION: u32 = 1;
    type Event = Moved;

    fn evolve(&mut self, event: &Moved, _: DateTime<Utc>) {
        self.0 += event.0;
    }
}

/// Pays an amount in cents from alice's account to another bank.
#[derive(Clone, Debug)]
struct Payout;

impl Saga for Payout {
    const NAME: &'static str = "payout";
    const STREAM: &'static str = "payout_saga";
    type Data = i64;
    const DEFINITIONS: &'static [SagaDefinition<Self>] = &[SagaDefinition::new(
        1,
        &[&[WITHDRAW], &[Step::external::<Send>()]],
    )];
}

const WITHDRAW: Step<Payout> =
    Step::<Payout>::local("withdraw", Role::Compensatable, |cents, _| {
        Ok(Writes::none().and::<Account>("alice", vec![Moved(-cents)]))
    })
    .undone_by(|cents, _| Ok(Writes::none().and::<Account>("alice", vec![Moved(*cents)])))
    .writing(|_| vec![Lane::write::<Account>("alice")]);

/// Sends the money to the other bank.
struct Send;

impl ExternalStep for Send {
    const NAME: &'static str = "send";
    type Saga = Payout;
    type Request = i64;
    type Response = String;

    fn request(cents: &i64) -> i64 {
        *cents
    }
}

/// Accepts at most 5,000 cents at once. A real provider stores its keys, and executes an action once for its key.
#[derive(Debug)]
struct OtherBank;

#[async_trait]
impl StepProvider<Send> for OtherBank {
    async fn act(&self, key: &OperationKey, cents: &i64) -> Result<String, CallError> {
        let declined = (*cents > 5_000).then(|| CallError::declined("too much at once"));
        declined.map_or_else(|| Ok(format!("receipt of {key}")), Err)
    }

    async fn look_up(&self, _: &OperationKey) -> Result<OperationStatus<String>, CallError> {
        Ok(OperationStatus::Absent)
    }

    async fn undo(&self, _: &OperationKey, _: &i64) -> Result<CompensationResult, CallError> {
        Ok(CompensationResult::NOTHING)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let clock = Arc::new(SystemClock);
    let log = Arc::new(MemoryEventStore::new(clock.clone()));
    let (executor, _tasks) = Executor::start(log.clone(), clock.clone(), ExecutorConfig::default());
    let (executor, config) = (Arc::new(executor), EngineConfig::new("example"));
    let engine = SagaEngine::builder(executor.clone(), log.clone(), log.clone(), clock, config);
    let engine = engine
        .saga::<Payout>()
        .provider::<Send>(Arc::new(OtherBank));
    let (engine, running) = engine.start()?;
    for (id, cents) in [("payout-1", 1_000), ("payout-2", 5_001)] {
        let command = CommandId::from_parts(SystemClock.now(), rand::random());
        let context = Context::new(command, Duration::from_secs(5));
        let started = started::<Payout>(id, "alice", cents, Metadata::default());
        let begin = |_: &SagaState<Payout>| Ok::<_, String>(vec![started.clone()]);
        let mut at = executor
            .transact("pay_out", id, &context, begin)
            .await?
            .position;
        engine.on_started::<Payout>(id, at);
        let is_active = |saga: &SagaState<Payout>| saga.run().is_some_and(Run::is_active);
        while is_active(&executor.load(id).await?.0) {
            at = log.wait_for(at.next()).await?;
        }
        let alice = executor.load::<Account>("alice").await?.0;
        println!("{id}: alice has {} cents", alice.0);
    }
    running.stop().await;
    Ok(())
}
