//! Sagas that wait for an operator, and the resources that they cost the process that owns them.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use event_sourcing::{Filter, Position};
use sagas::names;
use serde_json::json;
use test_shop::{Connection, Operation, Process};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::Buyer;
use super::completions::Completions;
use crate::app::open_to_follow;
use crate::arguments::Options;
use crate::database::Server;
use crate::measure::once;
use crate::process::{cpu_seconds, resident_bytes};
use crate::report::{Report, Row, Target};
use crate::services::Services;

const SAGAS: u64 = 10_000;
const CUSTOMERS: usize = 64;
/// Timeout until all sagas have exhausted their retries.
const WAIT_TIMEOUT: Duration = Duration::from_mins(5);
/// Time for work after a start: acquiring the partitions, and reading each saga once.
const SETTLING: Duration = Duration::from_secs(20);
const WATCHED: Duration = Duration::from_secs(20);
const PAGE: usize = 5_000;
/// The carrier is unreachable, and the backoff between retries is short.
const NO_CARRIER: [(&str, &str); 2] = [
    ("SHIPPING_URL", "simulated://?unavailable_rate=1"),
    ("SAGA_RETRY_MAX_MS", "50"),
];

/// Cancels confirmed orders while the carrier is unreachable, until all their sagas are suspended, and compares the
/// resources of their owner with those before.
pub async fn run(options: &Options, report: &mut Report) -> Result<()> {
    let server = Server::open(options.url.as_deref()).await?;
    let count = if options.preload == 0 {
        SAGAS
    } else {
        options.preload
    };
    let services = Services::start(&server).await?;
    let orders = place(&services, count).await?;

    let services = services.restart_with(&[]).await?;
    tokio::time::sleep(SETTLING).await;
    let before = resident_bytes(owner(&services)?)?;

    let services = services.restart_with(&NO_CARRIER).await?;
    cancel(&services, orders).await?;
    suspended(&services, count).await?;

    let services = services.restart_with(&[]).await?;
    tokio::time::sleep(SETTLING).await;
    let owner = owner(&services)?;
    let each = (resident_bytes(owner)? - before) / f64::from(u32::try_from(count)?);
    let (started, busy) = (Instant::now(), cpu_seconds(owner)?);
    tokio::time::sleep(WATCHED).await;
    let percent = 100.0 * (cpu_seconds(owner)? - busy) / started.elapsed().as_secs_f64();

    let figures = once(count, owner.served_after());
    let row = Row::new(
        "suspended",
        format!("{count} suspended sagas"),
        server.layout(),
        0,
        &figures,
    )
    .bound("% of a core", percent, Target::AtMost(1.0))
    .bound("bytes each", each, Target::AtMost(2_048.0));
    report.add(&row)?;
    services.discard().await
}

/// The process that owns the sagas.
fn owner(services: &Services) -> Result<&Process> {
    let mut processes = services.system.processes();
    let owner = processes.find(|(name, _)| matches!(*name, "command-service" | "shop"));
    owner.map(|(_, process)| process).context("no owner")
}

async fn place(services: &Services, count: u64) -> Result<Vec<String>> {
    let products = services.fill_with_stock(100, 1_000_000).await?;
    let completions = Completions::follow(&services.event_store_url()).await?;
    let mut buying = JoinSet::new();
    for customer in 0..CUSTOMERS {
        let mut buyer = Buyer::connect(services, &products, &completions).await?;
        let share = (customer..usize::try_from(count)?).step_by(CUSTOMERS);
        buying.spawn(async move {
            let mut orders = Vec::new();
            for _ in share {
                orders.push(buyer.order().await?);
            }
            anyhow::Ok(orders)
        });
    }
    let mut all = Vec::new();
    while let Some(orders) = buying.join_next().await {
        all.extend(orders??);
    }
    completions.stop().await;
    Ok(all)
}

async fn cancel(services: &Services, orders: Vec<String>) -> Result<()> {
    let mut cancelling = JoinSet::new();
    let share = orders.len().div_ceil(CUSTOMERS);
    for orders in orders.chunks(share).map(<[String]>::to_vec) {
        let mut connection = Connection::open(services.gateway()?).await?;
        cancelling.spawn(async move {
            for order in orders {
                let operation =
                    Operation::new("mutation($input:CancelOrderInput!){cancelOrder(input:$input)}")
                        .with(json!({ "input": { "orderId": order, "reason": "bench" } }));
                operation.send_on(&mut connection).await?.data()?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(cancelled) = cancelling.join_next().await {
        cancelled??;
    }
    Ok(())
}

/// Waits until `count` sagas are suspended.
async fn suspended(services: &Services, count: u64) -> Result<()> {
    let store = open_to_follow(&services.event_store_url()).await?;
    let filter = Filter::of_types(&[names::SUSPENDED]);
    let all = async {
        let (mut after, mut seen) = (Position::START, 0);
        while seen < count {
            let page = store.read_all(after, &filter, PAGE).await?;
            seen += page.entries.len() as u64;
            if page.read_up_to == after {
                store.wait_for(after.next()).await?;
            }
            after = page.read_up_to;
        }
        anyhow::Ok(())
    };
    timeout(WAIT_TIMEOUT, all)
        .await
        .context("not all were suspended")?
}
