//! The id of a request: in its response, in calls to the services, and in the events that it causes.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use event_sourcing::Envelope;
use serde_json::json;
use test_shop::{Reply, Request, until};

use super::test_gateway::{RecordedCall, TestGateway, graphql, text};

const ID: &str = "x-request-id";
const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const CREATE_CATEGORY: &str =
    "mutation { createCategory(input: {name: \"Tea\"}) { id products { id } } }";

fn id_of(reply: &Reply) -> Result<&str> {
    let mut ids = reply.headers.get_all(ID).iter();
    let id = ids.next().context("no X-Request-Id")?;
    ensure!(ids.next().is_none(), "several ids");
    Ok(id.to_str()?)
}

/// The values of a metadata key over these calls; `None` where it is missing.
fn values(calls: &[RecordedCall], key: &str) -> BTreeSet<Option<String>> {
    let value = |call: &RecordedCall| Some(call.metadata.get(key)?.to_str().ok()?.to_owned());
    calls.iter().map(value).collect()
}

fn only(value: &str) -> BTreeSet<Option<String>> {
    BTreeSet::from([Some(value.to_owned())])
}

#[tokio::test]
async fn every_response_has_the_id_of_its_request() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let requests = [
        graphql("{ categories { id } }", &json!({})),
        graphql("{ nothing }", &json!({})),
        graphql("{", &json!({})),
        graphql("{ category(id: \"none\") { id } }", &json!({})),
        graphql(CREATE_CATEGORY, &json!({})).with_header("idempotency-key", ""),
        Request::post_json("/graphql", "not JSON"),
        Request::post_json("/graphql", vec![b' '; 200 * 1024]),
        Request::get("/graphql").with_header("accept", "image/png"),
        Request::get("/nowhere"),
        Request::get("/health/ready"),
        Request::get("/metrics"),
        Request::get("/graphiql").with_header("host", "elsewhere.example"),
        Request::get("/graphql")
            .with_header("host", "a")
            .with_header("host", "b"),
    ];
    let mut statuses = BTreeSet::new();
    for (number, request) in requests.into_iter().enumerate() {
        let id = format!("request-{number}");
        let reply = gateway.send(&request.with_header(ID, &id)).await?;
        assert_eq!(id_of(&reply)?, id, "{}", reply.status);
        statuses.insert(reply.status.as_u16());
    }
    ensure!(statuses.len() >= 5, "too much alike: {statuses:?}");
    Ok(())
}

#[tokio::test]
async fn an_invalid_id_is_replaced_by_a_new_one() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let longest = "x".repeat(128);
    let too_long = "x".repeat(129);
    let mut made = BTreeSet::new();
    for (given, is_taken) in [
        (Some(longest.as_str()), true),
        (Some(too_long.as_str()), false),
        (Some("two words"), false),
        (Some(""), false),
        (None, false),
    ] {
        gateway.wire.take();
        let mut request = graphql("{ categories { id } }", &json!({}));
        if let Some(given) = given {
            request = request.with_header(ID, given);
        }
        let reply = gateway.send(&request).await?;
        let id = id_of(&reply)?.to_owned();
        assert_eq!(given == Some(&id), is_taken, "{given:?} became {id}");
        let asked = values(&gateway.wire.take(), "x-correlation-id");
        assert_eq!(asked, only(&id));
        if !is_taken {
            ensure!(
                id.len() == 36 && id.as_bytes()[14] == b'7',
                "{id} is no UUIDv7"
            );
            ensure!(made.insert(id), "the same id twice");
        }
    }
    Ok(())
}

#[tokio::test]
async fn every_call_of_a_request_carries_its_id_and_its_trace() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let request = graphql(CREATE_CATEGORY, &json!({}))
        .with_header(ID, "request-7")
        .with_header("idempotency-key", "key")
        .with_header("traceparent", PARENT)
        .with_header("tracestate", "vendor=1");
    let reply = gateway.send(&request).await?;
    assert_eq!(reply.status, 200, "{:?}", reply.body);
    let calls = gateway.wire.take();
    let methods: BTreeSet<_> = calls
        .iter()
        .filter_map(|call| call.path.rsplit('/').next())
        .collect();
    for method in ["Begin", "Create", "Finish"] {
        ensure!(methods.contains(method), "{methods:?}");
    }
    assert_eq!(values(&calls, "x-correlation-id"), only("request-7"));
    assert_eq!(values(&calls, "traceparent"), only(PARENT));
    assert_eq!(values(&calls, "tracestate"), only("vendor=1"));

    let malformed = PARENT.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32));
    let request =
        graphql("{ categories { id } }", &json!({})).with_header("traceparent", &malformed);
    gateway.send(&request).await?;
    assert_eq!(
        values(&gateway.wire.take(), "traceparent"),
        BTreeSet::from([None])
    );
    Ok(())
}

#[tokio::test]
async fn the_events_of_an_order_and_its_saga_record_the_id_and_the_trace() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let product = gateway.product("Sencha", None).await?;
    let before = gateway.events().await?.len();
    let create = "mutation($v: CreateOrderInput!) { createOrder(input: $v) { id } }";
    let input = json!({"v": {"userId": "ann", "items": [{"productId": product, "quantity": 1}]}});
    let request = graphql(create, &input)
        .with_header(ID, "order-request")
        .with_header("traceparent", PARENT);
    let order = gateway.send(&request).await?.json()?;
    let order = text(&order["data"]["createOrder"]["id"])?;
    let is_confirmed = |event: &Envelope| event.event_type == "OrderConfirmed";
    until("the end of the saga", async || {
        ensure!(gateway.events().await?.iter().any(is_confirmed));
        Ok(())
    })
    .await?;
    let events = gateway.events().await?.split_off(before);
    ensure!(events.len() >= 8, "{events:?}");
    let command = events[0].metadata.causation_id.clone();
    ensure!(command.is_some(), "{:?}", events[0]);
    for event in &events {
        let metadata = &event.metadata;
        assert_eq!(
            metadata.correlation_id.as_deref(),
            Some("order-request"),
            "{event:?}"
        );
        assert_eq!(metadata.causation_id, command, "{event:?}");
        assert_eq!(
            metadata.trace.get("traceparent").map(String::as_str),
            Some(PARENT)
        );
        assert_eq!(metadata.user_id, None, "there is no authentication yet");
    }
    // Another request about the same order has an id of its own.
    let cancel = "mutation($v: CancelOrderInput!) { cancelOrder(input: $v) }";
    let request = graphql(cancel, &json!({"v": {"orderId": order}})).with_header(ID, "second");
    gateway.send(&request).await?;
    let is_cancelled = |event: &Envelope| event.event_type == "OrderCancelled";
    until("the end of the second saga", async || {
        ensure!(gateway.events().await?.iter().any(is_cancelled));
        Ok(())
    })
    .await?;
    let later = gateway.events().await?.split_off(before + events.len());
    let ids: BTreeSet<_> = later
        .iter()
        .map(|event| event.metadata.correlation_id.as_deref())
        .collect();
    assert_eq!(ids, BTreeSet::from([Some("second")]));
    Ok(())
}
