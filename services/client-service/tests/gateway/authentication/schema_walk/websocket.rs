//! The walk over `WebSockets`.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use test_shop::{PROTOCOL, Socket};
use test_tokens::Secrets;

use super::denial;
use super::root_fields::{RootField, root_fields};
use super::token_kinds::{Expected, TokenKind};
use crate::test_gateway::TestGateway;

fn payload(authorization: Option<&str>) -> Value {
    match authorization {
        Some(value) => json!({"Authorization": value}),
        None => json!({}),
    }
}

#[tokio::test]
async fn an_invalid_token_opens_no_socket() -> Result<()> {
    let secrets = Secrets::create()?;
    let gateway = TestGateway::open_secured(&secrets, &[]).await?;
    for kind in TokenKind::ALL.into_iter().filter(|kind| kind.is_invalid()) {
        let mut socket = Socket::connect(gateway.address(), PROTOCOL).await?;
        let payload = payload(kind.authorization(&secrets).as_deref());
        let init = json!({"type": "connection_init", "payload": payload});
        socket.send(&init).await?;
        assert_eq!(socket.closed().await?.0, 4403, "{kind:?}");
    }
    assert_eq!(gateway.wire.methods(), [""; 0]);
    Ok(())
}

/// Starts the operation and returns the error for which it was denied. It is decided before the next operation starts, so
/// that an operation that is allowed needs not to end.
async fn denied(socket: &mut Socket, field: &RootField) -> Result<Option<String>> {
    let (name, next) = (&field.name, format!("after {}", field.name));
    socket.subscribe(name, &field.document, &json!({})).await?;
    socket
        .subscribe(&next, "{ __typename }", &json!({}))
        .await?;
    let mut code = None;
    loop {
        let message = socket.next().await?;
        if message["id"] == name.as_str() {
            let errors = match message["type"].as_str() {
                Some("error") => &message["payload"],
                _ => &message["payload"]["errors"],
            };
            code = code.or_else(|| denial(errors).map(ToOwned::to_owned));
        } else if message["id"] == next && message["type"] == "complete" {
            break;
        }
    }
    socket
        .send(&json!({"id": name, "type": "complete"}))
        .await?;
    Ok(code)
}

#[tokio::test]
async fn each_field_is_allowed_or_rejected_by_its_access() -> Result<()> {
    let secrets = Secrets::create()?;
    let gateway = TestGateway::open_secured(&secrets, &[]).await?;
    for is_allowed in [false, true] {
        for kind in TokenKind::ALL.into_iter().filter(|kind| !kind.is_invalid()) {
            let payload = payload(kind.authorization(&secrets).as_deref());
            let mut socket = Socket::open_with(gateway.address(), &payload).await?;
            for field in root_fields()? {
                let expected = kind.expected(field.access);
                if (expected == Expected::Allowed) != is_allowed {
                    continue;
                }
                let got = denied(&mut socket, &field).await;
                let got = got.with_context(|| format!("{kind:?} {}", field.name))?;
                let code = expected.rejection().map(|(_, code, _)| code);
                assert_eq!(got.as_deref(), code, "{kind:?} {}", field.name);
                let calls = gateway.wire.methods();
                ensure!(is_allowed || calls.is_empty(), "{}: {calls:?}", field.name);
            }
        }
        ensure!(gateway.events().await?.is_empty() != is_allowed);
    }
    Ok(())
}
