//! Upgrades and downgrades the schema versions of projections under load: the present and the next read side run
//! concurrently, the next one is killed half-way through its build, and all rows of both equal those of a fresh build.
//!
//! On PostgreSQL only: a SQLite read model belongs to one process; for it, the kernel tests two versions.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use contract::query::Empty;
use contract::query::category_query_client::CategoryQueryClient;
use contract::status::Reason;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use test_shop::{Operation, Process, Start, Store, until_within};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tonic::transport::Endpoint;

use super::load::{Counts, Load};
use crate::support::{Shop, Topology, binaries, long, on, report};

/// The query-service of the next version, which Cargo builds with this test.
const NEXT: &str = env!("CARGO_BIN_EXE_query-service-next");
const WRITERS: usize = 12;
/// Events appended before the upgrade, so that a build takes a while: in the short and the long version.
const EVENTS: (i64, i64) = (30_000, 1_000_000);
/// Acknowledged operations in each phase.
const BETWEEN: (u64, u64) = (150, 6_000);
const MIN_READS: u64 = 20;
const SETTLE_TIMEOUT: Duration = Duration::from_mins(3);
const LISTENERS: [&str; 2] = ["QUERY_GRPC_ADDR", "QUERY_METRICS_ADDR"];

const FILL: &str = "
    WITH one AS (SELECT * FROM events WHERE event_type = 'CategoryCreated' LIMIT 1),
         head AS (SELECT max(id) AS id FROM events)
    INSERT INTO events (id, aggregate_type, aggregate_id, event_type, event_data, event_metadata, event_version,
                        created_at, event_id, command_id, schema_version)
    SELECT head.id + n, aggregate_type, 'bulk-' || n, event_type,
           event_data || jsonb_build_object('category_id', 'bulk-' || n, 'name', 'Bulk ' || n),
           event_metadata, 1, created_at, gen_random_uuid(), gen_random_uuid(), schema_version
    FROM generate_series(1, $1) AS n, one, head";
const GENERATIONS: &str = "
    SELECT g.projection, g.generation, g.position, g.caught_up
    FROM read_model_versions v JOIN read_model_generations g USING (projection, generation)
    ORDER BY g.projection, g.schema_version";

#[tokio::test]
async fn versions_of_the_read_side_run_together_under_load() -> Result<()> {
    on(Topology::THREE_PROCESSES, upgrade).await
}

async fn upgrade(shop: &mut Shop) -> Result<()> {
    let (events, between) = if long() {
        (EVENTS.1, BETWEEN.1)
    } else {
        (EVENTS.0, BETWEEN.0)
    };
    let Store::Postgres {
        events: log,
        query: rows,
        ..
    } = shop.system.store().clone()
    else {
        bail!("not on PostgreSQL");
    };
    shop.session()?.create_category("Template").await?;
    fill(&log, events).await?;
    let mut rows = Rows::open(&rows).await?;
    rows.at_least(Version::Present, events).await?;

    let start = Instant::now();
    let gateway = shop.system.gateway(0)?;
    let load = Load::start(&[gateway], WRITERS);
    load.wait_for_more(between).await?;
    // Upgrade: the next version starts next to the present one, is killed half-way, and continues.
    let reads = ReadingClient::start(gateway);
    let mut next = start_next(shop).await?;
    rows.half_way(events).await?;
    next.kill()?;
    next.ended().await?;
    let killed = rows.of(Version::Next).await?.swap_remove(0);
    let mut next = start_next(shop).await?;
    let building = rejected_as_building(&next).await?;
    rows.caught_up().await?;
    let built = rows.of(Version::Next).await?.swap_remove(0);
    let answered = reads.finish().await?;
    load.wait_for_more(between).await?;
    // Downgrade: the present version starts next to the next one.
    shop.system.kill_one("query-service", 0).await?;
    load.wait_for_more(between).await?;
    shop.system.start_again().await?;
    load.wait_for_more(between).await?;
    let counts = Counts::of(&load.finish().await?);
    let took = start.elapsed();

    let head = shop.head().await?;
    let compared = compare(&mut rows, &log, head).await?;
    report(&format!(
        "upgrade under load: {} ok, {} failed, {} unknown in {took:.1?} ({:.0} a second); killed at {} of \
         {events}; {answered} reads answered by the present version meanwhile, {building} \
         rejected by the next one; {compared} rows compared",
        counts.ok,
        counts.failed,
        counts.unknown,
        f64::from(u32::try_from(counts.ok)?) / took.as_secs_f64(),
        killed.position,
    ));
    ensure!(counts.ok as u64 >= 4 * between, "only {} writes", counts.ok);
    ensure!(
        killed.position > 0 && killed.caught_up == 0 && built.number == killed.number,
        "it was not killed half-way, or did not continue its build"
    );
    ensure!(answered >= MIN_READS, "only {answered} reads were answered");
    ensure!(building > 0, "no read was rejected as building");
    ensure!(
        i64::try_from(compared)? >= 2 * events,
        "only {compared} rows compared"
    );
    ensure!(next.terminate().await?.success(), "{}", next.log());
    Ok(())
}

