//! Reading what was written.

use anyhow::{Context, Result};
use contract::metadata;
use contract::status::Reason;
use serde_json::json;

use super::test_gateway::{Fault, TestGateway, graphql, text};

#[tokio::test]
async fn an_answer_names_its_position_and_the_next_read_sees_it() -> Result<()> {
    let stage = TestGateway::open().await?;
    let query = "mutation { createCategory(input: {name: \"Tea\"}) { id } }";
    let reply = stage.ask(query, json!({})).await?;
    let body = reply.json()?;
    let position = text(&body["extensions"]["position"])?;
    assert_eq!(reply.header("x-min-position"), Some(position.as_str()));
    stage.wire.take();
    let request = graphql("{ categories { name } }", &json!({}));
    let reply = stage
        .send(&request.with_header("x-min-position", &position))
        .await?;
    assert_eq!(reply.json()?["data"]["categories"][0]["name"], "Tea");
    let seen: u64 = reply
        .header("x-min-position")
        .context("a position")?
        .parse()?;
    assert!(seen >= position.parse()?);
    let calls = stage.wire.take();
    let sent = calls[0].metadata.get("x-min-position").context("sent")?;
    assert_eq!(sent.to_str()?, position);
    Ok(())
}

#[tokio::test]
async fn who_reads_nothing_gets_the_minimum_back_or_none() -> Result<()> {
    let stage = TestGateway::open().await?;
    stage.category("Tea").await?;
    let plain = stage.ask("{ __typename }", json!({})).await?;
    assert_eq!(plain.header("x-min-position"), None);
    assert!(plain.json()?.get("extensions").is_none());
    let request = graphql("{ __typename }", &json!({})).with_header("x-min-position", "1");
    let reply = stage.send(&request).await?;
    assert_eq!(reply.header("x-min-position"), Some("1"));
    assert_eq!(reply.json()?["extensions"]["position"], "1");
    Ok(())
}

#[tokio::test]
async fn a_read_without_an_answer_does_not_lower_the_position() -> Result<()> {
    let stage = TestGateway::open().await?;
    let query = "mutation { createCategory(input: {name: \"Tea\"}) { id } }";
    let body = stage.ask(query, json!({})).await?.json()?;
    let position = text(&body["extensions"]["position"])?;
    let mut behind = Reason::ReadSideBehind.status("behind");
    metadata::insert_position(behind.metadata_mut(), metadata::POSITION, 1);
    let list = "/query.CategoryQuery/ListCategories";
    stage.wire.break_next(list, [Fault::Before(behind)]);
    let request = graphql("{ categories { name } }", &json!({}));
    let reply = stage
        .send(&request.with_header("x-min-position", &position))
        .await?;
    assert_eq!(reply.json()?["data"], json!(null));
    assert_eq!(reply.header("x-min-position"), Some(position.as_str()));
    Ok(())
}

#[tokio::test]
async fn a_position_above_the_head_is_a_bad_request_and_nothing_is_written() -> Result<()> {
    let stage = TestGateway::open().await?;
    stage.category("Tea").await?;
    let create = "mutation { createCategory(input: {name: \"Coffee\"}) { id } }";
    for query in [
        "{ categories { name } }",
        "{ category(id: 1) { id } }",
        create,
    ] {
        for position in ["1000000", "-1", "x", "9223372036854775808"] {
            let request = graphql(query, &json!({})).with_header("x-min-position", position);
            let reply = stage.send(&request).await?;
            assert_eq!(reply.status, 400, "{query} at {position}");
            let body = reply.json()?;
            assert_eq!(
                body["errors"][0]["extensions"]["code"], "BAD_REQUEST",
                "{body}"
            );
            assert!(body.get("data").is_none());
        }
    }
    let data = stage.data("{ categories { name } }", json!({})).await?;
    assert_eq!(data["categories"].as_array().map(Vec::len), Some(1));
    Ok(())
}

#[tokio::test]
async fn mutations_of_one_request_run_in_order_and_see_each_other() -> Result<()> {
    let stage = TestGateway::open().await?;
    let id = stage.category("One").await?;
    let query = "mutation($id: ID!) {
        a: updateCategory(input: {id: $id, name: \"Two\"}) { name version productCount }
        b: createProduct(input: {name: \"P\", price: 1, categoryId: $id}) { category { name productCount } }
        c: updateCategory(input: {id: $id, name: \"Three\"}) { name version productCount }
        d: deleteCategory(id: $id)
    }";
    let body = stage.ask(query, json!({ "id": id })).await?.json()?;
    // It is not empty, so the last one is refused; being non-null it takes all data with it.
    assert_eq!(body["errors"][0]["path"], json!(["d"]));
    assert_eq!(body["errors"][0]["extensions"]["code"], "CONFLICT");
    assert_eq!(body["data"], json!(null));
    let query = query
        .replace("d: deleteCategory(id: $id)", "")
        .replace("Two", "Zwei")
        .replace("Three", "Drei");
    let data = stage.data(&query, json!({ "id": id })).await?;
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
    let stage = TestGateway::open().await?;
    let category = stage.category("Tea").await?;
    let id = stage.product("Pot", Some(&category)).await?;
    let query = "mutation($id: ID!) { updateStock(productId: $id, quantity: 12) {
        id name price stockQuantity onHandQuantity reservedQuantity version category { name } } }";
    let data = stage.data(query, json!({ "id": id })).await?;
    assert_eq!(
        data["updateStock"],
        json!({"id": id, "name": "Pot", "price": 19.9, "stockQuantity": 12, "onHandQuantity": 12,
               "reservedQuantity": 0, "version": 1, "category": {"name": "Tea"}})
    );
    let query = "mutation($id: ID!) { updateProduct(input: {id: $id, price: \"20.50\"}) {
        price stockQuantity version } }";
    let data = stage.data(query, json!({ "id": id })).await?;
    let expected = json!({"price": 20.5, "stockQuantity": 12, "version": 2});
    assert_eq!(data["updateProduct"], expected);
    Ok(())
}

#[tokio::test]
async fn a_command_with_nothing_to_do_answers_the_row_as_a_query_does() -> Result<()> {
    let stage = TestGateway::open().await?;
    let category = stage.category("Tea").await?;
    let id = stage.product("Pot", Some(&category)).await?;
    let stock = "mutation($id: ID!) { updateStock(productId: $id, quantity: 12) { updatedAt } }";
    let moved = stage.data(stock, json!({ "id": id })).await?["updateStock"].take();
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
        stage.wire.take();
        let head = stage.ask_after("{ products { id } }", json!({})).await?;
        let query = format!("mutation($id: ID!) {{ it: {mutation} {row} {fields} }}");
        let mut answered = stage.ask_after(&query, json!({ "id": about })).await?;
        assert_eq!(
            answered["extensions"]["position"],
            head["extensions"]["position"]
        );
        let query = format!("query($id: ID!) {{ it: {name}(id: $id) {row} {fields} }}");
        let read = stage.data(&query, json!({ "id": about })).await?;
        assert_eq!(answered["data"].take(), read, "{mutation}");
        if name == "product" {
            assert_eq!(read["it"]["updatedAt"], moved["updatedAt"]);
        } else {
            assert_ne!(read["it"]["updatedAt"], read["it"]["createdAt"]);
        }
    }
    Ok(())
}
