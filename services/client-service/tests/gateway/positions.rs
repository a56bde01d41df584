//! Read your own writes.

use anyhow::{Context, Result};
use contract::metadata;
use contract::status::Reason;
use serde_json::json;
use tonic::Status;

use super::test_gateway::{Fault, TestGateway, graphql, text};

#[tokio::test]
async fn a_response_carries_its_position_and_the_next_read_reflects_it() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let query = "mutation { createCategory(input: {name: \"Tea\"}) { id } }";
    let reply = gateway.ask(query, json!({})).await?;
    let body = reply.json()?;
    let position = text(&body["extensions"]["position"])?;
    assert_eq!(reply.header("x-min-position"), Some(position.as_str()));
    gateway.wire.take();
    let request = graphql("{ categories { name } }", &json!({}));
    let reply = gateway
        .send(&request.with_header("x-min-position", &position))
        .await?;
    assert_eq!(reply.json()?["data"]["categories"][0]["name"], "Tea");
    let seen: u64 = reply
        .header("x-min-position")
        .context("a position")?
        .parse()?;
    assert!(seen >= position.parse()?);
    let calls = gateway.wire.take();
    let sent = calls[0].metadata.get("x-min-position").context("sent")?;
    assert_eq!(sent.to_str()?, position);
    Ok(())
}

#[tokio::test]
async fn without_reads_the_position_is_the_minimum_or_absent() -> Result<()> {
    let gateway = TestGateway::open().await?;
    gateway.category("Tea").await?;
    let plain = gateway.ask("{ __typename }", json!({})).await?;
    assert_eq!(plain.header("x-min-position"), None);
    assert!(plain.json()?.get("extensions").is_none());
    let request = graphql("{ __typename }", &json!({})).with_header("x-min-position", "1");
    let reply = gateway.send(&request).await?;
    assert_eq!(reply.header("x-min-position"), Some("1"));
    assert_eq!(reply.json()?["extensions"]["position"], "1");
    Ok(())
}

#[tokio::test]
async fn a_position_that_cannot_be_verified_is_not_confirmed() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let lost = || Fault::Before(Status::unavailable("lost"));
    let status = "/proto.Admin/Status";
    gateway
        .wire
        .break_next(status, std::iter::repeat_with(lost).take(100));
    let request = graphql("{ __typename }", &json!({})).with_header("x-min-position", "1");
    let reply = gateway.send(&request).await?;
    assert_eq!(reply.json()?["data"]["__typename"], "Query");
    assert_eq!(reply.header("x-min-position"), None);
    Ok(())
}

#[tokio::test]
async fn a_rejected_mutation_has_the_position_that_it_was_decided_at() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let id = gateway.category("Tea").await?;
    gateway.product("Pot", Some(&id)).await?;
    let head = gateway.ask_after("{ products { id } }", json!({})).await?;
    let delete = "mutation($id: ID!) { deleteCategory(id: $id) }";
    let reply = gateway.ask(delete, json!({ "id": id })).await?;
    let body = reply.json()?;
    assert_eq!(body["errors"][0]["extensions"]["code"], "CONFLICT");
    assert_eq!(
        body["extensions"]["position"],
        head["extensions"]["position"]
    );
    let position = text(&body["extensions"]["position"])?;
    assert_eq!(reply.header("x-min-position"), Some(position.as_str()));
    // Rejected by the gateway itself, without a state.
    let invalid = "mutation { createProduct(input: {name: \"P\", price: 1.234}) { id } }";
    let body = gateway.ask(invalid, json!({})).await?.json()?;
    assert_eq!(body["errors"][0]["extensions"]["code"], "VALIDATION_ERROR");
    assert!(body.get("extensions").is_none(), "{body}");
    Ok(())
}

#[tokio::test]
async fn a_failed_read_does_not_lower_the_position() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let query = "mutation { createCategory(input: {name: \"Tea\"}) { id } }";
    let body = gateway.ask(query, json!({})).await?.json()?;
    let position = text(&body["extensions"]["position"])?;
    let mut lagging = Reason::ReadSideBehind.status("lagging");
    metadata::insert_position(lagging.metadata_mut(), metadata::POSITION, 1);
    let list = "/query.CategoryQuery/ListCategories";
    gateway.wire.break_next(list, [Fault::Before(lagging)]);
    let request = graphql("{ categories { name } }", &json!({}));
    let reply = gateway
        .send(&request.with_header("x-min-position", &position))
        .await?;
    assert_eq!(reply.json()?["data"], json!(null));
    assert_eq!(reply.header("x-min-position"), Some(position.as_str()));
    Ok(())
}

