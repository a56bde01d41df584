//! Subscribers over WebSocket: the time from a change to its message, their memory, and how they resume.
//!
//! A change's time is the `updatedAt` of its row, which is when its command was decided, before the commit. So the figures
//! include the commit.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use chrono::{DateTime, Utc};
use event_sourcing::{Clock, SystemClock};
use futures::future::try_join_all;
use serde_json::json;
use test_shop::{Connection, Operation, Process, Socket, position};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::arguments::Options;
use crate::database::Server;
use crate::measure::{Latencies, WARM_UP, count, once};
use crate::process::resident_bytes;
use crate::report::{Report, Row, Target};
use crate::services::Services;

const SUBSCRIBERS: usize = 1_000;
const CHANGES_PER_SECOND: u32 = 100;
const WRITERS: u32 = 10;
/// Longer than an update takes to reach every subscriber.
const WAIT_TIMEOUT: Duration = Duration::from_mins(1);
const KILOBYTES_EACH: f64 = 32.0;
const P99_MS: f64 = 25.0;

const OWN: &str = "subscription($id: ID!, $after: String) { productUpdated(id: $id, after: $after) { name updatedAt } }";
const ALL: &str =
    "subscription($after: String) { productUpdated(after: $after) { name updatedAt } }";
const RENAME: &str =
    "mutation($id: ID!, $name: String!) { updateProduct(input: {id: $id, name: $name}) { id } }";

pub async fn run(options: &Options, report: &mut Report) -> Result<()> {
    let server = Server::open(options.url.as_deref()).await?;
    let mut services = Services::start(&server).await?;
    for subscribers in options.clients_or(&[SUBSCRIBERS]) {
        let wanted = options.preload.max(u64::try_from(subscribers)?);
        let products = services.fill(wanted).await?.products;
        let bench = Bench {
            gateway: services.gateway()?,
            products,
            subscribers,
            duration: options.duration(),
            on: server.layout(),
        };
        for (case, is_own, rate) in [
            ("own product", true, CHANGES_PER_SECOND),
            ("all products, 1 change/s", false, 1),
            ("all products, 10 changes/s", false, 10),
            ("all products", false, CHANGES_PER_SECOND),
        ] {
            let row = bench.measure(case, is_own, rate, gateway_of(&services)?);
            report.add(&row.await?)?;
        }
        report.add(&bench.resume(&mut services).await?)?;
    }
    services.discard().await
}

fn gateway_of(services: &Services) -> Result<&Process> {
    let mut processes = services.system.processes();
    let gateway = processes.find(|(name, _)| matches!(*name, "client-service" | "shop"));
    Ok(gateway.context("no gateway")?.1)
}

struct Bench {
    gateway: SocketAddr,
    products: Arc<Vec<String>>,
    subscribers: usize,
    duration: Duration,
    on: &'static str,
}

/// A message, as a subscriber got it.
struct Received {
    at: Instant,
    since_decision: Duration,
}

impl Bench {
    fn product(&self, number: usize) -> &str {
        &self.products[number % self.products.len()]
    }

    async fn subscribe(&self, number: usize, is_own: bool, after: Option<u64>) -> Result<Socket> {
        let mut socket = Socket::open(self.gateway).await?;
        let after = after.map(|after| after.to_string());
        let (query, variables) = if is_own {
            let id = self.product(number);
            (OWN, json!({"id": id, "after": after}))
        } else {
            (ALL, json!({ "after": after }))
        };
        socket.subscribe("1", query, &variables).await?;
        socket.ping().await?;
        Ok(socket)
    }

    async fn measure(&self, case: &str, is_own: bool, rate: u32, gateway: &Process) -> Result<Row> {
        let before = resident_bytes(gateway)?;
        let (sender, mut received) = mpsc::unbounded_channel();
        let mut readers = JoinSet::new();
        for number in 0..self.subscribers {
            let socket = self.subscribe(number, is_own, None).await?;
            readers.spawn(read(socket, sender.clone()));
        }
        drop(sender);
        let start = Instant::now() + WARM_UP;
        let end = start + self.duration;
        let writers = self.write(rate, end);
        let mut latencies = Latencies::default();
        let counting = async {
            let until = tokio::time::Instant::from_std(end + Duration::from_secs(1));
            while let Ok(Some(message)) = tokio::time::timeout_at(until, received.recv()).await {
                let message: Received = message;
                if message.at >= start && message.at < end {
                    latencies.add(1, message.since_decision);
                }
            }
        };
        let (written, ()) = tokio::join!(writers, counting);
        written?;
        let memory =
            (resident_bytes(gateway)? - before) / count(u64::try_from(self.subscribers)?) / 1_024.0;
        let closed = readers.len();
        readers.abort_all();
        ensure!(closed == self.subscribers, "subscribers were closed");
        let figures = latencies.figures(self.duration)?;
        let row = Row::new("subscribe", case, self.on, self.subscribers, &figures)
            .bound("p99 ms", figures.p99_ms, Target::AtMost(P99_MS))
            .bound("KiB each", memory, Target::AtMost(KILOBYTES_EACH));
        Ok(row)
    }

