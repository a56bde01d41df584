//! The resources that idle processes use, and the time to start on existing data.

use std::time::Duration;

use anyhow::Result;
use sqlx::{Connection, PgConnection};
use test_shop::{Store, System};
use tokio::time::Instant;

use crate::arguments::Options;
use crate::database::Server;
use crate::limits::PRODUCTS;
use crate::measure::once;
use crate::process::resident_bytes;
use crate::report::{Report, Row, Target};
use crate::services::Services;

/// Time for work after a start: probes, the first reads of projections.
const SETTLING: Duration = Duration::from_secs(2);
/// Long, because the server updates its statistics up to a second late.
const WATCHED: Duration = Duration::from_secs(30);
const TRANSACTIONS_PER_SECOND: f64 = 5.0;
const CONNECTIONS: f64 = 20.0;
/// Counts the services' databases, without this connection.
const TRANSACTIONS: &str = "SELECT coalesce(sum(xact_commit + xact_rollback), 0)::float8 FROM pg_stat_database \
     WHERE datname LIKE 'bench\\_%'";
const SESSIONS: &str = "SELECT count(*)::float8 FROM pg_stat_activity \
     WHERE datname LIKE 'bench\\_%' AND pid <> pg_backend_pid()";
const SERVICE_MEGABYTES: f64 = 40.0;
const SHOP_MEGABYTES: f64 = 150.0;

/// Fills the processes and measures them, then restarts them and measures them when idle.
pub async fn run(options: &Options, report: &mut Report) -> Result<()> {
    let server = Server::open(options.url.as_deref()).await?;
    let services = Services::start(&server).await?;
    let products = options.preload.max(PRODUCTS);
    services.fill(products).await?;
    tokio::time::sleep(SETTLING).await;
    measure(
        &services.system,
        &format!("after {products} products"),
        report,
    )?;
    let services = services.restart_with(&[]).await?;
    tokio::time::sleep(SETTLING).await;
    measure(&services.system, "restarted", report)?;
    if let Store::Postgres { events, .. } = services.system.store() {
        measure_server(events, report).await?;
    }
    services.discard().await
}

/// Measures the load that idle processes put on the server.
async fn measure_server(url: &str, report: &mut Report) -> Result<()> {
    let mut server = PgConnection::connect(url).await?;
    let start = Instant::now();
    let before: f64 = sqlx::query_scalar(TRANSACTIONS)
        .fetch_one(&mut server)
        .await?;
    tokio::time::sleep(WATCHED).await;
    let after: f64 = sqlx::query_scalar(TRANSACTIONS)
        .fetch_one(&mut server)
        .await?;
    let elapsed = start.elapsed();
    let sessions: f64 = sqlx::query_scalar(SESSIONS).fetch_one(&mut server).await?;
    server.close().await?;
    let per_second = (after - before) / elapsed.as_secs_f64();
    let row = Row::new("idle", "the server", "3 × pg", 0, &once(1, elapsed))
        .bound(
            "transactions per second",
            per_second,
            Target::AtMost(TRANSACTIONS_PER_SECOND),
        )
        .bound("connections", sessions, Target::AtMost(CONNECTIONS));
    Ok(report.add(&row)?)
}

fn measure(system: &System, state: &str, report: &mut Report) -> Result<()> {
    for (name, process) in system.processes() {
        let most = if name == "shop" {
            SHOP_MEGABYTES
        } else {
            SERVICE_MEGABYTES
        };
        let figures = once(1, process.served_after());
        let megabytes = resident_bytes(process)? / 1e6;
        let row = Row::new("idle", format!("{name}, {state}"), "process", 0, &figures)
            .bound("start ms", figures.p50_ms, Target::AtMost(1_000.0))
            .bound("MB", megabytes, Target::AtMost(most));
        report.add(&row)?;
    }
    Ok(())
}
