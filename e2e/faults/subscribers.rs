//! Subscribers come, go and resume while gateways and query-services are killed: nothing is missing and nothing comes
//! twice.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use test_shop::{Operation, Socket, position, until_within};
use tokio::task::JoinSet;

use crate::support::{Shop, Topology, on, report};

const WRITERS: usize = 4;
const SUBSCRIBERS: usize = 8;
const KILLS: usize = 4;
/// Acknowledged products between two kills.
const BETWEEN: u64 = 60;
const TIMEOUT: Duration = Duration::from_mins(2);
const CREATED: &str = "subscription($after: String) { productCreated(after: $after) { id name } }";
const CREATE: &str =
    "mutation($name: String!) { createProduct(input: {name: $name, price: 1}) { id } }";
const LAST: &str = "the last one";

#[tokio::test]
async fn subscribers_miss_nothing_and_get_nothing_twice_on_postgres() -> Result<()> {
    let killed = [
        ("client-service", 0),
        ("query-service", 1),
        ("client-service", 1),
        ("query-service", 0),
    ];
    on(Topology::Services { each: 2 }, async |shop: &mut Shop| {
        let gateways = vec![shop.system.gateway(0)?, shop.system.gateway(1)?];
        journey(shop, gateways, &killed).await
    })
    .await
}

#[tokio::test]
async fn subscribers_miss_nothing_and_get_nothing_twice_on_sqlite() -> Result<()> {
    on(Topology::OneProcess, async |shop: &mut Shop| {
        let gateways = vec![shop.system.gateway(0)?];
        journey(shop, gateways, &[("shop", 0); KILLS]).await
    })
    .await
}

/// What the tasks of a run share.
#[derive(Debug, Default)]
struct SharedState {
    created: AtomicU64,
    stop: AtomicBool,
    resumed: AtomicU64,
}

async fn journey(
    shop: &mut Shop,
    gateways: Vec<SocketAddr>,
    killed: &[(&str, usize); KILLS],
) -> Result<()> {
    let progress = Arc::new(SharedState::default());
    let mut writers = JoinSet::new();
    for number in 0..WRITERS {
        let gateway = gateways[number % gateways.len()];
        writers.spawn(write(gateway, number, Arc::clone(&progress)));
    }
    let mut subscribers = JoinSet::new();
    for number in 0..SUBSCRIBERS {
        subscribers.spawn(subscribe(gateways.clone(), number, Arc::clone(&progress)));
    }
    for (binary, index) in killed {
        let before = progress.created.load(Relaxed);
        until_within(TIMEOUT, "products are created", async || {
            let created = progress.created.load(Relaxed);
            ensure!(created >= before + BETWEEN, "{created} after {before}");
            Ok(())
        })
        .await?;
        shop.system.kill_one(binary, *index).await?;
        shop.system.start_again().await?;
    }
    progress.stop.store(true, Relaxed);
    let mut acknowledged = Vec::new();
    while let Some(created) = writers.join_next().await {
        acknowledged.extend(created?);
    }
    create(gateways[0], LAST)
        .await
        .context("the last product")?;

    let expected = follow(&gateways, SUBSCRIBERS, usize::MAX, &progress).await?;
    let seen: HashSet<&str> = expected.iter().map(|(_, id)| id.as_str()).collect();
    ensure!(seen.len() == expected.len(), "a product comes twice");
    for id in &acknowledged {
        ensure!(seen.contains(id.as_str()), "{id} is missing");
    }
    while let Some(messages) = subscribers.join_next().await {
        let messages = messages??;
        ensure!(messages == expected, "a subscriber got other messages");
    }
    let resumed = progress.resumed.load(Relaxed);
    report(&format!(
        "subscribers: {} messages each, {} acknowledged, {resumed} subscriptions, {KILLS} kills",
        expected.len(),
        acknowledged.len()
    ));
    ensure!(resumed > 50, "only {resumed} subscriptions");
    Ok(())
}

async fn create(gateway: SocketAddr, name: &str) -> Result<String> {
    let data = Operation::new(CREATE).with(json!({ "name": name }));
    let data = data.data(gateway).await?;
    let id = data.pointer("/createProduct/id").and_then(Value::as_str);
    Ok(id.context("no id")?.to_owned())
}

/// Creates products until the end, and returns those that were acknowledged. While a process is down creations fail.
async fn write(gateway: SocketAddr, number: usize, progress: Arc<SharedState>) -> Vec<String> {
    let mut acknowledged = Vec::new();
    let mut next = 0;
    while !progress.stop.load(Relaxed) {
        next += 1;
        if let Ok(id) = create(gateway, &format!("{number}-{next}")).await {
            acknowledged.push(id);
            progress.created.fetch_add(1, Relaxed);
        } else {
            tokio::task::yield_now().await;
        }
    }
    acknowledged
}

type Messages = Vec<(u64, String)>;

/// A subscriber that leaves after some messages and resumes at another gateway.
async fn subscribe(
    gateways: Vec<SocketAddr>,
    number: usize,
    progress: Arc<SharedState>,
) -> Result<Messages> {
    follow(&gateways, number, 7 + 11 * number, &progress).await
}

/// All messages from the beginning to the last product, with a new subscription after each `part` of them.
async fn follow(
    gateways: &[SocketAddr],
    number: usize,
    part: usize,
    progress: &SharedState,
) -> Result<Messages> {
    let mut messages = Messages::new();
    let following = async {
        for round in number.. {
            let gateway = gateways[round % gateways.len()];
            // A lost connection is as good as one that is closed.
            match some(gateway, part, &mut messages).await {
                Ok(true) => return Ok(()),
                Ok(false) => {
                    progress.resumed.fetch_add(1, Relaxed);
                }
                Err(error) if error.is::<Wrong>() => return Err(error),
                Err(_) => tokio::task::yield_now().await,
            }
        }
        bail!("no rounds are left")
    };
    let followed = tokio::time::timeout(TIMEOUT, following).await;
    followed.context("a subscriber does not reach the end")??;
    Ok(messages)
}

/// A message that must not come.
#[derive(Debug)]
struct Wrong(String);

impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Wrong {}

/// Reads the next messages; returns whether the last one was among them.
async fn some(gateway: SocketAddr, part: usize, messages: &mut Messages) -> Result<bool> {
    let mut socket = Socket::open(gateway).await?;
    let after = messages.last().map_or(0, |(position, _)| *position);
    let variables = json!({ "after": after.to_string() });
    socket.subscribe("1", CREATED, &variables).await?;
    for _ in 0..part {
        let payload = socket.payload("1").await?;
        let position = position(&payload)?;
        let before = messages.last().map_or(0, |(position, _)| *position);
        if position <= before {
            return Err(Wrong(format!("{position} after {before}")).into());
        }
        let product = &payload["data"]["productCreated"];
        let id = product["id"].as_str();
        messages.push((position, id.context("an id")?.to_owned()));
        if product["name"] == LAST {
            return Ok(true);
        }
    }
    Ok(false)
}
