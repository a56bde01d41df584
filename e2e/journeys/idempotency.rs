//! The same key with the same request has one effect and one response.

use anyhow::{Result, ensure};
use serde_json::json;
use test_shop::{Operation, until};
use tokio::task::JoinSet;

use crate::support::{Shop, Topology, on};

const CREATE: &str =
    "mutation($input: CreateCategoryInput!) { createCategory(input: $input) { id name version } }";

#[tokio::test]
async fn a_key_has_one_effect_on_sqlite() -> Result<()> {
    on(Topology::OneProcess, journey).await
}

#[tokio::test]
async fn a_key_has_one_effect_on_postgres() -> Result<()> {
    on(Topology::Services { each: 2 }, journey).await
}

async fn journey(shop: &mut Shop) -> Result<()> {
    repeats(shop).await?;
    rejections_are_stored(shop).await?;
    misuse(shop).await?;
    at_the_same_time(shop).await
}

fn create(name: &str, key: &str) -> Operation {
    Operation::new(CREATE)
        .with(json!({ "input": { "name": name } }))
        .with_header("Idempotency-Key", key)
}

/// The repeat gets the first response, also at another gateway, and after the state has changed.
async fn repeats(shop: &Shop) -> Result<()> {
    let (first_gateway, last_gateway) = gateways(shop)?;
    let first = create("Once", "key-1").send(first_gateway).await?;
    let id = first.data()?["createCategory"]["id"].clone();
    Operation::new(
        "mutation($id: ID!) { updateCategory(input: { id: $id, name: \"Later\" }) { id } }",
    )
    .with(json!({ "id": id }))
    .data(first_gateway)
    .await?;
    let head = shop.head().await?;
    for _ in 0..3 {
        let again = create("Once", "key-1").send(last_gateway).await?;
        assert_eq!(again.body, first.body);
        assert_eq!(again.status, first.status);
    }
    ensure!(shop.head().await? == head, "a repeat wrote an event");
    Ok(())
}

/// The response of a rejected request is stored too, and returned even after its reason no longer holds.
async fn rejections_are_stored(shop: &Shop) -> Result<()> {
    let (first_gateway, last_gateway) = gateways(shop)?;
    let id = shop.session()?.create_category("Taken").await?;
    let first = create("Taken", "key-2").send(first_gateway).await?;
    assert_eq!(first.code(), Some("CONFLICT"));
    Operation::new("mutation($id: ID!) { deleteCategory(id: $id) }")
        .with(json!({ "id": id }))
        .data(first_gateway)
        .await?;
    let again = create("Taken", "key-2").send(last_gateway).await?;
    assert_eq!(again.body, first.body);
    create("Taken", "key-3").data(first_gateway).await?;
    Ok(())
}

async fn misuse(shop: &Shop) -> Result<()> {
    let (gateway, _) = gateways(shop)?;
    let reused = create("Something else", "key-1").send(gateway).await?;
    assert_eq!(reused.status.as_u16(), 422, "{}", reused.body);
    assert_eq!(reused.code(), Some("IDEMPOTENCY_KEY_REUSED"));
    let head = shop.head().await?;
    let long = create("Long key", &"k".repeat(256)).send(gateway).await?;
    ensure!(
        long.code().is_some(),
        "a key of 256 characters: {}",
        long.body
    );
    ensure!(shop.head().await? == head, "a rejected key wrote an event");
    create("Longest key", &"k".repeat(255))
        .data(gateway)
        .await?;
    // A key on a query is ignored.
    for document in ["{ categories { id } }", "{ __typename }"] {
        let query = Operation::new(document).with_header("Idempotency-Key", "key-1");
        query.data(gateway).await?;
    }
    Ok(())
}

/// Of many concurrent requests one is executed. The others get `IDEMPOTENCY_IN_PROGRESS` or its response, and finally all get
/// the response.
async fn at_the_same_time(shop: &Shop) -> Result<()> {
    let (first_gateway, last_gateway) = gateways(shop)?;
    let head = shop.head().await?;
    let mut running = JoinSet::new();
    for index in 0..16 {
        let gateway = if index % 2 == 0 {
            first_gateway
        } else {
            last_gateway
        };
        running.spawn(async move { create("Crowd", "key-4").send(gateway).await });
    }
    let mut answered = 0;
    while let Some(answer) = running.join_next().await {
        let answer = answer??;
        match answer.status.as_u16() {
            200 => {
                answer.data()?;
                answered += 1;
            }
            409 => assert_eq!(answer.code(), Some("IDEMPOTENCY_IN_PROGRESS")),
            _ => anyhow::bail!("{}: {}", answer.status, answer.body),
        }
    }
    ensure!(answered > 0, "no request was answered");
    let first = until("the answer", async || {
        let answer = create("Crowd", "key-4").send(last_gateway).await?;
        answer.data()?;
        Ok(answer)
    })
    .await?;
    let again = create("Crowd", "key-4").send(first_gateway).await?;
    assert_eq!(again.body, first.body);
    // Two events: the category and the claim of its name.
    assert_eq!(shop.head().await? - head, 2, "it took effect once");
    Ok(())
}

fn gateways(shop: &Shop) -> Result<(std::net::SocketAddr, std::net::SocketAddr)> {
    let first = shop.system.gateway(0)?;
    Ok((first, shop.system.gateway(1).unwrap_or(first)))
}
