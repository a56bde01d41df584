//! Clients that write, read what they wrote, and place orders, without a single retry.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use test_shop::{Connection, Operation, until};
use tokio::task::JoinSet;

use crate::support::{CREATE_ORDER, order_input};

const CREATE: &str = "mutation($name: String!) { createProduct(input: {name: $name, price: 1, stockQuantity: 1000000}) \
    { id name category { id } } }";
const PRODUCT: &str = "query($id: ID!) { product(id: $id) { id name stockQuantity } }";
const ORDER: &str = "query($id: ID!) { order(id: $id) { id status } }";
const LIST: &str = "{ productStatistics { totalCount } categoryStatistics { totalCount } }";

/// What the clients share.
#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    answered: AtomicU64,
    failures: Mutex<Vec<String>>,
}

/// Clients that run until they are stopped.
#[derive(Debug)]
pub struct Clients {
    shared: Arc<Shared>,
    running: JoinSet<Acknowledged>,
}

/// The ids of what was acknowledged.
#[derive(Debug, Default)]
pub struct Acknowledged {
    pub products: Vec<String>,
    pub orders: Vec<String>,
}

/// What the clients saw.
#[derive(Debug, Default)]
pub struct Seen {
    pub answered: u64,
    pub failures: Vec<String>,
    pub acknowledged: Acknowledged,
}

impl Clients {
    pub fn start(address: SocketAddr, clients: usize) -> Self {
        let shared = Arc::<Shared>::default();
        let mut running = JoinSet::new();
        for number in 0..clients {
            let client = Client {
                address,
                number,
                connection: None,
                position: None,
                shared: Arc::clone(&shared),
                acknowledged: Acknowledged::default(),
            };
            running.spawn(client.run());
        }
        Self { shared, running }
    }

    /// Waits until `more` further requests are answered.
    pub async fn wait_for_more(&self, more: u64) -> Result<()> {
        let target = self.shared.answered.load(Relaxed) + more;
        until("answered requests", async || {
            let answered = self.shared.answered.load(Relaxed);
            ensure!(answered >= target, "{answered} of {target}");
            Ok(())
        })
        .await
    }

    /// Stops the clients.
    pub async fn finish(mut self) -> Result<Seen> {
        self.shared.stop.store(true, Relaxed);
        let mut seen = Seen::default();
        while let Some(acknowledged) = self.running.join_next().await {
            let Acknowledged { products, orders } = acknowledged?;
            seen.acknowledged.products.extend(products);
            seen.acknowledged.orders.extend(orders);
        }
        seen.answered = self.shared.answered.load(Relaxed);
        let failures = self.shared.failures.lock();
        let mut failures = failures.unwrap_or_else(PoisonError::into_inner);
        seen.failures = std::mem::take(&mut *failures);
        Ok(seen)
    }
}

struct Client {
    address: SocketAddr,
    number: usize,
    /// Kept open between requests, as those of a browser and of a proxy are.
    connection: Option<Connection>,
    /// The newest position that it has seen.
    position: Option<String>,
    shared: Arc<Shared>,
    acknowledged: Acknowledged,
}

impl Client {
    async fn run(mut self) -> Acknowledged {
        for round in 0.. {
            if self.shared.stop.load(Relaxed) {
                break;
            }
            if let Err(failure) = self.round(round).await {
                let failures = self.shared.failures.lock();
                let mut failures = failures.unwrap_or_else(PoisonError::into_inner);
                failures.push(format!("{failure:#}"));
                self.connection = None;
            }
        }
        self.acknowledged
    }

    /// Writes, reads it, orders it, reads the order.
    async fn round(&mut self, round: usize) -> Result<()> {
        let name = format!("Rolling {}-{round}", self.number);
        let product = self.ask(CREATE, json!({ "name": name })).await?;
        let id = product["createProduct"]["id"].as_str().context("no id")?;
        self.acknowledged.products.push(id.to_owned());
        let read = self.ask(PRODUCT, json!({ "id": id })).await?;
        let is_own = read["product"]["name"] == name.as_str();
        ensure!(is_own, "it does not read what it wrote: {read}");
        let input = order_input("ann", &[(id, 1)]);
        let order = self.ask(CREATE_ORDER, input).await?;
        let id = order["createOrder"]["id"].as_str().context("no id")?;
        self.acknowledged.orders.push(id.to_owned());
        let read = self.ask(ORDER, json!({ "id": id })).await?;
        ensure!(read["order"]["id"] == id, "no order: {read}");
        self.ask(LIST, json!({})).await?;
        Ok(())
    }

    /// Sends one request, on a new connection only if the server has closed the last one.
    async fn ask(&mut self, document: &str, variables: Value) -> Result<Value> {
        let mut operation = Operation::new(document).with(variables);
        if let Some(position) = &self.position {
            operation = operation.with_header("X-Min-Position", position);
        }
        if let Some(open) = &mut self.connection
            && !open.is_open().await
        {
            self.connection = None;
        }
        let connection = match &mut self.connection {
            Some(open) => open,
            none => none.insert(Connection::open(self.address).await?),
        };
        let answer = operation.send_on(connection).await;
        let answer = answer.with_context(|| document.to_owned())?;
        if answer.position.is_some() {
            self.position.clone_from(&answer.position);
        }
        let data = answer.data().with_context(|| document.to_owned())?;
        self.shared.answered.fetch_add(1, Relaxed);
        Ok(data)
    }
}
