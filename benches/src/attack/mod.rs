//! One request in ten is an attack: what the others feel of it, and what memory it takes.
//!
//! The others come at a constant rate, with and without attacks, so both runs do the same work. None of them may fail.

mod http2;
mod kinds;

use std::cell::Cell;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use test_shop::{ClientTls, Connection, Operation, System};
use test_tokens::Secrets;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};

use self::kinds::Attacker;
use crate::arguments::Options;
use crate::certificates::Certificates;
use crate::database::Server;
use crate::measure::{Latencies, Statistics, WARM_UP, count};
use crate::process::resident_bytes;
use crate::report::{Comparison, Report, Row, Target};
use crate::services::Services;

const REQUESTS_PER_SECOND: u32 = 200;
const CLIENTS: u32 = 20;
/// One request in ten of all.
const ATTACKS_PER_SECOND: u32 = REQUESTS_PER_SECOND / 9;
const PRODUCTS: u64 = 1_000;
/// One request in ten writes.
const READS_BEFORE_WRITE: u64 = 9;
const LOOK_INTERVAL: Duration = Duration::from_millis(100);
/// Longer than a slow attack holds its connection, and than an allocator keeps what was freed.
const RECOVERY: Duration = Duration::from_secs(45);
const MEBIBYTES: f64 = 64.0;

const READ: &str = "query($id: ID!) { product(id: $id) { name price category { name } } }";
const WRITE: &str = "mutation($id: ID!, $quantity: Int!) { updateStock(productId: $id, quantity: $quantity) { id } }";

pub async fn run(options: &Options, over_tls: bool, report: &mut Report) -> Result<()> {
    let server = Server::open(options.url.as_deref()).await?;
    let services = Services::start(&server).await?;
    let catalogue = services.fill(options.preload.max(PRODUCTS)).await?;
    let secrets = Secrets::create()?;
    // All requests come from one address, so that its rate would stop the attacks, and the others.
    let unlimited = [("RATE_LIMIT_PER_MINUTE", "0")];
    let settings = [&secrets.settings()[..], &unlimited].concat();
    let certificates = over_tls.then(Certificates::create).transpose()?;
    let services = services
        .restart_over_tls(&settings, certificates.as_ref())
        .await?;
    let bench = Bench {
        gateway: services.gateway()?,
        command: services.system.command_grpc(0)?,
        tls: certificates
            .as_ref()
            .map(Certificates::client)
            .transpose()?,
        products: catalogue.products,
        authorization: secrets.authorization("admin", &["admin"]),
        duration: options.duration(),
    };
    let before = bench.requests().await?;
    let quiet = memory(&services.system)?;
    let (attacked, attacks, highest) = bench.under_attack(&services.system).await?;
    sleep(RECOVERY).await;
    let left = memory(&services.system)? - quiet;
    let after = bench.requests().await?;
    let on = server.layout();
    let bench = if over_tls { "attack, TLS" } else { "attack" };
    let row = |case, figures| Row::new(bench, case, on, CLIENTS as usize, figures);
    report.add(&row("without attacks, before", &before))?;
    let p99 = attacked.p99_ms;
    let target = Some(Target::AtMost(2.0));
    let comparison = Comparison::new("p99 without", p99, before.p99_ms, after.p99_ms, target);
    let attacked = row("one request in ten is an attack", &attacked)
        .compared_to(comparison)
        .bound("attacks", count(attacks), Target::AtLeast(1.0))
        .bound(
            "MiB more",
            mebibytes(highest - quiet),
            Target::AtMost(MEBIBYTES),
        )
        .bound(
            "MiB after",
            mebibytes(left),
            Target::AtMost(MEBIBYTES / 4.0),
        );
    report.add(&attacked)?;
    report.add(&row("without attacks, after", &after))?;
    services.discard().await
}

fn mebibytes(bytes: f64) -> f64 {
    bytes / 1_048_576.0
}

/// Of all processes.
fn memory(system: &System) -> Result<f64> {
    system
        .processes()
        .map(|(_, process)| resident_bytes(process))
        .sum()
}