/// Appends many events in one transaction.
async fn fill(log: &str, events: i64) -> Result<()> {
    let mut connection = PgConnection::connect(log).await?;
    let mut transaction = connection.begin().await?;
    sqlx::raw_sql("SELECT FROM event_log_lock FOR UPDATE")
        .execute(&mut *transaction)
        .await?;
    sqlx::query(FILL)
        .bind(events)
        .execute(&mut *transaction)
        .await
        .context("fill the log")?;
    transaction.commit().await?;
    connection.close().await?;
    Ok(())
}

async fn start_next(shop: &Shop) -> Result<Process> {
    let Store::Postgres { events, query, .. } = shop.system.store() else {
        bail!("not on PostgreSQL");
    };
    start(Path::new(NEXT), events, query).await
}

async fn start(binary: &Path, events: &str, query: &str) -> Result<Process> {
    let variables = [("EVENT_STORE_URL", events), ("QUERY_DATABASE_URL", query)];
    let start = Start::listening(&LISTENERS).with(variables);
    Process::serve(binary, &start).await
}

/// Queries the next version until it answers, which it does once it has caught up. Returns how often it rejected a read as
/// building; any other error fails the test.
async fn rejected_as_building(next: &Process) -> Result<u64> {
    let address = next.address(LISTENERS[0])?;
    let channel = Endpoint::from_shared(format!("http://{address}"))?
        .connect()
        .await?;
    let mut categories = CategoryQueryClient::new(channel);
    let mut rejected = 0;
    let deadline = Instant::now() + SETTLE_TIMEOUT;
    while let Err(status) = categories.get_category_statistics(Empty {}).await {
        ensure!(
            Reason::of(&status) == Some(Reason::ReadSideBuilding),
            "{status}"
        );
        ensure!(Instant::now() < deadline, "the build does not finish");
        rejected += 1;
    }
    Ok(rejected)
}

/// A client that reads from the present version, through the gateway, until [`Self::finish`] is called.
struct ReadingClient {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
    task: JoinHandle<Result<()>>,
}

impl ReadingClient {
    fn start(gateway: std::net::SocketAddr) -> Self {
        let (stop, answered) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicU64::new(0)),
        );
        let (stopped, count) = (Arc::clone(&stop), Arc::clone(&answered));
        let task = tokio::spawn(async move {
            while !stopped.load(Ordering::Relaxed) {
                let read = Operation::new("{ categoryStatistics { totalCount } }");
                read.data(gateway).await?;
                count.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        });
        Self {
            stop,
            answered,
            task,
        }
    }

    async fn finish(self) -> Result<u64> {
        self.stop.store(true, Ordering::Relaxed);
        self.task.await?.context("a read of the present version")?;
        Ok(self.answered.load(Ordering::Relaxed))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    Present,
    Next,
}

struct Generation {
    projection: String,
    number: i64,
    position: i64,
    caught_up: i64,
}

