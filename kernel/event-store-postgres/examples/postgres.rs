//! Events on a server: `cargo run -p rust-cqrs-event-store-postgres --example postgres -- postgres://localhost/accounts`
//!
//! Each run adds a deposit to those of earlier runs.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use event_sourcing::{
    Aggregate, Clock, CommandId, Context, DomainEvent, Executor, ExecutorConfig, SystemClock,
};
use event_store_postgres::{PostgresEventStore, Settings};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize, DomainEvent)]
#[event(name = "Deposited")]
struct Deposited {
    cents: u64,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Account {
    cents: u64,
}

impl Aggregate for Account {
    const TYPE: &'static str = "account";
    const SNAPSHOT_VERSION: u32 = 1;
    type Event = Deposited;

    fn evolve(&mut self, event: &Deposited, _: DateTime<Utc>) {
        self.cents += event.cents;
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1).ok_or("the URL is missing")?;
    let clock = Arc::new(SystemClock);
    let settings = Settings::default();
    let store = Arc::new(PostgresEventStore::connect(&url, settings).await?);
    let (executor, tasks) = Executor::start(store.clone(), clock, ExecutorConfig::default());
    let id = CommandId::from_parts(SystemClock.now(), rand::random());
    let context = Context::new(id, Duration::from_secs(5));
    let deposit = |_: &Account| Ok::<_, String>(vec![Deposited { cents: 500 }]);
    let done = executor
        .transact("deposit", "alice", &context, deposit)
        .await?;
    println!("{} cents at position {}", done.reply.cents, done.position);
    drop(executor);
    tasks.finished().await;
    store.close().await;
    Ok(())
}
