//! Events that are posted to webhook endpoints.

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{MethodRouter, post};
use serde_json::Value;
use test_shop::{Connection, Folder, Process, Request, until};
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};

use crate::support::{Shop, open_with, printed, stocked};

const WAIT_TIMEOUT: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(20);

const METRICS: &str = "COMMAND_METRICS_ADDR";

/// An endpoint that fails the first delivery of each event and accepts the second.
#[derive(Clone, Default)]
struct Endpoint {
    /// The number of deliveries, by event id.
    tries: Arc<Mutex<BTreeMap<String, u32>>>,
    /// The accepted events.
    taken: Arc<Mutex<Vec<Value>>>,
}

impl Endpoint {
    async fn open() -> Result<(Self, String)> {
        let endpoint = Self::default();
        let hooks = post(receive).with_state(endpoint.clone());
        Ok((endpoint, serve(hooks).await?))
    }

    /// Waits until the last accepted event has the type `last`, and returns the types of all.
    async fn until(&self, last: &str) -> Result<Vec<String>> {
        let deadline = Instant::now() + WAIT_TIMEOUT;
        loop {
            let taken = self.taken.lock().expect("no panic").clone();
            let types = taken.iter().map(|event| event["type"].as_str());
            let types: Option<Vec<_>> = types.map(|name| name.map(str::to_owned)).collect();
            let types = types.context("a type")?;
            if types.last().is_some_and(|name| name == last) {
                return Ok(types);
            }
            if Instant::now() > deadline {
                bail!("timeout: {types:?}");
            }
            sleep(LOOK_EVERY).await;
        }
    }
}

/// Serves an endpoint, and returns its URL.
async fn serve(hooks: MethodRouter) -> Result<String> {
    let router = Router::new().route("/hooks", hooks);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/hooks", listener.local_addr()?);
    // The task ends with the test's runtime.
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(url)
}

/// Starts a shop that posts these events to an endpoint.
async fn open_posting(folder: &Folder, url: &str, events: &[&str]) -> Result<Process> {
    let file = folder.path().join("webhooks.toml");
    let text = format!(
        "[[endpoint]]\nname = \"warehouse\"\nurl = \"{url}\"\n\
         secret = \"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"\nevents = {events:?}\n"
    );
    fs::write(&file, text)?;
    let file = file.display().to_string();
    open_with(folder, &[("WEBHOOKS_FILE", file.as_str())]).await
}

async fn receive(State(endpoint): State<Endpoint>, headers: HeaderMap, body: String) -> StatusCode {
    let id = headers.get("webhook-id").and_then(|id| id.to_str().ok());
    let Some(id) = id.map(str::to_owned) else {
        return StatusCode::BAD_REQUEST;
    };
    let mut tries = endpoint.tries.lock().expect("no panic");
    let count = tries.entry(id).or_default();
    *count += 1;
    if *count == 1 {
        return StatusCode::INTERNAL_SERVER_ERROR;
    }
    if let Ok(event) = serde_json::from_str(&body) {
        endpoint.taken.lock().expect("no panic").push(event);
    }
    StatusCode::NO_CONTENT
}

#[tokio::test]
async fn the_events_of_an_order_are_posted_in_order_and_each_is_retried_until_accepted()
-> Result<()> {
    let folder = Folder::create()?;
    let (endpoint, url) = Endpoint::open().await?;
    let events = ["OrderCreated", "OrderConfirmed", "OrderShipped"];
    let running = open_posting(&folder, &url, &events).await?;
    stocked(&running, "Sencha", "19.90", 100).await?;
    let shop = Shop::of(&running)?;
    let listed = printed(&shop.run(&["handlers", "list"]));
    assert!(listed.contains("webhooks:warehouse"), "{listed}");
    let order = shop.confirmed_order()?;
    endpoint.until("OrderConfirmed").await?;
    printed(&shop.run(&["order", "ship", &order]));
    let types = endpoint.until("OrderShipped").await?;
    assert_eq!(types, ["OrderCreated", "OrderConfirmed", "OrderShipped"]);
    let taken = endpoint.taken.lock().expect("no panic");
    let subject = Value::from(format!("order/{order}"));
    assert!(taken.iter().all(|event| event["subject"] == subject));
    Ok(())
}

#[tokio::test]
async fn an_event_that_an_endpoint_declines_permanently_is_counted_and_skipped() -> Result<()> {
    let folder = Folder::create()?;
    let url = serve(post(async || StatusCode::GONE)).await?;
    let running = open_posting(&folder, &url, &["ProductCreated"]).await?;
    stocked(&running, "Sencha", "19.90", 100).await?;
    let declined = "webhooks_declined_total{endpoint=\"warehouse\"} 1";
    until("the declined event is counted", async || {
        let mut connection = Connection::open(running.address(METRICS)?).await?;
        let reply = connection.send(&Request::get("/metrics")).await?;
        let metrics = String::from_utf8(reply.body.to_vec())?;
        ensure!(metrics.lines().any(|line| line == declined), "{metrics}");
        Ok(())
    })
    .await?;
    let shown = printed(&Shop::of(&running)?.run(&["handlers", "show", "webhooks:warehouse"]));
    let is_clear = |line: &str| line.split_whitespace().eq(["Parked", "streams", "0"]);
    assert!(shown.lines().any(is_clear), "{shown}");
    Ok(())
}
