//! Server-sent events: the request of a stream, and the operation in it.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use serde_json::Value;

use super::names::names_of;
use super::run::check_shop;
use super::table::{Answer, EntryPoint};
use super::wire::{self, Parts, code, messages};
use crate::support::{Shop, Topology, on};

pub const EVENT_STREAM: EntryPoint = EntryPoint {
    name: "event stream",
    files: &[include_str!("cases/event_stream.toml")],
};

/// The answer of a stream's request, or the errors in its first event.
async fn send(address: SocketAddr, request: &[u8]) -> Result<Answer> {
    let bytes = Parts::of(request).bytes(address);
    let response = wire::send_until(address, &bytes, b"\n\n").await?;
    if response.header("content-type") != Some("text/event-stream; charset=utf-8") {
        return response.answer();
    }
    let data = response
        .body
        .lines()
        .find_map(|line| line.strip_prefix("data: "));
    let Some(data) = data else {
        // A comment: the stream is open, and waits for a change.
        return Ok(Answer::new("200", ""));
    };
    let result: Value = serde_json::from_str(data).context("an event")?;
    let errors = &result["errors"];
    let status = code(errors).map_or("200".to_owned(), |code| format!("200 event {code}"));
    Ok(Answer::new(status, messages(errors)?))
}

async fn check(shop: &mut Shop) -> Result<()> {
    let names = names_of(shop).await?;
    let gateway = shop.system.gateway(0)?;
    check_shop(&EVENT_STREAM, &names, (&*shop).into(), async |request| {
        send(gateway, &request).await
    })
    .await
}

#[tokio::test]
async fn bad_event_streams_are_rejected_as_the_table_says() -> Result<()> {
    on(Topology::OneProcess, check).await
}
