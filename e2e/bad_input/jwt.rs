//! Tokens: the header that carries one, its form, its key and its claims. Each is sent to the gateway as a header and in the
//! payload of a WebSocket, or as the signature of a call to a service.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use contract::proto::AdminStatusParam;
use contract::proto::admin_client::AdminClient;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;
use test_shop::{PROTOCOL, Socket};
use test_tokens::Secrets;
use tonic::Request;
use tonic::metadata::MetadataValue;
use tonic::transport::Channel;

use super::run::{Target, check_shop};
use super::table::{Answer, EntryPoint};
use super::text::Names;
use super::wire::{self, Parts};
use crate::support::{Shop, Topology, on_with};

pub const JWT: EntryPoint = EntryPoint {
    name: "JWT",
    files: &[
        include_str!("cases/jwt/form.toml"),
        include_str!("cases/jwt/claims.toml"),
    ],
};

const OF_TOKENS: &str = "the secret of the tokens of the tables";
const OF_SERVICES: &str = "the secret of the services of the tables";
const HEADER: &str = r#"{"alg": "HS256", "typ": "JWT"}"#;
/// The call that asks for the head of the log.
const OF_THE_TABLES: &str = r#"signed: services
claims: {"iss": "rust-cqrs/gateway", "aud": "rust-cqrs/services", "sub": "tables", "roles": ["admin"], "nbf": <now>, "exp": <now+600>}"#;

/// The token that lines of a table describe, in the value of an `authorization`.
fn authorization(request: &[u8]) -> Result<Vec<u8>> {
    let line = |name: &str| {
        let mut lines = request.split(|byte| *byte == b'\n');
        let prefix = format!("{name}: ");
        lines.find_map(|line| line.strip_prefix(prefix.as_bytes()))
    };
    let header = encoded(line("header").unwrap_or(HEADER.as_bytes()));
    let claims = encoded(line("claims").context("no claims")?);
    let message = format!("{header}.{claims}");
    let secret = match line("signed").unwrap_or(b"tokens") {
        b"tokens" => OF_TOKENS,
        b"services" => OF_SERVICES,
        b"another" => "a secret that no process of this system has",
        other => bail!("no secret {:?}", String::from_utf8_lossy(other)),
    };
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())?;
    mac.update(message.as_bytes());
    let signature = encoded(&mac.finalize().into_bytes());
    let names = Names::default()
        .with("token", format!("{message}.{signature}"))
        .with("token's header", header)
        .with("token's claims", claims)
        .with("token's signature", signature);
    let value = line("authorization").unwrap_or(b"Bearer <token>");
    match std::str::from_utf8(value) {
        Ok(text) => names.fill(text),
        Err(_) => Ok(value.to_vec()),
    }
}

fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Sends a token to the gateway, or with the line `to: service` to the write side.
async fn send(shop: &Shop, channel: Channel, request: &[u8]) -> Result<Answer> {
    let value = authorization(request)?;
    let mut lines = request.split(|byte| *byte == b'\n');
    if lines.any(|line| line == b"to: service") {
        return call(channel, &value).await;
    }
    let gateway = shop.system.gateway(0)?;
    let head = b"GET /graphql?query={userOrders(userId:%22ann%22){id}} HTTP/1.1\nauthorization: ";
    let request = [&head[..], &value].concat();
    let response = wire::send(gateway, &Parts::of(&request).bytes(gateway)).await?;
    let answer = response.answer()?;
    // JSON has no bytes that are no text.
    if let Ok(value) = std::str::from_utf8(&value) {
        send_in_payload(gateway, value, &answer).await?;
    }
    Ok(answer)
}

/// Opens a WebSocket with the token in its payload, which must be answered as the header was.
async fn send_in_payload(gateway: SocketAddr, value: &str, answer: &Answer) -> Result<()> {
    let mut socket = Socket::connect(gateway, PROTOCOL).await?;
    let payload = json!({ "Authorization": value });
    let init = json!({ "type": "connection_init", "payload": payload });
    socket.send(&init).await?;
    if answer.status.contains("invalid_token") {
        let (code, reason) = socket.closed().await?;
        let is_same = code == 4403 && reason == answer.message;
        ensure!(is_same, "the WebSocket: {code} {reason}: {answer:?}");
    } else {
        let acknowledged = socket.next().await?;
        let is_accepted = acknowledged["type"] == "connection_ack";
        ensure!(is_accepted, "the WebSocket: {acknowledged}");
    }
    Ok(())
}

/// Makes a call with this signature.
async fn call(channel: Channel, value: &[u8]) -> Result<Answer> {
    let mut request = Request::new(AdminStatusParam {});
    if !value.is_empty() {
        let value = MetadataValue::try_from(value)?;
        request.metadata_mut().insert("authorization", value);
    }
    Ok(match AdminClient::new(channel).status(request).await {
        Ok(_) => Answer::new("OK", ""),
        Err(status) => Answer::new(format!("{:?}", status.code()), status.message()),
    })
}

#[tokio::test]
async fn bad_tokens_are_rejected_as_the_tables_say() -> Result<()> {
    let secrets = Secrets::create()?;
    let (tokens, services) = (
        secrets.file("of-tokens", OF_TOKENS)?,
        secrets.file("of-services", OF_SERVICES)?,
    );
    let settings = [
        ("AUTH", "jwt"),
        ("AUTH_JWT_SECRET_FILE", &*tokens),
        ("SERVICE_SECRET_FILE", &services),
        // Rejected tokens cost their sender units.
        ("RATE_LIMIT_PER_MINUTE", "0"),
    ];
    on_with(Topology::OneProcess, &settings, async |shop: &mut Shop| {
        let shop = &*shop;
        let signature = authorization(&Names::default().fill(OF_THE_TABLES)?)?;
        let channel = shop.command_channel().await?;
        let target = Target::signed(shop, String::from_utf8(signature)?);
        check_shop(&JWT, &Names::default(), target, async |request| {
            send(shop, channel.clone(), &request).await
        })
        .await
    })
    .await
}
