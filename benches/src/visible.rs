//! Time from the response of a mutation to the first query that sees it, without a minimum position.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use test_shop::{Connection, Operation};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::arguments::Options;
use crate::database::Server;
use crate::ids::Ids;
use crate::measure::{Latencies, WARM_UP};
use crate::report::{Report, Row, Target};
use crate::services::Services;

const MUTATIONS_PER_SECOND: usize = 200;
const CLIENTS: usize = 20;
const PRODUCTS: u64 = 1_000;
/// A write that is not visible after this time counts as lost.
const WAIT_TIMEOUT: Duration = Duration::from_secs(5);

/// Sends 200 mutations per second from 20 clients; each queries repeatedly until it sees its write.
pub async fn run(options: &Options, report: &mut Report) -> Result<()> {
    let server = Server::open(options.url.as_deref()).await?;
    let services = Services::start(&server).await?;
    let catalogue = services.fill(options.preload.max(PRODUCTS)).await?;
    let on = server.layout();
    for (case, is_new) in [("created product", true), ("updated stock", false)] {
        let mut running = JoinSet::new();
        for number in 0..CLIENTS {
            let mut client = Client {
                connection: Connection::open(services.gateway()?).await?,
                ids: Ids::new(),
                known: (!is_new).then(|| own_share(&catalogue.products, number)),
            };
            let duration = options.duration();
            running.spawn(async move { client.work(number, duration).await });
        }
        let mut all = Latencies::default();
        while let Some(latencies) = running.join_next().await {
            all.extend(latencies??);
        }
        let wanted = u64::try_from(MUTATIONS_PER_SECOND)? * options.seconds * 9 / 10;
        ensure!(
            all.count() >= wanted,
            "only {} of {wanted} mutations",
            all.count()
        );
        let figures = all.figures(options.duration())?;
        let row = Row::new("visible", case, on, CLIENTS, &figures)
            .bound("p50 ms", figures.p50_ms, Target::AtMost(3.0))
            .bound("p99 ms", figures.p99_ms, Target::AtMost(10.0));
        report.add(&row)?;
    }
    services.discard().await
}

struct Client {
    connection: Connection,
    ids: Ids,
    /// Products whose stock no other client sets. `None` if the client creates products.
    known: Option<Vec<String>>,
}

fn own_share(products: &[String], number: usize) -> Vec<String> {
    products
        .iter()
        .skip(number)
        .step_by(CLIENTS)
        .cloned()
        .collect()
}

impl Client {
    /// Sends its share at a constant rate, and returns how long each write took to become visible.
    async fn work(&mut self, number: usize, duration: Duration) -> Result<Latencies> {
        let period =
            Duration::from_secs(1) * u32::try_from(CLIENTS)? / u32::try_from(MUTATIONS_PER_SECOND)?;
        tokio::time::sleep(period * u32::try_from(number)? / u32::try_from(CLIENTS)?).await;
        let mut pace = interval(period);
        pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let start = Instant::now() + WARM_UP;
        let mut latencies = Latencies::default();
        loop {
            pace.tick().await;
            let now = Instant::now();
            if now >= start + duration {
                return Ok(latencies);
            }
            let (id, quantity) = self.write().await?;
            let acknowledged = Instant::now();
            let seen_after = self.see(&id, quantity, acknowledged).await?;
            if now >= start {
                latencies.add(1, seen_after);
            }
        }
    }

    async fn write(&mut self) -> Result<(String, u64)> {
        let quantity = self.ids.random() % 1_000_000_000;
        let operation = match &self.known {
            None => Operation::new(
                "mutation($input:CreateProductInput!){createProduct(input:$input){id}}",
            )
            .with(json!({ "input": {
                    "name": format!("Bench {quantity}"), "price": 12.5, "stockQuantity": quantity
                } })),
            Some(known) => Operation::new(
                "mutation($id:ID!,$n:Int!){updateStock(productId:$id,quantity:$n){id}}",
            )
            .with(json!({ "id": self.ids.pick(known), "n": quantity })),
        };
        let data = operation.send_on(&mut self.connection).await?.data()?;
        let field = data.as_object().and_then(|data| data.values().next());
        let id = field.and_then(|field| field["id"].as_str());
        Ok((id.context("no id")?.to_owned(), quantity))
    }

    async fn see(&mut self, id: &str, quantity: u64, since: Instant) -> Result<Duration> {
        let query = Operation::new("query($id:ID!){product(id:$id){onHandQuantity}}")
            .with(json!({ "id": id }));
        loop {
            let answer = query.send_on(&mut self.connection).await?;
            let seen = answer
                .body
                .pointer("/data/product/onHandQuantity")
                .and_then(Value::as_u64);
            if seen == Some(quantity) {
                return Ok(since.elapsed());
            }
            if since.elapsed() > WAIT_TIMEOUT {
                bail!("{id} did not become visible: {}", answer.body);
            }
        }
    }
}
