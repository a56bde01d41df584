//! Clients of subscriptions that do not read, or too slowly: they are closed, and resume without missing a change.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use platform::config::AppEnv;
use serde_json::{Value, json};
use test_shop::{Socket, position, until};

use super::event_streams::Events;
use super::test_gateway::TestGateway;

const UPDATES: usize = 600;
const SMALL: &str = "subscription { productUpdated(after: \"0\") { version } }";
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// A subscription with large messages, which fill the buffers of the operating system soon.
fn large() -> String {
    let fields: Vec<String> = (0..28).map(|n| format!("d{n}: description")).collect();
    format!(
        "subscription($after: String) {{ productUpdated(after: $after) {{ version {} }} }}",
        fields.join(" ")
    )
}

/// Updates a product many times. Another subscriber gets each change at once.
async fn update(gateway: &TestGateway, product: &str) -> Result<u64> {
    let mut fast = Socket::open(gateway.address()).await?;
    fast.subscribe("1", SMALL, &json!({})).await?;
    let update = "mutation($id: ID!, $d: String!) { updateProduct(input: {id: $id, description: $d}) { version } }";
    let mut last = 0;
    for number in 0..UPDATES {
        // Where a large message has no room, a small one may have.
        let length = if number % 2 == 0 { 990 } else { 1 };
        let description = format!("{number}{}", "x".repeat(length));
        let variables = json!({"id": product, "d": description});
        gateway.data(update, variables).await?;
        last = position(&fast.payload("1").await?)?;
    }
    Ok(last)
}

/// All changes are in the messages, once and in order.
async fn nothing_is_missing(gateway: &TestGateway, messages: &[u64]) -> Result<()> {
    let events = gateway.events().await?;
    let events = events
        .iter()
        .filter(|event| event.event_type == "ProductUpdated");
    let all: Vec<u64> = events.map(|event| event.position.0).collect();
    assert_eq!(all.len(), UPDATES);
    assert_eq!(messages, all, "nothing is missing and nothing comes twice");
    Ok(())
}

#[tokio::test]
async fn a_socket_that_is_not_read_is_closed_and_resumes() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let product = gateway.product("Lamp", None).await?;
    let mut slow = Socket::open(gateway.address()).await?;
    slow.subscribe("1", &large(), &json!({"after": "0"}))
        .await?;
    let last = update(&gateway, &product).await?;
    let mut messages = Vec::new();
    let (code, reason) = loop {
        match slow.payload("1").await {
            Ok(payload) => messages.push(position(&payload)?),
            Err(_) => break slow.closed().await.unwrap_or((4410, "too slow".to_owned())),
        }
    };
    assert_eq!((code, reason.as_str()), (4410, "too slow"));
    let got = messages.last().copied().context("a message")?;
    ensure!(got < last, "it was closed before the end");
    let mut again = Socket::open(gateway.address()).await?;
    let after = json!({"after": got.to_string()});
    again.subscribe("1", &large(), &after).await?;
    while messages.last().is_some_and(|it| *it < last) {
        messages.push(position(&again.payload("1").await?)?);
    }
    nothing_is_missing(&gateway, &messages).await
}

#[tokio::test]
async fn an_event_stream_that_is_not_read_ends_and_resumes() -> Result<()> {
    let settings = [("GRAPHQL_MAX_SUBSCRIPTIONS", "2")];
    let gateway = TestGateway::open_with(AppEnv::Development, &settings).await?;
    let product = gateway.product("Lamp", None).await?;
    let body = json!({"query": large(), "variables": {"after": "0"}});
    let mut slow = Events::request(&gateway, "", &body).await?;
    let last = update(&gateway, &product).await?;
    until("there is room for two subscriptions", async || {
        let [mut one, mut two] = [
            Socket::open(gateway.address()).await?,
            Socket::open(gateway.address()).await?,
        ];
        for socket in [&mut one, &mut two] {
            socket.subscribe("1", SMALL, &json!({})).await?;
            socket.payload("1").await?;
        }
        Ok(())
    })
    .await?;
    let mut messages = Vec::new();
    while let Ok(event) = slow.next().await {
        assert_eq!(event.name, "next");
        messages.push(position(&event.json()?)?);
    }
    let got = messages.last().copied().context("a message")?;
    ensure!(got < last, "it ended before the end");
    let resumed = format!("last-event-id: {got}\r\n");
    let mut again = Events::request(&gateway, &resumed, &body).await?;
    while messages.last().is_some_and(|it| *it < last) {
        messages.push(position(&again.next().await?.json()?)?);
    }
    nothing_is_missing(&gateway, &messages).await
}

#[tokio::test]
async fn a_stop_does_not_wait_for_clients_that_do_not_read() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let product = gateway.product("Lamp", None).await?;
    let variables: Value = json!({"after": "0"});
    let body = json!({"query": large(), "variables": variables});
    let stream = Events::request(&gateway, "", &body).await?;
    let mut socket = Socket::open(gateway.address()).await?;
    socket.subscribe("1", &large(), &variables).await?;
    update(&gateway, &product).await?;
    gateway.stop(STOP_LIMIT).await?;
    drop((stream, socket));
    Ok(())
}
