//! Cursors and global ids: places in lists and names of objects, which clients get as opaque text and send back.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::http::send;
use super::names::names_of;
use super::run::check_shop;
use super::table::EntryPoint;
use super::text::Names;
use crate::support::{Session, Shop, Topology, on};

pub const CURSOR: EntryPoint = EntryPoint {
    name: "cursor",
    files: &[include_str!("cases/cursor.toml")],
};

/// The lists, by the names of their cursors.
const LISTS: [(&str, &str); 7] = [
    ("categories", "categoriesConnection(first: 1)"),
    (
        "categories by time",
        "categoriesConnection(first: 1, sortBy: {field: CREATED_AT, direction: ASC})",
    ),
    ("products", "productsConnection(first: 1)"),
    (
        "products by price",
        "productsConnection(first: 1, sortBy: {field: PRICE, direction: ASC})",
    ),
    (
        "products backwards",
        "productsConnection(first: 1, sortBy: {field: NAME, direction: DESC})",
    ),
    ("orders", "ordersConnection(first: 1)"),
    (
        "ann's orders",
        "ordersConnection(first: 1, userId: \"ann\")",
    ),
];

/// A cursor of each list, and of one list those that no server returned.
async fn with_cursors(mut names: Names, session: &mut Session) -> Result<Names> {
    for (name, list) in LISTS {
        let query = format!("{{ {list} {{ pageInfo {{ endCursor }} }} }}");
        let found = session.run(&query, json!({})).await?;
        let cursor = found["pageInfo"]["endCursor"].as_str();
        let cursor = cursor.with_context(|| format!("no cursor of {name}"))?;
        names = names.with(&format!("cursor of {name}"), cursor);
        if name == "products" {
            names = with_altered(names, cursor);
        }
    }
    Ok(names)
}

/// The alphabet of cursors without `A` and `B` at the places that are altered, so that each is another cursor.
fn with_altered(names: Names, cursor: &str) -> Names {
    let other = |place: usize| {
        let mut bytes = cursor.as_bytes().to_vec();
        bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
        bytes
    };
    let end = cursor.len() - 1;
    names
        .with("cursor of another version", other(1))
        .with("cursor with another tag", other(6))
        .with("cursor with another key", other(20))
        .with("cursor without its end", &cursor.as_bytes()[..end])
        .with("cursor without its beginning", &cursor.as_bytes()[1..])
        .with("cursor in capitals", cursor.to_uppercase())
        .with("tag of a cursor", &cursor.as_bytes()[..12])
}

async fn check(shop: &mut Shop) -> Result<()> {
    let names = names_of(shop).await?;
    let mut session = shop.session()?;
    let mut names = with_cursors(names, &mut session).await?;
    let nodes =
        "query($c: ID!, $p: ID!) { category(id: $c) { nodeId } product(id: $p) { nodeId } }";
    let ids = json!({ "c": names.text("<category>")?, "p": names.text("<product>")? });
    let answer = session.send(nodes, ids).await?.data()?;
    for name in ["category", "product"] {
        let id = answer[name]["nodeId"].as_str().map(Value::from);
        let id = id.with_context(|| format!("no nodeId of the {name}"))?;
        names = names.with(
            &format!("node of the {name}"),
            id.as_str().unwrap_or_default(),
        );
    }
    let gateway = shop.system.gateway(0)?;
    check_shop(&CURSOR, &names, (&*shop).into(), async |request| {
        send(gateway, request).await
    })
    .await
}

#[tokio::test]
async fn bad_cursors_are_rejected_as_the_table_says_on_sqlite() -> Result<()> {
    on(Topology::OneProcess, check).await
}

#[tokio::test]
async fn bad_cursors_are_rejected_as_the_table_says_on_postgres() -> Result<()> {
    on(Topology::THREE_PROCESSES, check).await
}
