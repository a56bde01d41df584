//! `WebSockets`: the handshake, the frames, the messages and the operations in them.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::names::names_of;
use super::run::check_shop;
use super::table::{Answer, EntryPoint};
use super::wire::{self, Parts, code, messages};
use crate::support::{Shop, Topology, on};

pub const WEBSOCKET: EntryPoint = EntryPoint {
    name: "WebSocket",
    files: &[include_str!("cases/websocket.toml")],
};

const PING: &[u8] = b"{\"type\":\"ping\"}";
const TEXT: u8 = 1;
const CLOSE: u8 = 8;

/// Sends a handshake as the table has it, or on an open WebSocket the messages: one a line, or after `frame:` the bytes of a
/// frame.
async fn send(gateway: SocketAddr, request: &[u8]) -> Result<Answer> {
    if request.starts_with(b"GET ") || request.starts_with(b"POST ") {
        let bytes = Parts::of(request).bytes(gateway);
        return wire::send(gateway, &bytes).await?.answer();
    }
    let protocol = format!("sec-websocket-protocol: {}\r\n", test_shop::PROTOCOL);
    let (_, mut stream) = test_shop::handshake(gateway, &protocol).await?;
    let lines = request.split(|byte| *byte == b'\n');
    for line in lines.filter(|line| !line.is_empty()) {
        let bytes = match line.strip_prefix(b"frame:") {
            Some(frame) => frame.to_vec(),
            None => text_frame(line),
        };
        // The gateway may have closed already.
        let _ = stream.write_all(&bytes).await;
    }
    let is_operation = request.windows(12).any(|part| part == b"\"subscribe\",");
    if !is_operation {
        let _ = stream.write_all(&text_frame(PING)).await;
    }
    answer(&mut stream, is_operation).await
}

/// The close code, or the errors of the operation. Without an operation, a ping that is answered shows that nothing was wrong.
async fn answer(stream: &mut TcpStream, is_operation: bool) -> Result<Answer> {
    loop {
        let Ok((opcode, payload)) = frame(stream).await else {
            return Ok(Answer::new("closed", ""));
        };
        if opcode == CLOSE {
            let (code, reason) = payload.split_first_chunk().context("no code")?;
            let status = format!("close {}", u16::from_be_bytes(*code));
            return Ok(Answer::new(status, std::str::from_utf8(reason)?));
        }
        if opcode != TEXT {
            continue;
        }
        let message: Value = serde_json::from_slice(&payload)?;
        let errors = match message["type"].as_str() {
            Some("error") => &message["payload"],
            Some("next") => &message["payload"]["errors"],
            Some("pong") if !is_operation => return Ok(Answer::new("200", "")),
            Some("connection_ack" | "pong") => continue,
            _ => bail!("{message}"),
        };
        let kind = message["type"].as_str().unwrap_or_default();
        let status = code(errors).map_or("200".to_owned(), |code| format!("{kind} {code}"));
        return Ok(Answer::new(status, messages(errors)?));
    }
}

/// A frame of a client with this text (RFC 6455, section 5.2). A mask of zeros leaves the text as it is.
fn text_frame(text: &[u8]) -> Vec<u8> {
    const FINAL: u8 = 0x80;
    const MASKED: u8 = 0x80;
    let mut frame = vec![FINAL + TEXT];
    match (u8::try_from(text.len()), u16::try_from(text.len())) {
        (Ok(length @ 0..=125), _) => frame.push(MASKED + length),
        (_, Ok(length)) => {
            frame.push(MASKED + 126);
            frame.extend(length.to_be_bytes());
        }
        _ => {
            frame.push(MASKED + 127);
            frame.extend((text.len() as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(text);
    frame
}

/// The kind and the content of the next frame of the server, which does not mask.
async fn frame(stream: &mut TcpStream) -> Result<(u8, Vec<u8>)> {
    let kind = stream.read_u8().await?;
    let length = match stream.read_u8().await? {
        126 => u64::from(stream.read_u16().await?),
        127 => stream.read_u64().await?,
        short => short.into(),
    };
    let mut payload = vec![0; usize::try_from(length)?];
    stream.read_exact(&mut payload).await?;
    Ok((kind & 0x0f, payload))
}

async fn check(shop: &mut Shop) -> Result<()> {
    let names = names_of(shop).await?;
    let gateway = shop.system.gateway(0)?;
    check_shop(&WEBSOCKET, &names, (&*shop).into(), async |request| {
        send(gateway, &request).await
    })
    .await
}

#[tokio::test]
async fn bad_websockets_are_rejected_as_the_table_says() -> Result<()> {
    on(Topology::OneProcess, check).await
}