struct Rows(PgConnection);

impl Rows {
    async fn open(url: &str) -> Result<Self> {
        Ok(Self(PgConnection::connect(url).await?))
    }

    /// The generations of a version: the lower one of each projection is the present, the higher one the next.
    async fn of(&mut self, version: Version) -> Result<Vec<Generation>> {
        let mut of: BTreeMap<String, Vec<Generation>> = BTreeMap::new();
        let all: Vec<(String, i64, i64, i64)> =
            sqlx::query_as(GENERATIONS).fetch_all(&mut self.0).await?;
        for (projection, generation, position, caught_up) in all {
            of.entry(projection.clone()).or_default().push(Generation {
                projection,
                number: generation,
                position,
                caught_up,
            });
        }
        let index = usize::from(version == Version::Next);
        let found = of
            .into_values()
            .filter_map(|mut all| (all.len() > index).then(|| all.swap_remove(index)));
        Ok(found.collect())
    }

    async fn at_least(&mut self, version: Version, position: i64) -> Result<()> {
        until_within(SETTLE_TIMEOUT, "the read side", async || {
            let all = self.of(version).await?;
            let are_there = all.iter().all(|one| one.position >= position);
            ensure!(all.len() == 4 && are_there, "it lags");
            Ok(())
        })
        .await
    }

    /// Waits until the next version has built a part of its rows.
    async fn half_way(&mut self, events: i64) -> Result<()> {
        until_within(SETTLE_TIMEOUT, "half a build", async || {
            let all = self.of(Version::Next).await?;
            let one = all.first().context("no generation yet")?;
            ensure!(one.position > 0, "nothing is built yet");
            if one.position >= events {
                bail!("the build finished before it could be killed");
            }
            Ok(())
        })
        .await
    }

    async fn caught_up(&mut self) -> Result<()> {
        until_within(SETTLE_TIMEOUT, "the next version", async || {
            let all = self.of(Version::Next).await?;
            let are_built = all.iter().all(|one| one.caught_up == 1);
            ensure!(all.len() == 4 && are_built, "it is being built");
            Ok(())
        })
        .await
    }

    /// Every row of a table as text.
    async fn all(&mut self, table: &str) -> Result<Vec<String>> {
        let sql = format!("SELECT CAST(t AS text) FROM {table} AS t ORDER BY id");
        let rows: Vec<(String,)> = sqlx::query_as(AssertSqlSafe(sql))
            .fetch_all(&mut self.0)
            .await?;
        Ok(rows.into_iter().map(|(row,)| row).collect())
    }
}

/// Compares the tables of both versions with a build on a fresh database. Returns the number of rows.
async fn compare(rows: &mut Rows, log: &str, head: i64) -> Result<usize> {
    let database = test_postgres::database().await;
    let present = binaries().await?.path("query-service")?;
    let mut build = start(present, log, &database.url).await?;
    let mut fresh = Rows::open(&database.url).await?;
    fresh.at_least(Version::Present, head).await?;
    rows.at_least(Version::Present, head).await?;
    rows.at_least(Version::Next, head).await?;
    let mut compared = 0;
    for expected in fresh.of(Version::Present).await? {
        let name = &expected.projection;
        let expected = fresh.all(&format!("{name}_g{}", expected.number)).await?;
        for version in [Version::Present, Version::Next] {
            let all = rows.of(version).await?;
            let found = all.iter().find(|one| one.projection == *name);
            let found = found.with_context(|| format!("no generation of {name}"))?;
            let table = format!("{name}_g{}", found.number);
            let found = rows.all(&table).await?;
            let differing = expected
                .iter()
                .zip(&found)
                .find(|(one, other)| one != other);
            ensure!(differing.is_none(), "{table}: {differing:?}");
            ensure!(
                expected.len() == found.len(),
                "{table}: {} rows, a fresh build has {}",
                found.len(),
                expected.len()
            );
            compared += found.len();
        }
    }
    ensure!(build.terminate().await?.success(), "{}", build.log());
    Ok(compared)
}
