//! Another customer's order and one that does not exist get equal answers, by equal work.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use anyhow::{Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use metrics::{
    Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit,
    set_default_local_recorder,
};
use serde_json::{Value, json};
use test_shop::{Reply, Request};
use test_tokens::Secrets;

use crate::authentication::authorised::{CANCEL, Client};
use crate::test_gateway::{TestGateway, graphql};

/// What the caches of the read side counted: hits and misses of each table.
#[derive(Debug, Default)]
struct CacheCounters(Mutex<BTreeMap<Key, Arc<AtomicU64>>>);

impl CacheCounters {
    fn counts(&self) -> Vec<u64> {
        self.with(|_| true)
    }

    fn misses(&self) -> u64 {
        let is_miss = |key: &Key| key.labels().any(|label| label.value() == "miss");
        self.with(is_miss).into_iter().sum()
    }

    fn with(&self, is_meant: impl Fn(&Key) -> bool) -> Vec<u64> {
        let counters = self.0.lock().expect("not poisoned");
        let counters = counters
            .iter()
            .filter(|(key, _)| key.name() == "cache_requests_total" && is_meant(key));
        counters
            .map(|(_, count)| count.load(Ordering::Relaxed))
            .collect()
    }
}

impl Recorder for CacheCounters {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let mut counters = self.0.lock().expect("not poisoned");
        Counter::from_arc(Arc::clone(counters.entry(key.clone()).or_default()))
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

/// All there is to see of an answer, without what differs between any two: the id that was given, the time and the position.
fn shape(reply: &Reply, id: &str) -> Result<(u16, Vec<String>, String)> {
    let replaced = |text: &str| {
        let text = text.replace(&node_id(id), "<node id>");
        text.replace(id, "<id>")
    };
    let mut headers: Vec<String> = reply
        .headers
        .iter()
        .map(|(name, value)| match name.as_str() {
            "date" | "x-request-id" | "x-min-position" => name.to_string(),
            _ => format!("{name}: {}", replaced(value.to_str().unwrap_or_default())),
        })
        .collect();
    headers.sort_unstable();
    let mut body = replaced(std::str::from_utf8(&reply.body)?);
    for name in ["timestamp", "position"] {
        let start = format!("\"{name}\":\"");
        let parts: Vec<&str> = body.split(&start).collect();
        let (first, rest) = parts.split_first().unwrap_or((&"", &[]));
        let rest = rest.iter().map(|part| {
            let (_, after) = part.split_once('"').unwrap_or_default();
            format!("\"{name}\":{after}")
        });
        body = std::iter::once((*first).to_owned()).chain(rest).collect();
    }
    Ok((reply.status.as_u16(), headers, body))
}

fn node_id(id: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("Order:{id}"))
}

/// Every request that names an order.
fn requests(id: &str, own: &str) -> Vec<Request> {
    let node = node_id(id);
    let queries: [(&str, Value); 7] = [
        (
            "query($v: ID!) { order(id: $v) { id userId sagaState { state } } }",
            json!(id),
        ),
        (
            "query($v: ID!) { sagaState(orderId: $v) { state } }",
            json!(id),
        ),
        (
            "query($v: ID!) { sagaStatus(orderId: $v) { sagaId } }",
            json!(id),
        ),
        (
            "query($v: ID!) { node(id: $v) { ... on Order { id } } }",
            json!(node),
        ),
        (
            "query($v: [ID!]!) { nodes(ids: $v) { nodeId ... on Order { userId } } }",
            json!([node_id(own), node]),
        ),
        (CANCEL, json!({"orderId": id, "reason": "mine"})),
        ("mutation($v: ID!) { shipOrder(id: $v) { id } }", json!(id)),
    ];
    let post = |(query, v): (&str, Value)| graphql(query, &json!({ "v": v }));
    let mut all: Vec<Request> = queries.into_iter().map(post).collect();
    let document = format!("query=%7Border(id:%22{id}%22)%7Bid%7D%7D");
    all.push(Request::get(&format!("/graphql?{document}")));
    let cancel = graphql(CANCEL, &json!({"v": {"orderId": id}}));
    // Not the same key: it would be another request with it.
    all.push(cancel.with_header("idempotency-key", &format!("cancel {id}")));
    all
}

#[tokio::test]
async fn anothers_order_is_as_one_that_does_not_exist() -> Result<()> {
    let counters = CacheCounters::default();
    // The test's runtime has one thread, which the services share.
    let _recording = set_default_local_recorder(&counters);
    let secrets = Secrets::create()?;
    let gateway = TestGateway::open_secured(&secrets, &[]).await?;
    let admin = Client::admin(&gateway, &secrets);
    let product = admin.product().await?;
    let anna = Client::customer(&gateway, &secrets, "anna");
    let boris = Client::customer(&gateway, &secrets, "boris");
    let own = boris.place(&product).await?;
    boris.until(&own, "CONFIRMED").await?;
    let other = anna.place(&product).await?;
    anna.until(&other, "CONFIRMED").await?;
    let missing = "01a228df-0000-7000-8000-b079ee98cee0";
    ensure!(missing.len() == other.len());

    for is_cached in [false, true] {
        if is_cached {
            // Its owner reads it in every way.
            for request in requests(&other, &other).into_iter().take(5) {
                anna.send(request).await?;
            }
        }
        let pairs = requests(&other, &own).into_iter();
        for (foreign, absent) in pairs.zip(requests(missing, &own)) {
            // Its own order, which some of the requests name too, is in the cache.
            test_shop::until("the cache", async || {
                let before = counters.misses();
                boris.until(&own, "CONFIRMED").await?;
                ensure!(counters.misses() == before, "a miss");
                Ok(())
            })
            .await?;
            let mut seen = Vec::new();
            for (request, id) in [(foreign, other.as_str()), (absent, missing)] {
                gateway.wire.take();
                let before = counters.counts();
                let reply = boris.send(request).await?;
                let after = counters.counts().into_iter();
                let work: Vec<u64> = after.zip(before).map(|(new, old)| new - old).collect();
                seen.push((shape(&reply, id)?, gateway.wire.methods(), work));
            }
            assert_eq!(seen[0], seen[1], "cached: {is_cached}");
        }
    }
    assert_eq!(
        anna.code(CANCEL, json!({"v": {"orderId": missing}}))
            .await?,
        "NOT_FOUND"
    );
    anna.until(&other, "CONFIRMED").await?;
    let cancelled = anna.data(CANCEL, json!({"v": {"orderId": other}})).await?;
    assert_eq!(cancelled["cancelOrder"], true);
    Ok(())
}
