//! A disk that becomes full and recovers, and one whose writes and syncs fail: no acknowledged order is lost, no key places
//! two orders, and everything resumes without a restart.
//!
//! `E2E_LONG=1` runs many more faults.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use test_faults::DiskFault;
use test_shop::{Answer, Operation, until_within};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::support::{
    Audit, CREATE_ORDER, Database, Disk, LedgerSums, SagaCount, Shop, long, on_folder, order_input,
    report, text,
};

const BUYERS: usize = 12;
/// Orders placed, and sagas ended, after each fault.
const BETWEEN: usize = 30;
/// Writes or syncs that must fail before the disk works again.
const FAILURES: i64 = 20;
/// The number of faults in the short and the long version.
const ROUNDS: (usize, usize) = (3, 60);
/// The time within which everything must resume.
const RESUME_TIMEOUT: Duration = Duration::from_secs(30);
/// Longer than any deadline of the services.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(50);
/// One in this many requests is repeated under its key.
const REPEATED: u64 = 3;
/// The number of orders that are compared with the read side.
const COMPARED: usize = 100;
const SETTINGS: [(&str, &str); 4] = [
    ("SAGA_LEASE_MS", "3000"),
    ("SAGA_RETRY_MAX_MS", "1000"),
    ("PAYMENTS_URL", "simulated://?fail_rate=0.1&latency_ms=5"),
    ("SHIPPING_URL", "simulated://?latency_ms=5"),
];

#[tokio::test]
async fn nothing_is_lost_on_a_disk_that_becomes_full_and_recovers() -> Result<()> {
    orders_on(&Disk::small()?, &[DiskFault::Full]).await
}

#[tokio::test]
async fn nothing_is_lost_on_a_disk_that_fails() -> Result<()> {
    let faults = [DiskFault::Unsynced, DiskFault::Unwritable];
    orders_on(&Disk::create()?, &faults).await
}

async fn orders_on(disk: &Disk, faults: &[DiskFault]) -> Result<()> {
    let preloaded = disk.variables();
    let preloaded = preloaded
        .iter()
        .map(|(name, value)| (*name, value.as_str()));
    let settings: Vec<_> = SETTINGS.into_iter().chain(preloaded).collect();
    let rounds = if long() { ROUNDS.1 } else { ROUNDS.0 };
    on_folder(disk.data(), &settings, async |shop: &mut Shop| {
        let processes = ids(shop);
        let input = json!({ "name": "Tea", "price": "4.20", "stockQuantity": 1_000_000 });
        let product = shop.session()?.create_product(input).await?;
        let buyers = Buyers::start(shop.system.gateway(0)?, &product);
        buyers.place(BETWEEN as u64).await?;
        for round in 0..rounds {
            strike(disk, faults[round % faults.len()]).await?;
            work_resumes(shop, &buyers).await?;
        }
        let notes = buyers.finish().await?;
        SagaCount::all_ended(shop.system.store(), RESUME_TIMEOUT).await?;
        assert_eq!(ids(shop), processes, "a process was restarted");
        check(shop, &notes, rounds, disk.failures()?).await
    })
    .await
}

fn ids(shop: &Shop) -> Vec<u32> {
    shop.system.processes().map(|(_, one)| one.id()).collect()
}

/// Makes the disk fail until enough operations have failed, then repairs it.
async fn strike(disk: &Disk, fault: DiskFault) -> Result<()> {
    let before = disk.failures()?;
    disk.fail(fault)?;
    let felt = until_within(RESUME_TIMEOUT, "failing writes", async || {
        let failures = disk.failures()? - before;
        ensure!(failures >= FAILURES, "{fault:?}: {failures} failed");
        Ok(())
    })
    .await;
    disk.mend()?;
    felt
}

/// Waits until orders are placed and sagas have ended after the repair.
async fn work_resumes(shop: &Shop, buyers: &Buyers) -> Result<()> {
    let mut database = Database::events(shop.system.store()).await?;
    let head = database.head().await?;
    database.close().await?;
    buyers.place(BETWEEN as u64).await?;
    SagaCount::wait_for_ends(shop.system.store(), BETWEEN, head, RESUME_TIMEOUT).await
}

/// The answers that the buyers got.
#[derive(Debug, Default)]
struct Notes {
    /// By user, each with a single order; `None` if it was rejected.
    placed: BTreeMap<String, Option<String>>,
    /// Answers with outcome `committed`.
    ok: u64,
    /// Answers with outcome `none`.
    failed: u64,
    /// Answers with outcome `unknown`, and requests without an answer.
    unknown: u64,
    /// Requests that were repeated although they had been answered.
    repeated: u64,
    /// Violations.
    problems: Vec<String>,
}

struct Buyers {
    working: JoinSet<Notes>,
    stop: Arc<AtomicBool>,
    placed: Arc<AtomicU64>,
}

impl Buyers {
    fn start(gateway: SocketAddr, product: &str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let placed = Arc::new(AtomicU64::new(0));
        let mut working = JoinSet::new();
        for number in 0..BUYERS {
            let buyer = Buyer {
                number,
                gateway,
                product: product.to_owned(),
                notes: Notes::default(),
            };
            working.spawn(buyer.work(Arc::clone(&stop), Arc::clone(&placed)));
        }
        Self {
            working,
            stop,
            placed,
        }
    }

