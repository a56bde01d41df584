//! Clients with valid requests: buyers, readers and health checks.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use serde_json::json;
use test_shop::{Connection, Operation, Request};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::support::{CREATE_ORDER, order_input};

/// Longer than any deadline of the services.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);
/// The timeout of a health check, including the connection.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(100);
const READ: &str = "query($id: ID!) { product(id: $id) { name stockQuantity } }";

/// The results of requests.
#[derive(Debug, Default)]
pub struct Counts {
    pub ok: AtomicU64,
    pub failed: AtomicU64,
    slowest_ms: AtomicU64,
}

/// Buyers, readers and health checks, with the results of their requests. They stop when this is dropped.
#[derive(Debug)]
pub struct Load {
    running: JoinSet<()>,
    pub orders: Arc<Counts>,
    pub reads: Arc<Counts>,
    pub health: Arc<Counts>,
}

impl Counts {
    pub fn ok(&self) -> u64 {
        self.ok.load(Ordering::Relaxed)
    }

    pub fn failed(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }

    pub fn slowest(&self) -> Duration {
        Duration::from_millis(self.slowest_ms.load(Ordering::Relaxed))
    }

    fn note(&self, what: &str, answer: Result<()>, started: Instant) {
        let took = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.slowest_ms.fetch_max(took, Ordering::Relaxed);
        match answer {
            Ok(()) => self.ok.fetch_add(1, Ordering::Relaxed),
            Err(error) => {
                eprintln!("{what}, after {took} ms: {error:#}");
                self.failed.fetch_add(1, Ordering::Relaxed)
            }
        };
    }
}

impl Load {
    pub fn new() -> Self {
        Self {
            running: JoinSet::new(),
            orders: Arc::default(),
            reads: Arc::default(),
            health: Arc::default(),
        }
    }

    /// Starts buyers and readers of this product. Without `keep`, they open a new connection for each request.
    pub async fn add_customers(
        &mut self,
        gateway: SocketAddr,
        product: &str,
        keep: bool,
        count: usize,
    ) -> Result<()> {
        for number in 0..count {
            let buys = number % 2 == 0;
            let operation = if buys {
                Operation::new(CREATE_ORDER).with(order_input("ann", &[(product, 1)]))
            } else {
                Operation::new(READ).with(json!({ "id": product }))
            };
            let counts = Arc::clone(if buys { &self.orders } else { &self.reads });
            let mut kept = if keep {
                Some(Connection::open(gateway).await?)
            } else {
                None
            };
            if let Some(connection) = &mut kept {
                ask(&operation, connection).await?;
            }
            self.running.spawn(async move {
                loop {
                    let started = Instant::now();
                    let answer = match &mut kept {
                        Some(connection) => ask(&operation, connection).await,
                        None => ask_on_new_connection(&operation, gateway).await,
                    };
                    counts.note("a request of a customer", answer, started);
                    sleep(PAUSE).await;
                }
            });
        }
        Ok(())
    }

    /// Checks the health of each of these listeners repeatedly, each time on a new connection.
    pub fn add_health(&mut self, listeners: &[SocketAddr]) {
        for listener in listeners.iter().copied() {
            let counts = Arc::clone(&self.health);
            self.running.spawn(async move {
                loop {
                    let started = Instant::now();
                    let answer = timeout(HEALTH_TIMEOUT, ask_health(listener)).await;
                    let answer = answer.unwrap_or_else(|_| bail!("no answer"));
                    counts.note("health", answer, started);
                    sleep(PAUSE).await;
                }
            });
        }
    }

    pub async fn stop(&mut self) {
        self.running.shutdown().await;
    }
}

async fn ask(operation: &Operation, connection: &mut Connection) -> Result<()> {
    let answer = timeout(ANSWER_TIMEOUT, operation.send_on(connection)).await;
    answer??.data().map(drop)
}

async fn ask_on_new_connection(operation: &Operation, gateway: SocketAddr) -> Result<()> {
    let connection = timeout(ANSWER_TIMEOUT, Connection::open(gateway)).await;
    ask(operation, &mut connection??).await
}

async fn ask_health(listener: SocketAddr) -> Result<()> {
    let mut connection = Connection::open(listener).await?;
    let reply = connection.send(&Request::get("/health/ready")).await?;
    ensure!(reply.status.is_success(), "{}", reply.status);
    Ok(())
}
