//! HTTP: the request, the document, and the fields of each operation.

use std::net::SocketAddr;

use anyhow::Result;

use super::names::names_of;
use super::run::check_shop;
use super::table::{Answer, EntryPoint};
use super::wire::{self, Parts};
use crate::support::{Shop, Topology, on};

pub const HTTP: EntryPoint = EntryPoint {
    name: "HTTP",
    files: &[
        include_str!("cases/http/requests.toml"),
        include_str!("cases/http/documents.toml"),
        include_str!("cases/http/catalogue.toml"),
        include_str!("cases/http/orders.toml"),
    ],
};

/// Sends a request, or a JSON object as the body of one.
pub async fn send(address: SocketAddr, request: Vec<u8>) -> Result<Answer> {
    let posted = if request.starts_with(b"{") {
        [
            b"POST /graphql HTTP/1.1\ncontent-type: application/json\n\n",
            &request[..],
        ]
        .concat()
    } else {
        request
    };
    let bytes = Parts::of(&posted).bytes(address);
    wire::send(address, &bytes).await?.answer()
}

async fn check(shop: &mut Shop) -> Result<()> {
    let names = names_of(shop).await?;
    let gateway = shop.system.gateway(0)?;
    check_shop(&HTTP, &names, (&*shop).into(), async |request| {
        send(gateway, request).await
    })
    .await
}

#[tokio::test]
async fn bad_http_is_rejected_as_the_tables_say_on_sqlite() -> Result<()> {
    on(Topology::OneProcess, check).await
}

#[tokio::test]
async fn bad_http_is_rejected_as_the_tables_say_on_postgres() -> Result<()> {
    on(Topology::THREE_PROCESSES, check).await
}
