//! Load, decide, append durably: commands per second compared with one-row transactions.

use std::sync::Arc;

use anyhow::Result;
use event_sourcing::execute::ExecutorConfig;

use crate::app::{WriteSide, open_store};
use crate::arguments::Options;
use crate::database::Server;
use crate::deposit_workload::{Accounts, Depositor, open_accounts, preload};
use crate::ids::Ids;
use crate::limits::Writes;
use crate::measure::{Statistics, closed_loop};
use crate::report::{Comparison, Report, Row, Target};

const EXISTING: usize = 1_000;

/// The target of a figure with this number of clients.
fn target(limit: &Writes, case: &str, clients: usize) -> Option<Target> {
    match (limit, clients, case) {
        (Writes::Postgres(_), 64, "one hot aggregate") => Some(Target::AtLeast(1.0)),
        (Writes::Postgres(_), 64, _) => Some(Target::AtLeast(1.8)),
        (Writes::Postgres(_), 256, "new aggregates" | "existing aggregates") => {
            Some(Target::AtLeast(0.6))
        }
        (Writes::Sqlite(_), 64, _) => Some(Target::AtLeast(4.0)),
        _ => None,
    }
}

/// Measures every case with each number of clients, between two measurements of the limit.
pub async fn run(options: &Options, report: &mut Report) -> Result<()> {
    let server = Server::open(options.url.as_deref()).await?;
    let limit_database = server.database().await?;
    let limit = Writes::create(&server, &limit_database.url, options.preload).await?;
    let database = server.database().await?;
    let store = open_store(&database.url).await?;
    let side = WriteSide::start(store, ExecutorConfig::default());
    preload(&side.executor, options.preload).await?;
    let cases = [
        ("new aggregates", Accounts::New),
        (
            "existing aggregates",
            Accounts::Known(open_accounts(&side.executor, EXISTING, 1).await?),
        ),
        (
            "one hot aggregate",
            Accounts::Known(open_accounts(&side.executor, 1, 1).await?),
        ),
    ];
    for clients in options.clients_or(&[1, 16, 64, 256]) {
        let mut before = limit.measure(clients, options.duration()).await?;
        for (case, accounts) in &cases {
            let clients_of_case = (0..clients).map(|_| Depositor {
                executor: Arc::clone(&side.executor),
                ids: Ids::new(),
                accounts: accounts.clone(),
            });
            let figures = closed_loop(clients_of_case.collect(), options.duration()).await?;
            let after = limit.measure(clients, options.duration()).await?;
            let row = Row::new("append", *case, server.engine(), clients, &figures);
            let compared = compare(&limit, case, clients, [&figures, &before, &after]);
            report.add(&row.compared_to(compared))?;
            before = after;
        }
    }
    side.finish().await;
    database.discard().await?;
    limit_database.discard().await
}

/// One client is compared by its latency, several by their rate.
fn compare(limit: &Writes, case: &str, clients: usize, figures: [&Statistics; 3]) -> Comparison {
    let name = limit.name(clients);
    if clients == 1 {
        let [ours, before, after] = figures.map(|figures| figures.p50_ms);
        let target = matches!(limit, Writes::Postgres(_)).then_some(Target::AtMost(1.6));
        return Comparison::new(&format!("p50 of a {name}"), ours, before, after, target);
    }
    let [ours, before, after] = figures.map(|figures| figures.per_second);
    Comparison::new(name, ours, before, after, target(limit, case, clients))
}
