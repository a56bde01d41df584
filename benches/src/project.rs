//! Rebuilds a projection: the kernel's runner on SQL tables, compared with a hand-written program.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, bail};
use event_sourcing::execute::ExecutorConfig;
use event_sourcing::projection::{EventContext, Handlers};
use event_sourcing::projection::{Runner, RunnerConfig};
use event_sourcing::{Clock, EventStore, Position, Projection, SystemClock};
use read_model_sql::{Database, SqlLeaseStore, SqlProjectionStore, TableProjection};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::account::{Account, Deposited};
use crate::app::{WriteSide, open_store};
use crate::arguments::Options;
use crate::database::Server;
use crate::deposit_workload::open_accounts;
use crate::limits::rebuild;
use crate::measure::{Statistics, once};
use crate::report::{Comparison, Report, Row, Target};

const ACCOUNTS: usize = 1_000;
const EVENTS: u64 = 200_000;
const POOL: u32 = 4;

/// A row for each account.
#[derive(Debug)]
struct Accounts;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct AccountRow {
    id: String,
    balance_cents: i64,
    deposits: i64,
    version: i64,
}

impl TableProjection for Accounts {
    const DDL: &'static str = "CREATE TABLE {table} (
        id {text} PRIMARY KEY, balance_cents bigint NOT NULL, deposits bigint NOT NULL, version bigint NOT NULL
    )";

    fn key(row: &AccountRow) -> &str {
        &row.id
    }
}

impl Projection for Accounts {
    const NAME: &'static str = "bench_accounts";
    const SCHEMA_VERSION: u32 = 1;
    type Row = AccountRow;

    fn handlers(on: &mut Handlers<Self>) {
        on.aggregate::<Account>(|row, event, context| Some(fold(row, event, context)))
            .keyed_by(|event, _| [event.account.clone()]);
    }
}

fn fold(row: Option<AccountRow>, event: &Deposited, context: EventContext<'_>) -> AccountRow {
    let mut row = row.unwrap_or_else(|| AccountRow {
        id: context.key.to_owned(),
        balance_cents: 0,
        deposits: 0,
        version: 0,
    });
    row.balance_cents += event.amount_cents;
    row.deposits += 1;
    row.version = context.stream_version();
    row
}

/// Fills a log, rebuilds a new read model from it, and runs the hand-written program before and after.
pub async fn run(options: &Options, report: &mut Report) -> Result<()> {
    let server = Server::open(options.url.as_deref()).await?;
    let log = server.database().await?;
    let store = open_store(&log.url).await?;
    let events = options.preload.max(EVENTS);
    let side = WriteSide::start(store, ExecutorConfig::default());
    let each = usize::try_from(events)? / ACCOUNTS;
    open_accounts(&side.executor, ACCOUNTS, each).await?;
    let head = side.store.head().await?;

    let baseline = server.database().await?;
    let before = baseline_or_none(&server, &log.url, &baseline.url).await?;
    let rows = server.database().await?;
    let figures = with_runner(Arc::clone(&side.store), &rows.url, head).await?;
    let after = baseline_or_none(&server, &log.url, &baseline.url).await?;
    let case = format!("{} events, {ACCOUNTS} rows", head.0);
    let mut row = Row::new("project", case, server.engine(), 1, &figures);
    if let (Some(before), Some(after)) = (before, after) {
        let [ours, before, after] = [&figures, &before, &after].map(|figures| figures.per_second);
        let target = Some(Target::AtLeast(0.6));
        row = row.compared_to(Comparison::new(
            "hand-written pages",
            ours,
            before,
            after,
            target,
        ));
    }
    report.add(&row)?;
    side.finish().await;
    for database in [rows, baseline, log] {
        database.discard().await?;
    }
    Ok(())
}

/// The hand-written program is for PostgreSQL.
async fn baseline_or_none(server: &Server, log: &str, rows: &str) -> Result<Option<Statistics>> {
    if server.is_postgres() {
        Ok(Some(rebuild(log, rows).await?))
    } else {
        Ok(None)
    }
}

async fn with_runner(log: Arc<dyn EventStore>, url: &str, head: Position) -> Result<Statistics> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let database = Database::open(url, POOL, clock).await?;
    let rows = Arc::new(SqlProjectionStore::<Accounts>::open(database.clone()).await?);
    let leases = Arc::new(SqlLeaseStore::new(database.clone()));
    let start = Instant::now();
    let runner = Runner::<Accounts>::new(log, rows, leases, RunnerConfig::new("bench"));
    let mut state = runner.state();
    let stop = CancellationToken::new();
    let running = tokio::spawn(runner.run(stop.clone()));
    let reached = state
        .wait_for(|state| state.position >= head || state.parked.is_some())
        .await?
        .clone();
    let elapsed = start.elapsed();
    stop.cancel();
    running.await?;
    database.close().await;
    match reached.parked {
        Some(parked) => bail!("the projection parked: {}", parked.reason),
        None => Ok(once(head.0, elapsed)),
    }
}
