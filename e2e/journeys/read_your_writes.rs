//! A client that sends the position of its last response reads its own writes, at any gateway.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use test_shop::Operation;

use crate::support::{Shop, Topology, on, text};

const COUNT: &str = "query($id: ID!) { category(id: $id) { name productCount } }";

#[tokio::test]
async fn reads_see_writes_on_sqlite() -> Result<()> {
    on(Topology::OneProcess, journey).await
}

#[tokio::test]
async fn reads_see_writes_on_postgres() -> Result<()> {
    on(Topology::Services { each: 2 }, journey).await
}

async fn journey(shop: &mut Shop) -> Result<()> {
    across_requests(shop).await?;
    inside_a_request(shop).await?;
    positions(shop).await
}

/// Each write is read immediately with its position; with two gateways, at the other one.
async fn across_requests(shop: &Shop) -> Result<()> {
    let mut session = shop.session()?;
    let gateways = [
        shop.system.gateway(0)?,
        shop.system.gateway(1).or_else(|_| shop.system.gateway(0))?,
    ];
    let category = session.create_category("Read").await?;
    for round in 1..=30 {
        session.move_to(gateways[round % 2]);
        let name = format!("Product {round}");
        let input = json!({ "name": name, "price": 1, "categoryId": category });
        let product = session.create_product(input).await?;
        session.move_to(gateways[(round + 1) % 2]);
        let seen = session.run(COUNT, json!({ "id": category })).await?;
        assert_eq!(seen.get("productCount"), Some(&json!(round)));
        let document = "query($id: ID!) { product(id: $id) { name } }";
        let seen = session.run(document, json!({ "id": product })).await?;
        assert_eq!(text(&seen, "name")?, name);
    }
    Ok(())
}

/// Fields of a mutation that are read from the read side reflect that mutation and those before it.
async fn inside_a_request(shop: &Shop) -> Result<()> {
    let category = shop.session()?.create_category("Inside").await?;
    let document = "mutation($first: CreateProductInput!, $second: CreateProductInput!) { \
        a: createProduct(input: $first) { category { productCount } } \
        b: createProduct(input: $second) { category { productCount products { name } } } }";
    let input = |name| json!({ "name": name, "price": 2, "categoryId": category });
    let answer = Operation::new(document)
        .with(json!({ "first": input("One"), "second": input("Two") }))
        .send(shop.system.gateway(0)?)
        .await?;
    let data = answer.data()?;
    assert_eq!(
        data.pointer("/b/category"),
        Some(&json!({ "productCount": 2, "products": [{ "name": "One" }, { "name": "Two" }] }))
    );
    Ok(())
}

async fn positions(shop: &Shop) -> Result<()> {
    let gateway = shop.system.gateway(0)?;
    let mut session = shop.session()?;
    let id = session.create_category("Positions").await?;
    let head = shop.head().await?.to_string();
    assert_eq!(session.position(), Some(head.as_str()));

    let read = Operation::new(COUNT).with(json!({ "id": id }));
    let answer = read
        .clone()
        .with_header("X-Min-Position", &head)
        .send(gateway)
        .await?;
    assert_eq!(answer.position.as_deref(), Some(head.as_str()));
    let extension = answer.body.pointer("/extensions/position");
    assert_eq!(extension, Some(&Value::String(head.clone())));

    let typename = Operation::new("{ __typename }");
    let repeated = typename
        .clone()
        .with_header("X-Min-Position", "1")
        .send(gateway)
        .await?;
    assert_eq!(
        repeated.position.as_deref(),
        Some("1"),
        "without reads the minimum is returned"
    );
    let none = typename.send(gateway).await?;
    ensure!(
        none.position.is_none(),
        "without reads and minimum there is no position"
    );

    let above = (shop.head().await? + 1).to_string();
    for position in [above.as_str(), "99999999999999999999", "-1", "one", ""] {
        let answer = read
            .clone()
            .with_header("X-Min-Position", position)
            .send(gateway)
            .await?;
        assert_eq!(
            answer.code(),
            Some("BAD_REQUEST"),
            "{position:?}: {}",
            answer.body
        );
        assert_eq!(answer.status.as_u16(), 400, "{position:?}");
    }
    Ok(())
}
