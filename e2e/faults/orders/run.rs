//! One run: buyers, faults, the end of every saga, and the final check.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;
use test_shop::{Store, until};
use tokio::time::Instant;

use super::WAIT_TIMEOUT;
use super::buyers::Buyers;
use super::report;
use crate::support::{Database, SagaCount, Shop, Topology, long, on_with, report};

const SEED: u64 = 20_261_123;
const PRODUCTS: usize = 5;
const PIECES: i64 = 25;
/// Orders placed, and sagas ended, between two faults.
const BETWEEN: usize = 40;
/// The time within which every saga must end after the last fault.
const SETTLE_TIMEOUT: Duration = Duration::from_mins(1);
const SETTINGS: &[(&str, &str)] = &[
    ("SAGA_LEASE_MS", "3000"),
    ("SAGA_RETRY_MAX_MS", "5000"),
    (
        "PAYMENTS_URL",
        "simulated://?fail_rate=0.3&timeout_rate=0.05&unavailable_rate=0.05&duplicate_rate=0.1&latency_ms=25",
    ),
    (
        "SHIPPING_URL",
        "simulated://?fail_rate=0.05&timeout_rate=0.05&unavailable_rate=0.05&duplicate_rate=0.1&latency_ms=25",
    ),
];

/// A fault that is injected into the system.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// SIGKILL of the process that writes, and a restart.
    Kill { index: usize },
    /// SIGSTOP of a command-service until another one has taken over its sagas, then SIGCONT.
    Zombie { index: usize },
    /// PostgreSQL stopped with `-m immediate`, and started.
    DatabaseCrash,
}

/// A fault, and the head of the log at that moment.
#[derive(Clone, Copy, Debug)]
pub struct Fired {
    pub fault: Fault,
    pub head: i64,
    /// The number of saga partitions that another process took over because of it, where that is known.
    pub taken_over: usize,
}

/// Runs buyers against a system while faults are injected, and checks the invariants afterwards.
pub async fn faults(topology: Topology, kinds: &[Fault], rounds: (usize, usize)) -> Result<()> {
    let rounds = if long() { rounds.1 } else { rounds.0 };
    on_with(topology, SETTINGS, async |shop: &mut Shop| {
        let start = Instant::now();
        let products = stock_up(shop).await?;
        let buyers = Buyers::start(&gateways(shop)?, &products, SEED);
        let mut fired = Vec::new();
        for round in 0..rounds {
            work_resumes(shop, &buyers).await?;
            fired.push(strike(shop, kinds[round % kinds.len()]).await?);
        }
        let last = Instant::now();
        let notes = buyers.finish().await?;
        let left = SETTLE_TIMEOUT.saturating_sub(last.elapsed());
        SagaCount::all_ended(shop.system.store(), left).await?;
        let settled = last.elapsed();
        report(&format!(
            "orders under faults, {topology}: {:.0?} of faults, all sagas ended {settled:.1?} after the last",
            last - start,
        ));
        report::check(shop, &products, &notes, &fired).await
    })
    .await
}

fn gateways(shop: &Shop) -> Result<Vec<SocketAddr>> {
    let first = shop.system.gateway(0)?;
    let second = shop.system.gateway(1).ok();
    Ok([Some(first), second].into_iter().flatten().collect())
}

async fn stock_up(shop: &Shop) -> Result<Vec<String>> {
    let mut session = shop.session()?;
    let mut products = Vec::new();
    for number in 0..PRODUCTS {
        let input = json!({
            "name": format!("Product {number}"),
            "price": format!("{}.{}9", 3 + 7 * number, number),
            "stockQuantity": PIECES,
        });
        products.push(session.create_product(input).await?);
    }
    Ok(products)
}

/// Waits until orders are placed and sagas have ended since the last fault.
async fn work_resumes(shop: &Shop, buyers: &Buyers) -> Result<()> {
    let head = head(shop).await?;
    buyers.place(BETWEEN as u64).await?;
    SagaCount::wait_for_ends(shop.system.store(), BETWEEN, head, WAIT_TIMEOUT).await
}

async fn strike(shop: &mut Shop, fault: Fault) -> Result<Fired> {
    let binary = match shop.system.store() {
        Store::Sqlite { .. } => "shop",
        Store::Postgres { .. } => "command-service",
    };
    let mut taken_over = 0;
    let head = match fault {
        Fault::Kill { index } => {
            shop.system.kill_one(binary, index).await?;
            let head = head(shop).await?;
            shop.system.start_again().await?;
            head
        }
        Fault::Zombie { index } => {
            shop.system.signal(binary, index, "STOP")?;
            let head = head(shop).await?;
            taken_over = others_take_over(shop).await?;
            shop.system.signal(binary, index, "CONT")?;
            head
        }
        Fault::DatabaseCrash => {
            // Commits between this read and the crash are not counted as hit.
            let head = head(shop).await?;
            shop.server()?.stop_immediately().await;
            shop.server()?.start_again().await;
            head
        }
    };
    shop.system.healthy().await?;
    Ok(Fired {
        fault,
        head,
        taken_over,
    })
}

async fn head(shop: &Shop) -> Result<i64> {
    let mut database = Database::events(shop.system.store()).await?;
    let head = database.head().await?;
    database.close().await?;
    Ok(head)
}

/// Waits until another process owns the partitions of the stopped one, and returns their number.
async fn others_take_over(shop: &Shop) -> Result<usize> {
    let leases = async || {
        let mut database = Database::events(shop.system.store()).await?;
        let leases = database.leases().await?;
        database.close().await?;
        anyhow::Ok(leases)
    };
    let before = leases().await?;
    until("a take-over", async || {
        let now = leases().await?;
        let changed = now.iter().filter(|lease| !before.contains(lease)).count();
        let owners: BTreeSet<_> = now.iter().map(|(_, owner, _)| owner).collect();
        ensure!(changed > 0, "no partition has changed hands");
        ensure!(owners.len() == 1, "they belong to {owners:?}");
        Ok(changed)
    })
    .await
}
