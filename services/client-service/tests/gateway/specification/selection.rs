//! Sections 3.13.1, 3.13.2 and 6.3.2: which fields are executed, and objects without any.

use anyhow::Result;
use serde_json::{Value, json};

use super::{Data, Expected, check};
use crate::test_gateway::TestGateway;

fn data(value: Value) -> Expected {
    Data(value)
}

#[tokio::test]
async fn conditions_use_the_defaults_of_variables() -> Result<()> {
    let gateway = TestGateway::open().await?;
    gateway.category("One").await?;
    let one = || data(json!({"categories": [{"name": "One"}]}));
    let include = "query($v: Boolean = true) { categories @include(if: $v) { name } }";
    let skip = "query($v: Boolean! = false) { categories @skip(if: $v) { name } }";
    let create = "mutation($v: Boolean = true) {
        createCategory(input: {name: \"Two\"}) @skip(if: $v) { name } }";
    let table = [
        (include, json!({}), one()),
        (include, json!({"v": true}), one()),
        (include, json!({"v": false}), data(json!({}))),
        (skip, json!({}), one()),
        (skip, json!({"v": true}), data(json!({}))),
        (create, json!({}), data(json!({}))),
        // Not created.
        (include, json!({}), one()),
    ];
    check(&gateway, &table).await
}

#[tokio::test]
async fn an_object_whose_fields_are_all_skipped_is_empty() -> Result<()> {
    let gateway = TestGateway::open().await?;
    gateway.category("One").await?;
    let create = "mutation { createCategory(input: {name: \"Two\"}) { id @skip(if: true) } }";
    let fragments = "{ categories { ...a ... @include(if: false) { name } } }
        fragment a on Category { name @skip(if: true) }";
    let table = [
        (
            "{ categories { name @skip(if: true) } }",
            json!({"categories": [{}]}),
        ),
        (fragments, json!({"categories": [{}]})),
        ("{ categories @skip(if: true) { name } }", json!({})),
        (create, json!({"createCategory": {}})),
        (
            "{ categories { name @skip(if: true) description } }",
            json!({"categories": [{"description": null}, {"description": null}]}),
        ),
    ];
    for (query, expected) in table {
        check(&gateway, &[(query, json!({}), data(expected))]).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_node_of_another_type_than_its_fragments_is_empty() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let id = gateway.category("One").await?;
    let of = "query($id: ID!) { category(id: $id) { nodeId } }";
    let found = gateway.ask_after(of, json!({"id": id})).await?;
    let id = &found["data"]["category"]["nodeId"];
    let node = "query($id: ID!) { node(id: $id) { ... on Product { name } } }";
    let nodes = "query($id: ID!) { nodes(ids: [$id]) { ... on Product { name } } }";
    let table = [
        (node, json!({"id": id}), data(json!({"node": {}}))),
        (nodes, json!({"id": id}), data(json!({"nodes": [{}]}))),
    ];
    check(&gateway, &table).await
}
