//! `WebSockets` and event streams: where the token is, and what its expiry ends.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use chrono::{TimeDelta, Timelike};
use event_sourcing::clock::ManualClock;
use event_sourcing::{Clock, SystemClock};
use platform::config::AppEnv;
use serde_json::{Value, json};
use test_shop::{PROTOCOL, Socket, handshake};
use test_tokens::{Secrets, Token};

use super::authorised::Client;
use crate::event_streams::Events;
use crate::test_gateway::TestGateway;

const ORDERS: &str = "query($u: ID!) { userOrders(userId: $u) { id } }";
const DELETED: &str = "subscription { productDeleted }";

/// The first error's code of a query of a user's orders; null if it has none.
async fn asked(socket: &mut Socket, user: &str) -> Result<Value> {
    socket.subscribe(user, ORDERS, &json!({"u": user})).await?;
    let message = socket.next().await?;
    if message["type"] == "error" {
        return Ok(message["payload"][0]["extensions"]["code"].clone());
    }
    let completed = socket.next().await?;
    ensure!(completed["type"] == "complete", "{completed}");
    Ok(message["payload"]["errors"][0]["extensions"]["code"].clone())
}

async fn closed(gateway: &TestGateway, headers: &str, payload: &Value) -> Result<(u16, String)> {
    let mut socket = Socket::connect_with(gateway.address(), PROTOCOL, headers).await?;
    let init = json!({"type": "connection_init", "payload": payload});
    socket.send(&init).await?;
    socket.closed().await
}

#[tokio::test]
async fn the_payload_names_the_sender_in_any_case() -> Result<()> {
    let secrets = Secrets::create()?;
    let gateway = TestGateway::open_secured(&secrets, &[]).await?;
    let anna = Client::customer(&gateway, &secrets, "anna");
    for name in ["Authorization", "authorization", "AUTHORIZATION"] {
        let payload = json!({"other": 1, name: anna.authorization});
        let mut socket = Socket::open_with(gateway.address(), &payload).await?;
        assert_eq!(asked(&mut socket, "anna").await?, Value::Null, "{name}");
        assert_eq!(asked(&mut socket, "boris").await?, "FORBIDDEN", "{name}");
    }
    for payload in [
        json!({}),
        json!({"token": anna.authorization}),
        json!({"Authorization": null}),
        json!({"Authorization": ""}),
        Value::Null,
    ] {
        let mut socket = Socket::open_with(gateway.address(), &payload).await?;
        assert_eq!(asked(&mut socket, "anna").await?, "UNAUTHENTICATED");
    }
    for wrong in [json!("Bearer x"), json!("anna"), json!(7), json!([])] {
        let payload = json!({"Authorization": wrong});
        let (code, reason) = closed(&gateway, "", &payload).await?;
        assert_eq!(code, 4403, "{payload}: {reason}");
        ensure!(!reason.is_empty());
    }
    Ok(())
}

#[tokio::test]
async fn the_payload_wins_over_the_header_of_the_handshake() -> Result<()> {
    let secrets = Secrets::create()?;
    let gateway = TestGateway::open_secured(&secrets, &[]).await?;
    let anna = Client::customer(&gateway, &secrets, "anna");
    let boris = Client::customer(&gateway, &secrets, "boris");
    for (payload, sender, other) in [
        (json!({}), "anna", "boris"),
        (boris.payload(), "boris", "anna"),
    ] {
        let (address, header) = (gateway.address(), anna.header());
        let mut socket = Socket::connect_with(address, PROTOCOL, &header).await?;
        socket.initialise(&payload).await?;
        assert_eq!(asked(&mut socket, sender).await?, Value::Null);
        assert_eq!(asked(&mut socket, other).await?, "FORBIDDEN");
    }
    let invalid = json!({"Authorization": "Bearer x"});
    assert_eq!(closed(&gateway, &anna.header(), &invalid).await?.0, 4403);
    let headers = format!("sec-websocket-protocol: {PROTOCOL}\r\nauthorization: Bearer x\r\n");
    let (answer, _) = handshake(gateway.address(), &headers).await?;
    ensure!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    ensure!(
        answer.contains("www-authenticate: Bearer error=\"invalid_token\""),
        "{answer}"
    );
    Ok(())
}

#[tokio::test]
async fn the_sender_of_a_socket_does_not_change() -> Result<()> {
    let secrets = Secrets::create()?;
    let gateway = TestGateway::open_secured(&secrets, &[]).await?;
    let anna = Client::customer(&gateway, &secrets, "anna");
    let mut socket = Socket::open_with(gateway.address(), &anna.payload()).await?;
    let admin = Client::admin(&gateway, &secrets);
    let again = json!({"type": "connection_init", "payload": admin.payload()});
    socket.send(&again).await?;
    assert_eq!(socket.closed().await?.0, 4429);
    Ok(())
}

/// A gateway whose clock does not move, and a token with a second left of the time that clocks may differ by.
async fn with_an_expiring_token() -> Result<(Secrets, TestGateway, String)> {
    let secrets = Secrets::create()?;
    let now = SystemClock.now().with_nanosecond(0).unwrap_or_default();
    let token = Token::of("anna", &["customer"]);
    let token = token.valid(now - TimeDelta::hours(1), now - TimeDelta::seconds(29));
    let authorization = secrets.authorization_of(&token);
    let clock = Arc::new(ManualClock::new(now));
    let settings = secrets.settings();
    let gateway = TestGateway::open_at(AppEnv::Development, &settings, clock).await?;
    Ok((secrets, gateway, authorization))
}

/// Moves the clock of the timers, which real connections must not see paused.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

#[tokio::test]
async fn the_expiry_of_the_token_closes_the_socket() -> Result<()> {
    let (secrets, gateway, authorization) = with_an_expiring_token().await?;
    let header = format!("authorization: {authorization}\r\n");
    let mut by_header = Socket::connect_with(gateway.address(), PROTOCOL, &header).await?;
    by_header.initialise(&json!({})).await?;
    let payload = json!({"Authorization": authorization});
    let mut by_payload = Socket::open_with(gateway.address(), &payload).await?;
    let other = Client::customer(&gateway, &secrets, "anna");
    let mut longer = Socket::open_with(gateway.address(), &other.payload()).await?;
    let mut replaced = Socket::connect_with(gateway.address(), PROTOCOL, &header).await?;
    replaced.initialise(&other.payload()).await?;
    for socket in [&mut by_header, &mut by_payload, &mut longer, &mut replaced] {
        socket.subscribe("1", DELETED, &json!({})).await?;
        socket.ping().await?;
    }
    pass(Duration::from_secs(2)).await;
    for mut socket in [by_header, by_payload] {
        let expected = (4403, "the token has expired".to_owned());
        assert_eq!(socket.closed().await?, expected);
    }
    for mut socket in [longer, replaced] {
        socket.ping().await?;
    }
    Ok(())
}

#[tokio::test]
async fn the_expiry_of_the_token_ends_an_event_stream() -> Result<()> {
    let (_secrets, gateway, authorization) = with_an_expiring_token().await?;
    let header = format!("authorization: {authorization}\r\n");
    let body = json!({"query": DELETED});
    let events = Events::request(&gateway, &header, &body).await?;
    let open = Events::request(&gateway, "", &body).await?;
    pass(Duration::from_secs(2)).await;
    ensure!(events.rest().await?.is_empty(), "an event at the expiry");
    // A stream without a token does not expire: it ends with the gateway.
    gateway.stop(Duration::from_secs(30)).await?;
    open.rest().await?;
    Ok(())
}
