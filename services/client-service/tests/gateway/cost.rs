//! The cost of requests: the pages of docs/api/limits.md pass, and a response stays within its limits.

use anyhow::{Context, Result};
use platform::config::AppEnv;
use serde_json::{Value, json};

use super::test_gateway::{TestGateway, graphql, text};

const DOCUMENT: &str = include_str!("../../../../docs/api/limits.md");
const MAX_DESCRIPTION_CHARACTERS: usize = 1_000;

/// The GraphQL examples of the document.
fn pages() -> Vec<&'static str> {
    let blocks = DOCUMENT.split("```graphql\n").skip(1);
    blocks
        .filter_map(|block| block.split("```").next())
        .collect()
}

#[tokio::test]
async fn the_pages_of_the_document_pass_with_the_defaults() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let category = gateway.category("Tea").await?;
    let product = gateway.product("Green tea", Some(&category)).await?;
    let user = "019b8f4e-7c2e-7000-8000-0000000000aa";
    let create = "mutation($u: ID!, $p: ID!) {
        updateStock(productId: $p, quantity: 5) { id }
        createOrder(input: { userId: $u, items: [{ productId: $p, quantity: 1 }] }) { id } }";
    let made = gateway
        .data(create, json!({ "u": user, "p": product }))
        .await?;
    let order = text(&made["createOrder"]["id"])?;
    assert_eq!(pages().len(), 8);
    for page in pages() {
        let variables = json!({ "userId": user, "orderId": order, "term": "tea" });
        let body = gateway.ask_after(page, variables).await?;
        assert_eq!(body.get("errors"), None, "{page}");
        let data = body["data"].as_object().context("an object")?;
        assert!(data.values().all(|value| !value.is_null()), "{page}");
    }
    Ok(())
}

#[tokio::test]
async fn the_cost_is_reported_if_the_client_asks_for_it() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let query = graphql("{ products(limit: 7) { category { id } } }", &json!({}));
    let reply = gateway
        .send(&query.clone().with_header("graphql-cost", "report"))
        .await?;
    let cost = &reply.json()?["extensions"]["cost"];
    assert_eq!(*cost, json!({ "complexity": 14, "limit": 30_000 }));
    let reply = gateway.send(&query).await?;
    assert_eq!(reply.json()?["extensions"].get("cost"), None);
    let reply = gateway
        .send(&query.with_header("graphql-cost", "yes"))
        .await?;
    assert_eq!(reply.status, 400);
    assert_eq!(
        reply.json()?["errors"][0]["extensions"]["code"],
        "BAD_REQUEST"
    );
    Ok(())
}

/// A gateway whose responses have at most 10,000 bytes, and a category with four products whose descriptions are long.
async fn small_responses() -> Result<TestGateway> {
    let settings = [("GRAPHQL_MAX_RESPONSE_BYTES", "10000")];
    let gateway = TestGateway::open_with(AppEnv::Development, &settings).await?;
    let category = gateway.category("Tea").await?;
    let create = "mutation($input: CreateProductInput!) { createProduct(input: $input) { id } }";
    for number in 0..4 {
        let input = json!({
            "name": format!("Tea {number}"), "price": 1, "categoryId": category,
            "description": "d".repeat(MAX_DESCRIPTION_CHARACTERS),
        });
        gateway.data(create, json!({ "input": input })).await?;
    }
    Ok(gateway)
}

#[tokio::test]
async fn a_response_has_no_more_bytes_than_its_limit() -> Result<()> {
    let gateway = small_responses().await?;
    // What the rows have, but the response has not, does not count as its bytes.
    for passes in [
        "{ products(limit: 4) { id description } }",
        "{ a: products { name } b: products { name } c: products { name } }",
        "{ products(limit: 3) { category { products { name } } } }",
    ] {
        gateway.data(passes, json!({})).await?;
    }
    let repeated = "{ products { a: description b: description c: description } }";
    let error = gateway.error(repeated, json!({})).await?;
    assert_eq!(error["code"], "QUERY_TOO_COMPLEX");
    // More rows than can be held in memory, for a response that would be short.
    let lists = ('a'..='j').map(|alias| format!("{alias}: products {{ id }}"));
    let query = format!("{{ {} }}", lists.collect::<Vec<_>>().join(" "));
    let body = gateway.ask(&query, json!({})).await?.json()?;
    let message = text(&body["errors"][0]["message"])?;
    assert!(
        message.contains("rows of a request have at most 40000 bytes"),
        "{message}"
    );
    Ok(())
}

#[tokio::test]
async fn a_mutation_is_reported_although_its_response_is_too_long() -> Result<()> {
    let settings = [("GRAPHQL_MAX_RESPONSE_BYTES", "200")];
    let gateway = TestGateway::open_with(AppEnv::Development, &settings).await?;
    let mutation = "mutation { createCategory(input: { name: \"Tea\" }) { id a: name b: name c: name d: createdAt e: updatedAt f: createdAt } }";
    let reply = gateway.ask(mutation, json!({})).await?;
    let body = reply.json()?;
    assert_eq!(body["data"], Value::Null);
    assert_eq!(body["errors"][0]["extensions"]["code"], "QUERY_TOO_COMPLEX");
    let committed = &body["extensions"]["committed"][0];
    assert_eq!(committed["path"], json!(["createCategory"]));
    let id = text(&committed["id"])?;
    let found = gateway
        .ask_after(
            "query($id: ID!) { categoryExists(id: $id) }",
            json!({ "id": id }),
        )
        .await?;
    assert_eq!(found["data"]["categoryExists"], true);
    Ok(())
}
