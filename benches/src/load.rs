//! Loads aggregates from the cache, from a snapshot, and from all of their events.

use std::sync::Arc;

use anyhow::{Result, bail};
use event_sourcing::execute::{Executor, ExecutorConfig};

use crate::account::Account;
use crate::app::{WriteSide, open_store};
use crate::arguments::Options;
use crate::database::Server;
use crate::deposit_workload::{open_accounts, preload};
use crate::measure::{Client, Statistics, closed_loop};
use crate::report::{Comparison, Report, Row, Target};

/// The last one is half way between two snapshots.
const SIZES: [usize; 4] = [1, 100, 10_000, 10_050];
/// More accounts than the small cache has room for, so that each load is a cache miss.
const ROTATING: usize = 4;

struct Loader {
    executor: Arc<Executor>,
    accounts: Arc<Vec<String>>,
    next: usize,
    events: u64,
}

impl Client for Loader {
    async fn operate(&mut self) -> Result<u64> {
        self.next = (self.next + 1) % self.accounts.len();
        let (account, _) = self
            .executor
            .load::<Account>(&self.accounts[self.next])
            .await?;
        if account.deposits != self.events {
            bail!(
                "an account has {} deposits, not {}",
                account.deposits,
                self.events
            );
        }
        Ok(1)
    }
}

/// One client loads accounts of each size in each cache mode.
pub async fn run(options: &Options, report: &mut Report) -> Result<()> {
    let server = Server::open(options.url.as_deref()).await?;
    let database = server.database().await?;
    let store = open_store(&database.url).await?;
    let filler = WriteSide::start(Arc::clone(&store), ExecutorConfig::default());
    preload(&filler.executor, options.preload).await?;
    filler.finish().await;
    for (mode, writing, reading) in cache_modes() {
        let mut of_one_event: Option<Statistics> = None;
        for events in SIZES {
            let writer = WriteSide::start(Arc::clone(&store), writing.clone());
            let accounts = open_accounts(&writer.executor, ROTATING, events).await?;
            writer.finish().await;
            let reader = WriteSide::start(Arc::clone(&store), reading.clone());
            let loader = Loader {
                executor: Arc::clone(&reader.executor),
                accounts,
                next: 0,
                events: events as u64,
            };
            let figures = closed_loop(vec![loader], options.duration()).await?;
            reader.finish().await;
            let case = format!("{events} events, {mode}");
            let mut row = Row::new("load", case, server.engine(), 1, &figures);
            if let Some(one) = &of_one_event {
                let target =
                    (mode == "snapshotted" && events == 10_000).then_some(Target::AtMost(2.0));
                let p50 = one.p50_ms;
                row = row.compared_to(Comparison::new(
                    "p50 of 1 event",
                    figures.p50_ms,
                    p50,
                    p50,
                    target,
                ));
            }
            report.add(&row)?;
            of_one_event.get_or_insert(figures);
        }
    }
    database.discard().await
}

/// The configurations for writing and for loading accounts.
fn cache_modes() -> [(&'static str, ExecutorConfig, ExecutorConfig); 3] {
    let default = ExecutorConfig::default();
    let without_cache = ExecutorConfig {
        cached_streams: 1,
        ..default.clone()
    };
    let without_either = ExecutorConfig {
        snapshot_every: u64::MAX,
        ..without_cache.clone()
    };
    [
        ("cached", default.clone(), default.clone()),
        ("snapshotted", default, without_cache),
        ("cold", without_either.clone(), without_either),
    ]
}
