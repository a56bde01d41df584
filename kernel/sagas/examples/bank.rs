//! A bank, as the smallest whole program: an aggregate, a command over two streams, a projection, a saga, the memory
//! store.
//!
//! `cargo run -p rust-cqrs-sagas --example bank`

#[path = "bank/account.rs"]
mod account;
#[path = "bank/payout.rs"]
mod payout;

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::DateTime;
use event_sourcing::execute::{DecideError, Lane, States, UnitOfWork};
use event_sourcing::projection::{Handlers, ProjectionStore, Runner, RunnerConfig};
use event_sourcing::{
    Command, CommandId, Context, EventStore, Executor, ExecutorConfig, MemoryEventStore,
    MemoryProjectionStore, Metadata, Projection, SystemClock,
};
use parking_lot::Mutex;
use sagas::{
    EngineConfig, Failure, Key, SagaEngine, SagaState, Standing, StepProvider, Undone, started,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use account::{Account, AccountEvent, Refusal, deposit, withdraw};
use payout::{Order, Payout, Send};

// ---- Commands: one on a single stream, one on two at once.

struct Deposit {
    account: &'static str,
    cents: i64,
}

impl Command for Deposit {
    const NAME: &'static str = "deposit";
    type Rejection = Refusal;
    type Reply = i64;

    fn streams(&self) -> Vec<Lane> {
        vec![Lane::write::<Account>(self.account)]
    }

    fn decide(&self, work: &mut UnitOfWork<'_, Refusal>) -> Result<(), DecideError<Refusal>> {
        work.append::<Account>(self.account, &deposit(self.cents))
    }

    fn reply(&self, states: &States) -> Option<i64> {
        states
            .get::<Account>(self.account)
            .map(|(account, _)| account.cents)
    }
}

struct Transfer {
    from: &'static str,
    to: &'static str,
    cents: i64,
}

impl Command for Transfer {
    const NAME: &'static str = "transfer";
    type Rejection = Refusal;
    type Reply = i64;

    fn streams(&self) -> Vec<Lane> {
        vec![
            Lane::write::<Account>(self.from),
            Lane::write::<Account>(self.to),
        ]
    }

    fn decide(&self, work: &mut UnitOfWork<'_, Refusal>) -> Result<(), DecideError<Refusal>> {
        let from = work.state::<Account>(self.from)?;
        work.append::<Account>(self.from, &withdraw(&from, self.cents)?)?;
        work.append::<Account>(self.to, &deposit(self.cents))?;
        Ok(())
    }

    fn reply(&self, states: &States) -> Option<i64> {
        states
            .get::<Account>(self.from)
            .map(|(account, _)| account.cents)
    }
}

// ---- The projection: one row an account.

struct Balances;

impl Projection for Balances {
    const NAME: &'static str = "balances";
    const SCHEMA_VERSION: u32 = 1;
    type Row = i64;

    fn handlers(on: &mut Handlers<Self>) {
        on.aggregate::<Account>(|row, event, _| Some(balance(row.unwrap_or(0), event)));
    }
}

fn balance(cents: i64, event: &AccountEvent) -> i64 {
    match event {
        AccountEvent::Deposited(moved) => cents + moved.cents,
        AccountEvent::Withdrawn(moved) => cents - moved.cents,
    }
}

// ---- The saga: how it begins, and whom it calls. Its table is in `bank/payout.rs`.

struct BeginPayout {
    payout: &'static str,
    order: Order,
}

impl Command for BeginPayout {
    const NAME: &'static str = "begin_payout";
    type Rejection = Refusal;
    type Reply = ();

    fn streams(&self) -> Vec<Lane> {
        vec![Lane::create::<SagaState<Payout>>(self.payout)]
    }

    fn decide(&self, work: &mut UnitOfWork<'_, Refusal>) -> Result<(), DecideError<Refusal>> {
        let order = self.order.clone();
        let event = started::<Payout>(self.payout, &self.order.from, order, Metadata::default());
        work.append::<SagaState<Payout>>(self.payout, &[event])
    }

    fn reply(&self, _states: &States) -> Option<()> {
        Some(())
    }
}

/// Another bank. It does what it is asked for once for a key, and never after it was told to undo that; it takes no
/// more than 5,000 cents at once.
#[derive(Debug, Default)]
struct OtherBank(Mutex<BTreeMap<Key, Standing<String>>>);

#[async_trait]
impl StepProvider<Send> for OtherBank {
    async fn act(&self, key: &Key, order: &Order) -> Result<String, Failure> {
        let mut book = self.0.lock();
        let new = if order.cents > 5_000 {
            Standing::Refused("too much at once".to_owned())
        } else {
            Standing::Done(format!("receipt of {key}"))
        };
        match book.entry(key.clone()).or_insert(new) {
            Standing::Done(receipt) => Ok(receipt.clone()),
            Standing::Refused(reason) => Err(Failure::Refused(reason.clone())),
            _ => Err(Failure::Refused("it was undone".to_owned())),
        }
    }

    async fn look_up(&self, key: &Key) -> Result<Standing<String>, Failure> {
        let book = self.0.lock();
        Ok(book.get(key).cloned().unwrap_or(Standing::Absent))
    }

    async fn undo(&self, key: &Key, _order: &Order) -> Result<Undone, Failure> {
        let mut book = self.0.lock();
        let before = book.insert(key.clone(), Standing::Undone);
        Ok(Undone {
            happened: matches!(before, Some(Standing::Done(_))),
            reference: None,
            closed: true,
        })
    }
}

/// Pays out to the other bank, once what it takes and once too much, and waits for the ends.
async fn pay_out(
    executor: &Arc<Executor>,
    store: &Arc<MemoryEventStore>,
) -> Result<(), Box<dyn Error>> {
    let engine = SagaEngine::builder(
        executor.clone(),
        store.clone(),
        store.clone(),
        Arc::new(SystemClock),
        EngineConfig::new("example"),
    );
    let bank = Arc::new(OtherBank::default());
    let (engine, tasks) = engine.saga::<Payout>().provider::<Send>(bank).start()?;
    for (payout, cents, seed) in [("payout-1", 1_000, 4), ("payout-2", 5_001, 5)] {
        let order = Order {
            from: "alice".to_owned(),
            to: "carol, elsewhere".to_owned(),
            cents,
        };
        let begin = BeginPayout { payout, order };
        let started = executor.execute(&begin, &context(seed)).await?;
        engine.begun::<Payout>(payout, started.position);
        let mut after = started.position;
        let ended = loop {
            let (saga, _) = executor.load::<SagaState<Payout>>(payout).await?;
            if let Some(run) = saga.run().filter(|run| !run.is_active()) {
                break format!("{:?}, {:?}", run.phase, run.failure);
            }
            after = store.wait_for(after.next()).await?;
        };
        println!("{payout}: {ended}");
    }
    tasks.stop().await;
    Ok(())
}

// ---- The program.

fn context(seed: u8) -> Context {
    Context {
        command_id: CommandId::from_parts(DateTime::UNIX_EPOCH, [seed; 10]),
        deadline: Instant::now() + Duration::from_secs(5),
        metadata: Metadata::default(),
        fence: None,
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let clock = Arc::new(SystemClock);
    let store = Arc::new(MemoryEventStore::new(clock.clone()));
    let (executor, tasks) =
        Executor::start(store.clone(), clock.clone(), ExecutorConfig::default());
    let executor = Arc::new(executor);

    executor
        .execute(
            &Deposit {
                account: "alice",
                cents: 10_000,
            },
            &context(1),
        )
        .await?;
    let transfer = Transfer {
        from: "alice",
        to: "bob",
        cents: 3_000,
    };
    let first = executor.execute(&transfer, &context(2)).await?;
    let again = executor.execute(&transfer, &context(2)).await?;
    println!("transferred; alice has {} cents", first.reply);
    println!(
        "the same command again: {} cents, duplicate: {}",
        again.reply, again.duplicate
    );
    let refused = Transfer {
        from: "bob",
        to: "alice",
        cents: 9_900,
    };
    if let Err(error) = executor.execute(&refused, &context(3)).await {
        println!("{error}");
    }

    pay_out(&executor, &store).await?;

    let rows = Arc::new(MemoryProjectionStore::<Balances>::default());
    let head = store.head().await?;
    let config = RunnerConfig::new("example");
    let runner = Runner::<Balances>::new(store.clone(), rows.clone(), store, config);
    let mut state = runner.state();
    let stop = CancellationToken::new();
    let running = tokio::spawn(runner.run(stop.clone()));
    state.wait_for(|state| state.position >= head).await?;
    for (account, cents) in rows.load(&["alice".to_owned(), "bob".to_owned()]).await? {
        println!("balance of {account}: {cents} cents");
    }

    stop.cancel();
    running.await?;
    drop(executor);
    tasks.finished().await;
    Ok(())
}
