//! A bank, as the smallest whole program: an aggregate, a command over two streams, a projection, the memory store.
//!
//! `cargo run -p event-sourcing --example bank`

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use event_sourcing::execute::{Lane, States, Stop, Work};
use event_sourcing::projection::{
    FoldError, PageWrite, Progress, ProjectionStore, Runner, RunnerConfig,
};
use event_sourcing::{
    Aggregate, Command, CommandId, Context, DecodeError, DomainEvent, EncodedEvent, Envelope,
    Executor, ExecutorConfig, Filter, MemoryEventStore, Metadata, Position, Projection, StoreError,
    SystemClock, Token, aggregate, upcast,
};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

// ---- The aggregate: a state, its events, and pure decisions.

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Account {
    cents: i64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum AccountEvent {
    Deposited { deposited: i64 },
    Withdrawn { withdrawn: i64 },
}

impl DomainEvent for AccountEvent {
    fn encode(&self) -> EncodedEvent {
        let (event_type, key, cents) = match self {
            Self::Deposited { deposited } => ("Deposited", "deposited", deposited),
            Self::Withdrawn { withdrawn } => ("Withdrawn", "withdrawn", withdrawn),
        };
        EncodedEvent {
            event_type,
            schema_version: 1,
            data: format!("{{\"{key}\":{cents}}}"),
        }
    }

    fn decode(event_type: &str, version: u32, data: &str) -> Result<Self, DecodeError> {
        upcast::read(event_type, version, data, &[])
    }
}

impl Aggregate for Account {
    const TYPE: &'static str = "account";
    const SNAPSHOT_VERSION: u32 = 1;
    type Event = AccountEvent;

    fn evolve(&mut self, event: &AccountEvent, _at: DateTime<Utc>) {
        match event {
            AccountEvent::Deposited { deposited } => self.cents += deposited,
            AccountEvent::Withdrawn { withdrawn } => self.cents -= withdrawn,
        }
    }
}

#[derive(Debug, PartialEq)]
enum Refusal {
    Overdrawn { cents: i64 },
}

fn withdraw(account: &Account, cents: i64) -> Result<Vec<AccountEvent>, Refusal> {
    if account.cents < cents {
        return Err(Refusal::Overdrawn {
            cents: account.cents,
        });
    }
    Ok(vec![AccountEvent::Withdrawn { withdrawn: cents }])
}

fn deposit(cents: i64) -> Vec<AccountEvent> {
    vec![AccountEvent::Deposited { deposited: cents }]
}

// ---- Commands: one on a single stream, one on two at once.

struct Deposit {
    account: &'static str,
    cents: i64,
}

impl Command for Deposit {
    type Refusal = Refusal;
    type Answer = i64;
    const FIRST_EVENTS: &'static [&'static str] = &["Deposited"];

    fn lanes(&self) -> Vec<Lane> {
        vec![Lane::write::<Account>(self.account)]
    }

    fn decide(&self, work: &mut Work) -> Result<(), Stop<Refusal>> {
        Ok(work.append::<Account>(self.account, &deposit(self.cents))?)
    }

    fn answer(&self, states: &States) -> Option<i64> {
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
    type Refusal = Refusal;
    type Answer = i64;
    const FIRST_EVENTS: &'static [&'static str] = &["Withdrawn"];

    fn lanes(&self) -> Vec<Lane> {
        vec![
            Lane::write::<Account>(self.from),
            Lane::write::<Account>(self.to),
        ]
    }

    fn decide(&self, work: &mut Work) -> Result<(), Stop<Refusal>> {
        let from = work.state::<Account>(self.from)?;
        work.append::<Account>(
            self.from,
            &withdraw(&from, self.cents).map_err(Stop::refuse)?,
        )?;
        work.append::<Account>(self.to, &deposit(self.cents))?;
        Ok(())
    }

    fn answer(&self, states: &States) -> Option<i64> {
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
    type Key = String;
    type Row = i64;
    type Event = AccountEvent;

    fn filter(&self) -> Filter {
        Filter::of_types(&["Deposited", "Withdrawn"])
    }

    fn decode(&self, envelope: &Envelope) -> Result<AccountEvent, DecodeError> {
        aggregate::decode(envelope)
    }

    fn keys(&self, _event: &AccountEvent, envelope: &Envelope) -> Vec<String> {
        vec![envelope.stream.aggregate_id().to_owned()]
    }

    fn fold(
        &self,
        _key: &String,
        row: Option<i64>,
        event: &AccountEvent,
        _envelope: &Envelope,
    ) -> Result<Option<i64>, FoldError> {
        Ok(Some(match event {
            AccountEvent::Deposited { deposited } => row.unwrap_or(0) + deposited,
            AccountEvent::Withdrawn { withdrawn } => row.unwrap_or(0) - withdrawn,
        }))
    }
}

/// Rows and checkpoint behind one lock: written together, as the runner requires.
#[derive(Default)]
struct MemoryRows(Mutex<(HashMap<String, i64>, Position, Option<Token>)>);

#[async_trait]
impl ProjectionStore<Balances> for MemoryRows {
    async fn begin(&self, token: Token) -> Result<Option<Progress>, StoreError> {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if table.2.is_some_and(|present| present > token) {
            return Ok(None);
        }
        table.2 = Some(token);
        Ok(Some(Progress {
            position: table.1,
            parked: None,
            skips: Vec::new(),
        }))
    }

    async fn load(&self, keys: &[String]) -> Result<Vec<(String, i64)>, StoreError> {
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(keys
            .iter()
            .filter_map(|key| Some((key.clone(), *table.0.get(key)?)))
            .collect())
    }

    async fn write(&self, page: PageWrite<String, i64>) -> Result<bool, StoreError> {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if table.1 != page.from || table.2 != Some(page.token) {
            return Ok(false);
        }
        for (key, row) in page.changes {
            match row {
                Some(cents) => table.0.insert(key, cents),
                None => table.0.remove(&key),
            };
        }
        table.1 = page.through;
        Ok(true)
    }
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
    println!("transferred; alice has {} cents", first.answer);
    println!(
        "the same command again: {} cents, duplicate: {}",
        again.answer, again.duplicate
    );
    let refused = Transfer {
        from: "bob",
        to: "alice",
        cents: 9_900,
    };
    if let Err(error) = executor.execute(&refused, &context(3)).await {
        println!("{error}");
    }

    let rows = Arc::new(MemoryRows::default());
    let config = RunnerConfig::new("example");
    let runner = Runner::new(store.clone(), Balances, rows.clone(), store, clock, config);
    let mut state = runner.state();
    let stop = CancellationToken::new();
    let running = tokio::spawn(runner.run(stop.clone()));
    state
        .wait_for(|state| state.position >= first.position)
        .await?;
    for (account, cents) in rows.load(&["alice".to_owned(), "bob".to_owned()]).await? {
        println!("balance of {account}: {cents} cents");
    }

    stop.cancel();
    running.await?;
    drop(executor);
    tasks.finished().await;
    Ok(())
}