    /// Waits until `more` further orders are placed.
    async fn place(&self, more: u64) -> Result<()> {
        let target = self.placed.load(Ordering::Relaxed) + more;
        until_within(RESUME_TIMEOUT, "orders", async || {
            let seen = self.placed.load(Ordering::Relaxed);
            ensure!(seen >= target, "{seen} of {target}");
            Ok(())
        })
        .await
    }

    async fn finish(mut self) -> Result<Notes> {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Notes::default();
        while let Some(notes) = self.working.join_next().await {
            let notes = notes?;
            all.placed.extend(notes.placed);
            all.ok += notes.ok;
            all.failed += notes.failed;
            all.unknown += notes.unknown;
            all.repeated += notes.repeated;
            all.problems.extend(notes.problems);
        }
        Ok(all)
    }
}

struct Buyer {
    number: usize,
    gateway: SocketAddr,
    product: String,
    notes: Notes,
}

impl Buyer {
    async fn work(mut self, stop: Arc<AtomicBool>, placed: Arc<AtomicU64>) -> Notes {
        for round in 0_u64.. {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let user = format!("buyer-{}-{round}", self.number);
            let Ok(order) = self.order(&user).await else {
                let problem = format!("{user} never learnt what became of the order");
                self.notes.problems.push(problem);
                continue;
            };
            if round % REPEATED == 0 {
                self.notes.repeated += 1;
                let again = self.order(&user).await;
                if again.as_ref().ok() != Some(&order) {
                    let problem = format!("{user} was answered {order:?} and then {again:?}");
                    self.notes.problems.push(problem);
                }
            }
            placed.fetch_add(u64::from(order.is_some()), Ordering::Relaxed);
            self.notes.placed.insert(user, order);
        }
        self.notes
    }

    /// Sends an order under the user's key until its outcome is final.
    async fn order(&mut self, user: &str) -> Result<Option<String>> {
        let operation = Operation::new(CREATE_ORDER)
            .with(order_input(user, &[(&self.product, 1)]))
            .with_header("Idempotency-Key", user);
        let deadline = Instant::now() + RESUME_TIMEOUT * 2;
        loop {
            let answer = timeout(ANSWER_TIMEOUT, operation.send(self.gateway)).await;
            let answer = answer.ok().and_then(Result::ok);
            let code = answer.as_ref().and_then(Answer::code);
            match (answer.as_ref().map(Answer::data), code) {
                (Some(Ok(data)), _) => {
                    self.notes.ok += 1;
                    let order = data.get("createOrder").context("no order")?;
                    return Ok(Some(text(order, "id")?.to_owned()));
                }
                (_, Some("CONFLICT" | "VALIDATION_ERROR" | "NOT_FOUND")) => {
                    self.notes.failed += 1;
                    return Ok(None);
                }
                _ => self.notes.unknown += 1,
            }
            if Instant::now() >= deadline {
                bail!("no final outcome");
            }
            sleep(PAUSE).await;
        }
    }
}

/// The log, the providers' ledger, the read side and the buyers' notes must agree, and enough must have happened.
async fn check(shop: &Shop, notes: &Notes, rounds: usize, failures: i64) -> Result<()> {
    let mut audit = Audit::of(shop.system.store()).await?;
    let books = LedgerSums::of(shop.system.store()).await?;
    audit.check_ends(&books);
    let (due, held) = audit.money(&books);
    if due != held {
        audit.note(format!(
            "the fulfilled orders cost {due}, the provider holds {held}"
        ));
    }
    let mut by_user: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (id, order) in &audit.orders {
        by_user.entry(&order.user).or_default().push(id);
    }
    let mut problems = notes.problems.clone();
    for (user, answer) in &notes.placed {
        let found = by_user.remove(user.as_str()).unwrap_or_default();
        let expected: Vec<&str> = answer.iter().map(String::as_str).collect();
        if found != expected {
            problems.push(format!(
                "{user} was answered {answer:?}, there is {found:?}"
            ));
        }
    }
    problems.extend(by_user.keys().map(|user| format!("{user} never ordered")));
    problems.extend(read_side(shop, &audit).await?);
    report(&format!(
        "orders on a failing disk: {} ok, {} failed, {} unknown, {} repeated; {failures} writes and syncs failed in \
         {rounds} faults; {} orders, {} events",
        notes.ok,
        notes.failed,
        notes.unknown,
        notes.repeated,
        audit.orders.len(),
        audit.head
    ));
    audit.problems.extend(problems);
    audit.verdict()?;
    let faults = u64::try_from(rounds)?;
    ensure!(
        notes.ok >= BETWEEN as u64 * faults,
        "only {} were ok",
        notes.ok
    );
    ensure!(notes.repeated >= faults, "only {} repeated", notes.repeated);
    let floor = FAILURES * i64::try_from(rounds)?;
    ensure!(failures >= floor, "only {failures} writes and syncs failed");
    Ok(())
}

/// Compares some orders of the read side, at the head, with the log; returns the differences.
async fn read_side(shop: &Shop, audit: &Audit) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for (id, order) in audit.orders.iter().take(COMPARED) {
        let seen: Value = Operation::new("query($id: ID!) { order(id: $id) { status } }")
            .with(json!({ "id": id }))
            .with_header("X-Min-Position", &audit.head.to_string())
            .data(shop.system.gateway(0)?)
            .await?;
        let expected = json!({ "order": { "status": order.status.name() } });
        if seen != expected {
            problems.push(format!(
                "the read side has {seen} of {id}, the log {expected}"
            ));
        }
    }
    Ok(problems)
}
