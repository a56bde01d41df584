//! The walk over HTTP; subscriptions as event streams.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use platform::config::AppEnv;
use serde_json::{Value, json};
use test_shop::Request;
use test_tokens::Secrets;
use tokio::time::timeout;

use super::denial;
use super::root_fields::{Operation, RootField, root_fields};
use super::token_kinds::{Expected, TokenKind};
use crate::event_streams::Events;
use crate::test_gateway::TestGateway;

const TIMEOUT: Duration = Duration::from_secs(30);
const MEDIA: [&str; 2] = ["application/graphql-response+json", "application/json"];

fn request(field: &RootField, accept: &str, authorization: Option<&str>) -> Request {
    let body = json!({"query": field.document}).to_string();
    let request = Request::post_json("/graphql", body).with_header("accept", accept);
    match authorization {
        Some(value) => request.with_header("authorization", value),
        None => request,
    }
}

/// The media types that a field is asked for with.
fn media(field: &RootField) -> Vec<&'static str> {
    match field.operation {
        Operation::Subscription => vec!["text/event-stream"],
        Operation::Query | Operation::Mutation => [&MEDIA[..], &["text/event-stream"]].concat(),
    }
}

/// Sends a request that must be executed, and returns its result.
async fn executed(
    gateway: &TestGateway,
    field: &RootField,
    authorization: Option<&str>,
) -> Result<Value> {
    if field.operation == Operation::Subscription {
        let header = authorization.map(|value| format!("authorization: {value}\r\n"));
        let body = json!({"query": field.document});
        Events::request(gateway, &header.unwrap_or_default(), &body).await?;
        return Ok(Value::Null);
    }
    let request = request(field, MEDIA[0], authorization);
    let reply = gateway.send(&request).await?;
    ensure!(reply.status == 200, "{} {:?}", reply.status, reply.body);
    ensure!(reply.header("www-authenticate").is_none());
    reply.json()
}

#[tokio::test]
async fn what_may_not_be_done_is_rejected_and_reaches_no_service() -> Result<()> {
    let secrets = Secrets::create()?;
    let gateway = TestGateway::open_secured(&secrets, &[]).await?;
    let mut rejected = 0;
    for field in root_fields()? {
        for kind in TokenKind::ALL {
            let Some(expected) = kind.expected(field.access).rejection() else {
                continue;
            };
            let authorization = kind.authorization(&secrets);
            for accept in media(&field) {
                let request = request(&field, accept, authorization.as_deref());
                // An event stream would not end.
                let sent = timeout(TIMEOUT, gateway.send(&request)).await;
                let reply = sent.with_context(|| format!("{kind:?} {}", field.name))??;
                let body = reply.json()?;
                let code = body["errors"][0]["extensions"]["code"].as_str();
                let got = (
                    reply.status.as_u16(),
                    code.context("a code")?,
                    reply.header("www-authenticate"),
                );
                assert_eq!(got, expected, "{kind:?} {} {accept}: {body}", field.name);
                ensure!(body.get("data").is_none(), "{body}");
                rejected += 1;
            }
            let calls = gateway.wire.methods();
            ensure!(calls.is_empty(), "{kind:?} {}: {calls:?}", field.name);
        }
    }
    ensure!(rejected > 500, "{rejected}");
    ensure!(gateway.events().await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn what_may_be_done_is_executed() -> Result<()> {
    let secrets = Secrets::create()?;
    let gateway = TestGateway::open_secured(&secrets, &[]).await?;
    let mut allowed = 0;
    for field in root_fields()? {
        for kind in TokenKind::ALL {
            if kind.expected(field.access) != Expected::Allowed {
                continue;
            }
            let authorization = kind.authorization(&secrets);
            let body = executed(&gateway, &field, authorization.as_deref()).await;
            let body = body.with_context(|| format!("{kind:?} {}", field.name))?;
            let code = denial(&body["errors"]);
            assert_eq!(code, None, "{kind:?} {}: {body}", field.name);
            allowed += 1;
        }
    }
    ensure!(allowed > 100, "{allowed}");
    ensure!(!gateway.events().await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn without_authentication_everything_is_allowed_and_tokens_are_ignored() -> Result<()> {
    let secrets = Secrets::create()?;
    let gateway = TestGateway::open_with(AppEnv::Development, &[("AUTH", "off")]).await?;
    for field in root_fields()? {
        for kind in TokenKind::ALL {
            let authorization = kind.authorization(&secrets);
            let body = executed(&gateway, &field, authorization.as_deref()).await?;
            let code = denial(&body["errors"]);
            assert_eq!(code, None, "{kind:?} {}: {body}", field.name);
        }
    }
    for call in gateway.wire.take() {
        let signature = call.metadata.get("authorization");
        ensure!(signature.is_none(), "{} is signed", call.path);
    }
    Ok(())
}
