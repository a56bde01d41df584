//! What the processes take at rest, and how fast they start on existing data.

use std::time::Duration;

use anyhow::Result;
use test_shop::System;

use crate::arguments::Options;
use crate::database::Server;
use crate::limits::PRODUCTS;
use crate::measure::once;
use crate::process::resident_bytes;
use crate::report::{Report, Row, Target};
use crate::services::Services;

/// Time for what runs after the start: probes, the projections' first look.
const SETTLING: Duration = Duration::from_secs(2);
const SERVICE_MEGABYTES: f64 = 40.0;
const SHOP_MEGABYTES: f64 = 150.0;

/// Fills the processes, measures them, starts them again, and measures them idle.
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
    measure(&services.system, "started again", report)?;
    services.discard().await
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
