//! What becomes of open connections when the gateway stops.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use serde_json::json;
use test_shop::{Socket, position};
use tokio::sync::Notify;

use super::event_streams::Events;
use super::test_gateway::{Fault, TestGateway, text};

const LIMIT: Duration = Duration::from_secs(30);
const CREATED: &str = "subscription { productCreated(after: \"0\") { id } }";

#[tokio::test]
async fn a_stop_ends_subscriptions_where_clients_can_resume() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let id = gateway.product("One", None).await?;
    let mut socket = Socket::open(gateway.address()).await?;
    socket.subscribe("1", CREATED, &json!({})).await?;
    let message = socket.payload("1").await?;
    assert_eq!(text(&message["data"]["productCreated"]["id"])?, id);
    let mut stream = Events::request(&gateway, "", &json!({"query": CREATED})).await?;
    let event = stream.next().await?;
    assert_eq!(event.id, position(&message)?.to_string());
    let mut idle = Socket::open(gateway.address()).await?;

    let stopped = tokio::spawn(gateway.stop(LIMIT));
    assert_eq!(socket.closed().await?.0, 1001);
    assert_eq!(idle.closed().await?.0, 1001);
    let after = stream.next().await;
    assert!(after.is_err(), "it ends without complete: {after:?}");
    drop((socket, idle));
    stopped.await?
}

#[tokio::test]
async fn a_mutation_over_a_socket_is_answered_before_it_closes() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let mut socket = Socket::open(gateway.address()).await?;
    socket.subscribe("s", CREATED, &json!({})).await?;
    socket.ping().await?;
    let held = Arc::new(Notify::new());
    let faults = [Fault::Held(Arc::clone(&held))];
    gateway
        .wire
        .break_next("/proto.CategoryCommand/Create", faults);
    let mutation = "mutation { createCategory(input: {name: \"Lamps\"}) { name } }";
    socket.subscribe("m", mutation, &json!({})).await?;
    gateway.wire.called("Create").await?;
    let stopped = tokio::spawn(gateway.stop(LIMIT));
    held.notify_one();
    let payload = socket.payload("m").await?;
    assert_eq!(payload["data"]["createCategory"]["name"], "Lamps");
    assert_eq!(socket.next().await?, json!({"id": "m", "type": "complete"}));
    assert_eq!(socket.closed().await?.0, 1001);
    drop(socket);
    stopped.await?
}
