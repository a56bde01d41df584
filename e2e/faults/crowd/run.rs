//! One run: attackers, customers, health checks, and the resources that the shop uses.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;
use test_shop::{Folder, Process, until};
use tokio::time::{Instant, sleep};

use super::attackers::{Attackers, Counts, Kind};
use super::load::Load;
use super::process::{Listeners, Usage, raise_own_limit, start};
use crate::support::{Session, report};

const CUSTOMERS: usize = 4;
const STOCK: i64 = 1_000_000;
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// The minimum of customers' requests and health checks answered each second.
const MIN_REQUESTS: u64 = 2;
const MIN_HEALTH: u64 = 3;
/// One in this many health checks may exceed its timeout of a second, because the machine is busy with the attackers.
const ONE_MAY_BE_LATE_OF: u64 = 20;
/// The minimum of closed connections of each kind of attacker.
const MIN_ENDED: u64 = 10;
/// A client that is silent after a valid start is detected by keepalive.
const KEEPALIVE_ENDS_AFTER: Duration = Duration::from_mins(1);
/// The additional memory that the shop may use: 64 KiB for each attacker, and some for its customers.
const MAX_MEMORY_MIB: u64 = 64 + 5_000 / 16;
/// Descriptors other than attackers' connections, such as database connections that requests have opened.
const OTHER_DESCRIPTORS: usize = 100;

/// The parameters of a run.
#[derive(Debug)]
pub struct Plan {
    /// The shop's limit of descriptors; `None` for the machine's limit.
    pub descriptors: Option<u64>,
    pub attackers: usize,
    pub lasts: Duration,
    /// Whether new connections of customers are served during the attack; if not, only existing ones are.
    pub newcomers_are_served: bool,
}

pub async fn run(plan: &Plan) -> Result<()> {
    raise_own_limit()?;
    let folder = Folder::create()?;
    let mut process = start(&folder, plan.descriptors).await?;
    let outcome = attack(&process, plan).await;
    if outcome.is_err() {
        eprintln!("{}", process.log());
    }
    outcome?;
    let status = process.terminate().await?;
    ensure!(
        status.success(),
        "the shop exited with {status}:\n{}",
        process.log()
    );
    Ok(())
}

async fn attack(process: &Process, plan: &Plan) -> Result<()> {
    let listeners = Listeners::of(process)?;
    let product = stock_up(listeners.gateway).await?;
    let mut load = Load::new();
    let gateway = listeners.gateway;
    load.add_customers(gateway, &product, true, CUSTOMERS)
        .await?;
    let before = Usage::of(process)?;
    let start = Instant::now();
    let attackers = Attackers::start(listeners, plan.attackers);
    if plan.newcomers_are_served {
        load.add_customers(gateway, &product, false, CUSTOMERS)
            .await?;
    }
    load.add_health(&[gateway, listeners.command_metrics, listeners.query_metrics]);
    let mut most = before;
    while start.elapsed() < plan.lasts {
        most = most.max(Usage::of(process)?);
        sleep(LOOK_EVERY).await;
    }
    load.stop().await;
    print_summary(plan, &attackers.counts, &load, before, most);
    check(plan, &attackers.counts, &load, before, most)?;
    drop(attackers);
    // The descriptors of the attackers are released.
    until("descriptors", async || {
        let now = Usage::of(process)?.descriptors;
        let most = before.descriptors + OTHER_DESCRIPTORS;
        ensure!(now <= most, "{now} of {most}");
        Ok(())
    })
    .await?;
    stock_up(gateway).await.map(drop)
}

async fn stock_up(gateway: SocketAddr) -> Result<String> {
    let name = format!("Product at {:?}", Instant::now());
    let input = json!({ "name": name, "price": 1, "stockQuantity": STOCK });
    Session::new(gateway).create_product(input).await
}

fn print_summary(plan: &Plan, attackers: &Counts, load: &Load, before: Usage, most: Usage) {
    let ended: u64 = attackers.ended().iter().map(|(_, ended)| ended).sum();
    let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    report(&format!(
        "a crowd of {}, descriptors {:?}, {:.0?}: at most {} connections open at once, {ended} ended by the shop \
         ({:?}), {} with 408, {} with GOAWAY; orders {} ok, {} failed, slowest {:?}; reads {} ok, {} failed, slowest \
         {:?}; health {} ok, {} failed, slowest {:?}; {} to {} descriptors, {} to {} MiB",
        plan.attackers,
        plan.descriptors,
        plan.lasts,
        count(&attackers.most_open),
        attackers.ended(),
        count(&attackers.with_408),
        count(&attackers.with_goaway),
        load.orders.ok(),
        load.orders.failed(),
        load.orders.slowest(),
        load.reads.ok(),
        load.reads.failed(),
        load.reads.slowest(),
        load.health.ok(),
        load.health.failed(),
        load.health.slowest(),
        before.descriptors,
        most.descriptors,
        before.memory_mib,
        most.memory_mib,
    ));
}

fn check(plan: &Plan, attackers: &Counts, load: &Load, before: Usage, most: Usage) -> Result<()> {
    let seconds = plan.lasts.as_secs();
    let (orders, reads, health) = (&load.orders, &load.reads, &load.health);
    let failed = orders.failed() + reads.failed();
    ensure!(failed == 0, "{failed} requests of customers failed");
    ensure!(
        health.failed() * ONE_MAY_BE_LATE_OF <= health.ok(),
        "{} health checks timed out",
        health.failed()
    );
    for served in [orders.ok(), reads.ok()] {
        ensure!(served >= MIN_REQUESTS * seconds, "only {served} requests");
    }
    ensure!(
        health.ok() >= MIN_HEALTH * seconds,
        "{} health checks succeeded",
        health.ok()
    );
    for (kind, ended) in attackers.ended() {
        let is_too_soon = kind == Kind::SilentAfterSettings && plan.lasts < KEEPALIVE_ENDS_AFTER;
        ensure!(
            is_too_soon || ended >= MIN_ENDED,
            "{kind:?} lost {ended} connections"
        );
    }
    let most_open = usize::try_from(attackers.most_open.load(Ordering::Relaxed))?;
    if plan.newcomers_are_served {
        ensure!(
            most_open >= plan.attackers * 9 / 10,
            "only {most_open} connections were open at once"
        );
    }
    let descriptors = match plan.descriptors {
        Some(limit) => usize::try_from(limit)?,
        None => plan.attackers + OTHER_DESCRIPTORS,
    };
    ensure!(
        most.descriptors < descriptors,
        "{} descriptors were open",
        most.descriptors
    );
    ensure!(
        most.memory_mib < before.memory_mib + MAX_MEMORY_MIB,
        "{} MiB were used",
        most.memory_mib
    );
    Ok(())
}