struct Bench {
    gateway: SocketAddr,
    command: SocketAddr,
    tls: Option<ClientTls>,
    products: Arc<Vec<String>>,
    authorization: String,
    duration: Duration,
}

impl Bench {
    /// The requests that are no attack.
    async fn requests(&self) -> Result<Statistics> {
        let mut running = JoinSet::new();
        for number in 0..CLIENTS {
            let products = Arc::clone(&self.products);
            let client = Client {
                connection: Connection::open_with(self.gateway, self.tls.as_ref()).await?,
                authorization: self.authorization.clone(),
                products,
            };
            running.spawn(client.work(number, self.duration));
        }
        let mut all = Latencies::default();
        while let Some(latencies) = running.join_next().await {
            all.extend(latencies??);
        }
        let wanted = u64::from(REQUESTS_PER_SECOND) * self.duration.as_secs() * 9 / 10;
        ensure!(
            all.count() >= wanted,
            "only {} of {wanted} requests",
            all.count()
        );
        all.figures(self.duration)
    }

    /// The same, and the number of attacks and the highest memory.
    async fn under_attack(&self, system: &System) -> Result<(Statistics, u64, f64)> {
        let highest = Cell::new(0.0_f64);
        let watch = async {
            let mut pace = interval(LOOK_INTERVAL);
            loop {
                pace.tick().await;
                match memory(system) {
                    Ok(now) => highest.set(highest.get().max(now)),
                    Err(error) => return error,
                }
            }
        };
        let attacker = Attacker::new(self.gateway, self.command, self.tls.clone());
        let attacks = attack(attacker, self.duration);
        let both = async { tokio::join!(self.requests(), attacks) };
        let (requests, attacks) = tokio::select! {
            error = watch => return Err(error),
            both = both => both,
        };
        Ok((requests?, attacks?, highest.get()))
    }
}

/// Sends attacks at a constant rate, one kind after the other, and returns how many there were.
async fn attack(attacker: Attacker, duration: Duration) -> Result<u64> {
    let end = Instant::now() + WARM_UP + duration;
    let mut pace = interval(Duration::from_secs(1) / ATTACKS_PER_SECOND);
    let mut running = JoinSet::new();
    for kind in attacker.kinds().iter().cycle() {
        pace.tick().await;
        if Instant::now() >= end {
            break;
        }
        let attacker = attacker.clone();
        running.spawn(async move {
            let attack = attacker.attack(*kind).await;
            attack.with_context(|| format!("{kind:?}"))
        });
    }
    let mut attacks = 0;
    while let Some(attacked) = running.join_next().await {
        attacked??;
        attacks += 1;
    }
    Ok(attacks)
}

struct Client {
    connection: Connection,
    authorization: String,
    products: Arc<Vec<String>>,
}

impl Client {
    /// Sends its share at a constant rate. A request's time begins when it is due, so that waiting for an earlier one counts.
    async fn work(mut self, number: u32, duration: Duration) -> Result<Latencies> {
        let period = Duration::from_secs(1) * CLIENTS / REQUESTS_PER_SECOND;
        sleep(period * number / CLIENTS).await;
        let mut pace = interval(period);
        pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let start = Instant::now() + WARM_UP;
        let mut latencies = Latencies::default();
        for sent in 0.. {
            let due = pace.tick().await.into_std();
            if due >= start + duration {
                break;
            }
            self.send(u64::from(number) * 7 + sent).await?;
            if due >= start {
                latencies.add(1, due.elapsed());
            }
        }
        Ok(latencies)
    }

    async fn send(&mut self, number: u64) -> Result<()> {
        let id = &self.products[usize::try_from(number)? % self.products.len()];
        let operation = if number % (READS_BEFORE_WRITE + 1) == READS_BEFORE_WRITE {
            Operation::new(WRITE).with(json!({ "id": id, "quantity": number }))
        } else {
            Operation::new(READ).with(json!({ "id": id }))
        };
        let operation = operation.with_header("authorization", &self.authorization);
        operation.send_on(&mut self.connection).await?.data()?;
        Ok(())
    }
}
