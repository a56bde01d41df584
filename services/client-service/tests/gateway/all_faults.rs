//! All faults of a field's arguments are in one response, in the order in which the schema declares the arguments.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::test_gateway::{TestGateway, graphql};

/// The fields of the only error of a response. Its message has all faults, in the same order.
fn faults(body: &Value) -> Result<Vec<&str>> {
    assert_eq!(body["errors"].as_array().map(Vec::len), Some(1), "{body}");
    let error = &body["errors"][0];
    let extensions = &error["extensions"];
    assert_eq!(extensions["code"], "VALIDATION_ERROR", "{error}");
    let listed = &extensions["validationErrors"];
    let listed = listed.as_array().context("no list")?;
    assert_eq!(extensions["field"], listed[0]["field"], "{error}");
    let texts = |name: &str| {
        let texts = listed.iter().map(|fault| fault[name].as_str());
        texts.collect::<Option<Vec<&str>>>().context("no text")
    };
    let message = texts("message")?.join("; ");
    assert_eq!(error["message"], *message);
    texts("field")
}

/// A mutation, its input, and the wrong fields.
type Case<'a> = (&'a str, Value, &'a [&'a str]);

async fn check_mutations(cases: &[Case<'_>]) -> Result<()> {
    let gateway = TestGateway::open().await?;
    for (mutation, input, fields) in cases {
        let kind = format!("{}{}Input", mutation[..1].to_uppercase(), &mutation[1..]);
        let selection = if *mutation == "cancelOrder" {
            ""
        } else {
            "{ id }"
        };
        let query = format!("mutation($v: {kind}!) {{ {mutation}(input: $v) {selection} }}");
        let body = gateway
            .send(&graphql(&query, &json!({ "v": input })))
            .await?;
        let body = body.json()?;
        assert_eq!(faults(&body)?, *fields, "{mutation}: {body}");
    }
    Ok(())
}

fn long() -> String {
    "x".repeat(1_001)
}

/// A null and a number that the parsers would round are found by the gateway alone.
#[tokio::test]
async fn of_mutations_of_the_catalogue() -> Result<()> {
    check_mutations(&[
        (
            "createCategory",
            json!({"name": " ", "description": long()}),
            &["name", "description"],
        ),
        (
            "updateCategory",
            json!({"id": "?", "name": "", "description": long(), "expectedVersion": null}),
            &["id", "name", "description", "expectedVersion"],
        ),
        (
            "updateCategory",
            json!({"id": "1", "name": "a", "expectedVersion": -1}),
            &["expectedVersion"],
        ),
        (
            "createProduct",
            json!({"name": "", "description": long(), "price": 0, "categoryId": "?", "stockQuantity": null}),
            &["name", "description", "price", "categoryId", "stockQuantity"],
        ),
        (
            "createProduct",
            json!({"name": "", "price": 19.999, "categoryId": "?", "stockQuantity": -1}),
            &["name", "price", "categoryId", "stockQuantity"],
        ),
        (
            "updateProduct",
            json!({"id": "?", "name": null, "description": long(), "price": null, "categoryId": "?",
                "expectedVersion": null}),
            &["id", "name", "description", "price", "categoryId", "expectedVersion"],
        ),
    ])
    .await?;
    let gateway = TestGateway::open().await?;
    let rounded = format!(
        "mutation {{ changeProductPrice(id: \"?\", newPrice: 19.990000000000000001, reason: \"{}\") {{ id }} }}",
        long()
    );
    let body = gateway.send(&graphql(&rounded, &json!({}))).await?.json()?;
    assert_eq!(faults(&body)?, ["id", "newPrice", "reason"], "{body}");
    Ok(())
}

#[tokio::test]
async fn of_mutations_of_orders() -> Result<()> {
    let lines = json!([{"productId": "a", "quantity": 0}, {"productId": "?", "quantity": 1001}]);
    let address = json!({"street": "\0", "city": "x".repeat(256), "postalCode": "x".repeat(21)});
    check_mutations(&[
        (
            "createOrder",
            json!({"userId": "", "shippingAddress": null, "items": lines}),
            &[
                "userId",
                "items[0].quantity",
                "items[1].productId",
                "items[1].quantity",
                "shippingAddress",
            ],
        ),
        (
            "createOrder",
            json!({"userId": "", "items": [], "shippingAddress": address}),
            &[
                "userId",
                "items",
                "shippingAddress.street",
                "shippingAddress.city",
                "shippingAddress.postalCode",
            ],
        ),
        (
            "cancelOrder",
            json!({"orderId": "?", "reason": null}),
            &["orderId", "reason"],
        ),
        (
            "cancelOrder",
            json!({"orderId": "?", "reason": long()}),
            &["orderId", "reason"],
        ),
    ])
    .await
}

#[tokio::test]
async fn of_lists_and_connections() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let days = json!({"user": "", "rows": 0, "offset": -1, "cursor": "x",
        "from": "2026-11-02T00:00:00Z", "to": "2026-11-01T00:00:00Z"});
    for (query, variables, fields) in [
        (
            "query($n: Int!) { categoriesPaginated(page: $n, perPage: $n) { id } }",
            json!({"n": 0}),
            &["page", "perPage"][..],
        ),
        (
            "query($n: Int!) { productsPaginated(page: $n, perPage: $n) { id } }",
            json!({"n": 0}),
            &["page", "perPage"],
        ),
        (
            "{ products(categoryId: \"?\", limit: 501, offset: -1) { id } }",
            json!({}),
            &["categoryId", "limit", "offset"],
        ),
        (
            "{ productsConnection(after: \"x\", before: \"y\", categoryId: \"?\") { totalCount } }",
            json!({}),
            &["first", "after", "before", "categoryId"],
        ),
        (
            "{ categoriesConnection(first: 0, after: \"x\") { totalCount } }",
            json!({}),
            &["first", "after"],
        ),
        (
            "query($rows: Int!, $offset: Int!, $from: DateTime, $to: DateTime) {
                orders(limit: $rows, offset: $offset, createdAfter: $from, createdBefore: $to) { id } }",
            days.clone(),
            &["limit", "offset", "createdAfter"],
        ),
        (
            "query($user: ID!, $rows: Int!, $offset: Int!, $from: DateTime, $to: DateTime) {
                userOrders(userId: $user, limit: $rows, offset: $offset, createdAfter: $from, createdBefore: $to) { id } }",
            days.clone(),
            &["userId", "limit", "offset", "createdAfter"],
        ),
        (
            "query($user: ID, $rows: Int!, $cursor: String, $from: DateTime, $to: DateTime) {
                ordersConnection(userId: $user, first: $rows, after: $cursor, last: 1, before: $cursor,
                    createdAfter: $from, createdBefore: $to) { totalCount } }",
            days,
            &["userId", "first", "after", "last", "before", "createdAfter"],
        ),
    ] {
        let body = gateway.send(&graphql(query, &variables)).await?.json()?;
        assert_eq!(faults(&body)?, fields, "{query}: {body}");
    }
    Ok(())
}