    /// Renames products at a constant rate, each in its turn.
    async fn write(&self, rate: u32, end: Instant) -> Result<()> {
        let mut writers = JoinSet::new();
        let writers_count = WRITERS.min(rate);
        for number in 0..writers_count {
            let mut connection = Connection::open(self.gateway).await?;
            let products = Arc::clone(&self.products);
            let subscribers = self.subscribers;
            writers.spawn(async move {
                let period = Duration::from_secs(1) * writers_count / rate;
                tokio::time::sleep(period * number / writers_count).await;
                let mut pace = interval(period);
                pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
                let mut next = usize::try_from(number)?;
                while Instant::now() < end {
                    pace.tick().await;
                    let id = &products[next % subscribers.min(products.len())];
                    rename(&mut connection, id, next).await?;
                    next += usize::try_from(writers_count)?;
                }
                anyhow::Ok(())
            });
        }
        while let Some(written) = writers.join_next().await {
            written??;
        }
        Ok(())
    }

    /// Kills and restarts the gateway, changes each product once, and lets all subscribers resume at the same time. The
    /// time is that from a subscriber's first attempt to its missed message.
    async fn resume(&self, services: &mut Services) -> Result<Row> {
        let mut sockets = Vec::new();
        for number in 0..self.subscribers {
            sockets.push(self.subscribe(number, true, None).await?);
        }
        let mut positions = Vec::new();
        let mut connection = Connection::open(self.gateway).await?;
        for (number, socket) in sockets.iter_mut().enumerate() {
            rename(&mut connection, self.product(number), number).await?;
            positions.push(position(&socket.payload("1").await?)?);
        }
        let binary = if self.on.contains("pg") {
            "client-service"
        } else {
            "shop"
        };
        services.system.kill_one(binary, 0).await?;
        drop(sockets);
        let restarting = Instant::now();
        services.system.start_again().await?;
        let restarted = restarting.elapsed();
        let mut connection = Connection::open(self.gateway).await?;
        for number in 0..self.subscribers {
            rename(&mut connection, self.product(number), number + 1).await?;
        }
        let start = Instant::now();
        let resuming = positions
            .into_iter()
            .enumerate()
            .map(async |(number, after)| {
                let start = Instant::now();
                let (_socket, message) = self.subscribe_and_read(number, after).await?;
                ensure!(message > after, "{message} after {after}");
                anyhow::Ok(start.elapsed())
            });
        let resumed = timeout(WAIT_TIMEOUT, try_join_all(resuming)).await??;
        let elapsed = start.elapsed();
        let mut latencies = Latencies::default();
        for latency in resumed {
            latencies.add(1, latency);
        }
        let mut figures = latencies.figures(elapsed)?;
        figures.per_second = once(u64::try_from(self.subscribers)?, elapsed).per_second;
        let seconds = elapsed.as_secs_f64();
        let row = Row::new(
            "subscribe",
            "resume after a kill",
            self.on,
            self.subscribers,
            &figures,
        )
        .bound("all s", seconds, Target::AtMost(5.0))
        .bound("restart s", restarted.as_secs_f64(), Target::AtMost(5.0));
        Ok(row)
    }

    async fn subscribe_and_read(&self, number: usize, after: u64) -> Result<(Socket, u64)> {
        let mut socket = Socket::open(self.gateway).await?;
        let variables = json!({"id": self.product(number), "after": after.to_string()});
        socket.subscribe("1", OWN, &variables).await?;
        let message = position(&socket.payload("1").await?)?;
        Ok((socket, message))
    }
}

async fn rename(connection: &mut Connection, id: &str, number: usize) -> Result<()> {
    let unique = SystemClock.now().timestamp_micros();
    let name = format!("Product {number} {unique}");
    let renamed = Operation::new(RENAME).with(json!({"id": id, "name": name}));
    renamed.send_on(connection).await?.data()?;
    Ok(())
}

/// Reads messages until the end of the connection, which is a failure.
async fn read(mut socket: Socket, sender: mpsc::UnboundedSender<Received>) {
    loop {
        let Ok(received) = one(&mut socket).await else {
            return;
        };
        if sender.send(received).is_err() {
            return;
        }
    }
}

async fn one(socket: &mut Socket) -> Result<Received> {
    let payload = socket.payload("1").await?;
    let text = payload["data"]["productUpdated"]["updatedAt"].as_str();
    let Some(text) = text else {
        bail!("no time in {payload}");
    };
    let decided = DateTime::parse_from_rfc3339(text)?.with_timezone(&Utc);
    let since_decision = SystemClock.now().signed_duration_since(decided).to_std();
    Ok(Received {
        at: Instant::now(),
        since_decision: since_decision.unwrap_or_default(),
    })
}
