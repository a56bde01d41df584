//! A projection and an event handler on the log: `cargo run -p rust-cqrs-event-sourcing --example projection`

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use event_sourcing::handler::{
    Delivery, HandlerConfig, HandlerError, HandlerParts, HandlerRunner, Reactions, Start,
};
use event_sourcing::projection::{Handlers, ProjectionStore, Runner, RunnerConfig};
use event_sourcing::{
    Aggregate, Clock, CommandId, Context, DomainEvent, EventHandler, Executor, ExecutorConfig,
    MemoryEventStore, MemoryHandlerStore, MemoryProjectionStore, Projection, SystemClock,
};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

#[derive(Clone, Debug, Serialize, Deserialize, DomainEvent)]
#[event(name = "Deposited")]
struct Deposited {
    cents: u64,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Account {}

impl Aggregate for Account {
    const TYPE: &'static str = "account";
    const SNAPSHOT_VERSION: u32 = 1;
    type Event = Deposited;

    fn evolve(&mut self, _: &Deposited, _: DateTime<Utc>) {}
}

/// One row per account, with its balance.
struct Balances;

impl Projection for Balances {
    const NAME: &'static str = "balances";
    const SCHEMA_VERSION: u32 = 1;
    type Row = u64;

    fn handlers(on: &mut Handlers<Self>) {
        on.aggregate::<Account>(|row, event, _| Some(row.unwrap_or(0) + event.cents));
    }
}

/// Sends thanks for each deposit, at least once, in order per account.
struct Thanks;

impl EventHandler for Thanks {
    const NAME: &'static str = "thanks";
    const START: Start = Start::Beginning;

    fn reactions(&self, on: &mut Reactions<Self>) {
        on.aggregate::<Account>(Self::on_account);
    }
}

impl Thanks {
    async fn on_account(&self, event: &Deposited, of: Delivery<'_>) -> Result<(), HandlerError> {
        // A real handler calls the receiver here, which deduplicates by the key.
        tokio::task::yield_now().await;
        println!("{}: thanks for {} cents", of.idempotency_key(), event.cents);
        Ok(())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let (clock, stop) = (Arc::new(SystemClock), CancellationToken::new());
    let log = Arc::new(MemoryEventStore::new(clock.clone()));
    let rows = Arc::new(MemoryProjectionStore::<Balances>::default());
    let shown: Arc<dyn ProjectionStore<Balances>> = rows.clone();
    let projection = Runner::new(
        log.clone(),
        shown,
        log.clone(),
        RunnerConfig::new("example"),
    );
    let parts = HandlerParts::new(
        log.clone(),
        log.clone(),
        Arc::<MemoryHandlerStore>::default(),
    );
    let handler = HandlerRunner::new(Thanks, parts, HandlerConfig::new("example"));
    let (mut folded, mut thanked) = (projection.state(), handler.state());
    let work = async {
        let _stops = stop.clone().drop_guard();
        let (executor, _tasks) = Executor::start(log, clock, ExecutorConfig::default());
        for account in ["alice", "bob", "alice"] {
            let id = CommandId::from_parts(SystemClock.now(), rand::random());
            let context = Context::new(id, Duration::from_secs(5));
            let deposit = |_: &Account| Ok::<_, String>(vec![Deposited { cents: 500 }]);
            executor
                .transact("deposit", account, &context, deposit)
                .await?;
        }
        folded.wait_for(|state| state.position.0 == 3).await?;
        thanked.wait_for(|state| state.position.0 == 3).await?;
        println!("{:?}", rows.rows());
        Ok(())
    };
    tokio::join!(
        work,
        projection.run(stop.clone()),
        handler.run(stop.clone())
    )
    .0
}