#[tokio::test]
async fn a_position_above_the_head_is_a_bad_request_and_nothing_is_written() -> Result<()> {
    let gateway = TestGateway::open().await?;
    gateway.category("Tea").await?;
    let create = "mutation { createCategory(input: {name: \"Coffee\"}) { id } }";
    for query in [
        "{ categories { name } }",
        "{ category(id: 1) { id } }",
        "{ __typename }",
        create,
    ] {
        for position in ["1000000", "-1", "x", "9223372036854775808"] {
            let request = graphql(query, &json!({})).with_header("x-min-position", position);
            let reply = gateway.send(&request).await?;
            assert_eq!(reply.status, 400, "{query} at {position}");
            let body = reply.json()?;
            assert_eq!(
                body["errors"][0]["extensions"]["code"], "BAD_REQUEST",
                "{body}"
            );
            assert!(body.get("data").is_none());
        }
    }
    let data = gateway.data("{ categories { name } }", json!({})).await?;
    assert_eq!(data["categories"].as_array().map(Vec::len), Some(1));
    Ok(())
}

#[tokio::test]
async fn mutations_of_one_request_run_in_order_and_see_each_other() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let id = gateway.category("One").await?;
    let query = "mutation($id: ID!) {
        a: updateCategory(input: {id: $id, name: \"Two\"}) { name version productCount }
        b: createProduct(input: {name: \"P\", price: 1, categoryId: $id}) { category { name productCount } }
        c: updateCategory(input: {id: $id, name: \"Three\"}) { name version productCount }
        d: deleteCategory(id: $id)
    }";
    let body = gateway.ask(query, json!({ "id": id })).await?.json()?;
    // The category is not empty, so its deletion is rejected; its field is non-null, so its null propagates to all data.
    assert_eq!(body["errors"][0]["path"], json!(["d"]));
    assert_eq!(body["errors"][0]["extensions"]["code"], "CONFLICT");
    assert_eq!(body["data"], json!(null));
    let query = query
        .replace("d: deleteCategory(id: $id)", "")
        .replace("Two", "Zwei")
        .replace("Three", "Drei");
    let data = gateway.data(&query, json!({ "id": id })).await?;
    assert_eq!(
        data["a"],
        json!({"name": "Zwei", "version": 4, "productCount": 1})
    );
    assert_eq!(
        data["b"]["category"],
        json!({"name": "Zwei", "productCount": 2})
    );
    assert_eq!(
        data["c"],
        json!({"name": "Drei", "version": 5, "productCount": 2})
    );
    Ok(())
}

#[tokio::test]
async fn fields_that_a_command_did_not_write_are_read_at_its_position() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let category = gateway.category("Tea").await?;
    let id = gateway.product("Pot", Some(&category)).await?;
    let query = "mutation($id: ID!) { updateStock(productId: $id, quantity: 12) {
        id name price stockQuantity onHandQuantity reservedQuantity version category { name } } }";
    let data = gateway.data(query, json!({ "id": id })).await?;
    assert_eq!(
        data["updateStock"],
        json!({"id": id, "name": "Pot", "price": 19.9, "stockQuantity": 12, "onHandQuantity": 12,
               "reservedQuantity": 0, "version": 1, "category": {"name": "Tea"}})
    );
    let query = "mutation($id: ID!) { updateProduct(input: {id: $id, price: \"20.50\"}) {
        price stockQuantity version } }";
    let data = gateway.data(query, json!({ "id": id })).await?;
    let expected = json!({"price": 20.5, "stockQuantity": 12, "version": 2});
    assert_eq!(data["updateProduct"], expected);
    Ok(())
}

#[tokio::test]
async fn an_unchanged_command_returns_the_row_as_a_query_does() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let category = gateway.category("Tea").await?;
    let id = gateway.product("Pot", Some(&category)).await?;
    let stock = "mutation($id: ID!) { updateStock(productId: $id, quantity: 12) { updatedAt } }";
    let moved = gateway.data(stock, json!({ "id": id })).await?["updateStock"].take();
    let row = "{ version createdAt updatedAt name description";
    for (mutation, name, fields) in [
        (
            "updateProduct(input: {id: $id, name: \"Pot\"})",
            "product",
            "price stockQuantity }",
        ),
        (
            "changeProductPrice(id: $id, newPrice: \"19.90\")",
            "product",
            "categoryId }",
        ),
        (
            "updateProduct(input: {id: $id})",
            "product",
            "category { id } }",
        ),
        (
            "updateCategory(input: {id: $id, name: \"Tea\"})",
            "category",
            "productCount }",
        ),
    ] {
        let about = if name == "product" { &id } else { &category };
        gateway.wire.take();
        let head = gateway.ask_after("{ products { id } }", json!({})).await?;
        let query = format!("mutation($id: ID!) {{ it: {mutation} {row} {fields} }}");
        let mut answered = gateway.ask_after(&query, json!({ "id": about })).await?;
        assert_eq!(
            answered["extensions"]["position"],
            head["extensions"]["position"]
        );
        let query = format!("query($id: ID!) {{ it: {name}(id: $id) {row} {fields} }}");
        let read = gateway.data(&query, json!({ "id": about })).await?;
        assert_eq!(answered["data"].take(), read, "{mutation}");
        if name == "product" {
            assert_eq!(read["it"]["updatedAt"], moved["updatedAt"]);
        } else {
            assert_ne!(read["it"]["updatedAt"], read["it"]["createdAt"]);
        }
    }
    Ok(())
}
