//! Writers that record the outcome of each operation.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use test_shop::Connection;
use tokio::task::JoinSet;
use tokio::time::timeout;

const CREATE: &str =
    "mutation($input: CreateProductInput!) { createProduct(input: $input) { id } }";
/// Longer than any deadline of the services.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);

/// The outcome of an operation, as its client knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperationOutcome {
    /// Acknowledged: its product must exist.
    Ok,
    /// Rejected, or reported to have had no effect: its product must not exist.
    Failed,
    /// No answer, or an unknown outcome.
    Unknown,
}

/// An operation: the name of its product, and its outcome.
#[derive(Clone, Debug)]
pub struct Operation {
    pub name: String,
    pub id: Option<String>,
    pub outcome: OperationOutcome,
    pub answered_at: Instant,
}

/// Writers that run until they are stopped.
#[derive(Debug)]
pub struct Load {
    running: JoinSet<Vec<Operation>>,
    stop: Arc<AtomicBool>,
    acknowledged: Arc<AtomicU64>,
}

/// The number of operations by outcome.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    pub ok: usize,
    pub failed: usize,
    pub unknown: usize,
}

impl Load {
    /// Starts `writers` writers, distributed over the gateways.
    pub fn start(gateways: &[SocketAddr], writers: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let acknowledged = Arc::new(AtomicU64::new(0));
        let mut running = JoinSet::new();
        for writer in 0..writers {
            let gateway = gateways[writer % gateways.len()];
            let (stop, acknowledged) = (Arc::clone(&stop), Arc::clone(&acknowledged));
            running.spawn(write(writer, gateway, stop, acknowledged));
        }
        Self {
            running,
            stop,
            acknowledged,
        }
    }

    /// Waits until `more` further operations are acknowledged.
    pub async fn wait_for_more(&self, more: u64) -> Result<()> {
        let target = self.acknowledged.load(Ordering::Relaxed) + more;
        test_shop::until("acknowledged operations", async || {
            let seen = self.acknowledged.load(Ordering::Relaxed);
            ensure!(seen >= target, "{seen} of {target}");
            Ok(())
        })
        .await
    }

    /// Stops the writers and returns the operations.
    pub async fn finish(mut self) -> Result<Vec<Operation>> {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Vec::new();
        while let Some(operations) = self.running.join_next().await {
            all.extend(operations?);
        }
        Ok(all)
    }
}

impl Counts {
    pub fn of(operations: &[Operation]) -> Self {
        let count = |outcome| {
            operations
                .iter()
                .filter(|operation| operation.outcome == outcome)
                .count()
        };
        Self {
            ok: count(OperationOutcome::Ok),
            failed: count(OperationOutcome::Failed),
            unknown: count(OperationOutcome::Unknown),
        }
    }
}

async fn write(
    writer: usize,
    gateway: SocketAddr,
    stop: Arc<AtomicBool>,
    acknowledged: Arc<AtomicU64>,
) -> Vec<Operation> {
    let mut operations = Vec::new();
    let mut connection = None;
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let name = format!("Load {writer}-{number}");
        let (outcome, id) = attempt(&mut connection, gateway, &name).await;
        match outcome {
            OperationOutcome::Ok => {
                acknowledged.fetch_add(1, Ordering::Relaxed);
            }
            OperationOutcome::Failed => {}
            OperationOutcome::Unknown => connection = None,
        }
        let answered_at = Instant::now();
        operations.push(Operation {
            name,
            id,
            outcome,
            answered_at,
        });
    }
    operations
}

async fn attempt(
    connection: &mut Option<Connection>,
    gateway: SocketAddr,
    name: &str,
) -> (OperationOutcome, Option<String>) {
    if connection.is_none() {
        *connection = Connection::open(gateway).await.ok();
    }
    let Some(open) = connection.as_mut() else {
        // Nothing was sent. The pause limits the number of operations recorded while a gateway is down.
        tokio::time::sleep(Duration::from_millis(20)).await;
        return (OperationOutcome::Failed, None);
    };
    let request = test_shop::Operation::new(CREATE)
        .with(json!({ "input": { "name": name, "price": 1, "stockQuantity": 3 } }));
    let Ok(Ok(answer)) = timeout(REQUEST_TIMEOUT, request.send_on(open)).await else {
        return (OperationOutcome::Unknown, None);
    };
    if let Ok(data) = answer.data() {
        let id = data.pointer("/createProduct/id").and_then(Value::as_str);
        return (OperationOutcome::Ok, id.map(str::to_owned));
    }
    match (
        answer.code(),
        answer.extension("outcome").and_then(Value::as_str),
    ) {
        (Some("SERVICE_UNAVAILABLE"), Some("none")) => (OperationOutcome::Failed, None),
        // It took effect, but a part of its response could not be read.
        (Some(_), Some("committed")) => match answer.extension("id").and_then(Value::as_str) {
            Some(id) => (OperationOutcome::Ok, Some(id.to_owned())),
            None => (OperationOutcome::Unknown, None),
        },
        _ => (OperationOutcome::Unknown, None),
    }
}
