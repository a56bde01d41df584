//! An aggregate with a command on its stream.
//!
//! `cargo run -p rust-cqrs-event-sourcing --example aggregate`

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use event_sourcing::{
    Aggregate, Clock, CommandId, Context, DomainEvent, Executor, ExecutorConfig, MemoryEventStore,
    SystemClock,
};
use serde::{Deserialize, Serialize};

/// The events of an account.
#[derive(Clone, Debug, PartialEq, DomainEvent)]
enum AccountEvent {
    #[event(name = "Deposited")]
    Deposited(Moved),
    #[event(name = "Withdrawn")]
    Withdrawn(Moved),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Moved {
    cents: u64,
}

/// The state of an account, folded from its events.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Account {
    cents: u64,
}

impl Aggregate for Account {
    const TYPE: &'static str = "account";
    const SNAPSHOT_VERSION: u32 = 1;
    type Event = AccountEvent;

    fn evolve(&mut self, event: &AccountEvent, _at: DateTime<Utc>) {
        match event {
            AccountEvent::Deposited(moved) => self.cents += moved.cents,
            AccountEvent::Withdrawn(moved) => self.cents -= moved.cents,
        }
    }
}

#[derive(Debug, PartialEq, thiserror::Error)]
#[error("the account has {has} cents, {wants} are needed")]
struct Overdrawn {
    has: u64,
    wants: u64,
}

impl Account {
    fn withdraw(&self, cents: u64) -> Result<Vec<AccountEvent>, Overdrawn> {
        let (has, wants) = (self.cents, cents);
        if wants > has {
            return Err(Overdrawn { has, wants });
        }
        Ok(vec![AccountEvent::Withdrawn(Moved { cents })])
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let clock = Arc::new(SystemClock);
    let store = Arc::new(MemoryEventStore::new(clock.clone()));
    let (executor, tasks) = Executor::start(store, clock, ExecutorConfig::default());
    // A retry with the same id returns the first reply, so a caller without a response can retry safely.
    let context = || {
        let id = CommandId::from_parts(SystemClock.now(), rand::random());
        Context::new(id, Duration::from_secs(5))
    };
    let deposit =
        |_: &Account| Ok::<_, Overdrawn>(vec![AccountEvent::Deposited(Moved { cents: 500 })]);
    executor
        .transact("deposit", "alice", &context(), deposit)
        .await?;
    let withdraw = |account: &Account| account.withdraw(120);
    let withdrawn = executor
        .transact("withdraw", "alice", &context(), withdraw)
        .await?;
    println!(
        "{} cents at position {}",
        withdrawn.reply.cents, withdrawn.position
    );
    let too_much = |account: &Account| account.withdraw(1_000);
    let rejected = executor
        .transact("withdraw", "alice", &context(), too_much)
        .await;
    println!("{:?}", rejected.err());
    drop(executor);
    tasks.finished().await;
    Ok(())
}
