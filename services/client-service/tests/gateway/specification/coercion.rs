//! Sections 3.5, 3.9 to 3.12 and 6.1.2: input coercion.

use anyhow::Result;
use serde_json::{Value, json};

use super::{Data, Expected, INVALID, Rejected, check, check_literals};
use crate::test_gateway::TestGateway;

/// Sends each value as the variable `v` of a document.
async fn check_variables(
    gateway: &TestGateway,
    document: &str,
    table: &[(Value, Expected)],
) -> Result<()> {
    for (value, expected) in table {
        let row = (document, json!({ "v": value }), expected.clone());
        check(gateway, &[row]).await?;
    }
    Ok(())
}

/// Sends a request with variables as they are written.
async fn raw(gateway: &TestGateway, query: &str, variables: &str) -> Result<Value> {
    let query = Value::from(query);
    let body = format!("{{\"query\": {query}, \"variables\": {variables}}}");
    let reply = gateway
        .send(&test_shop::Request::post_json("/graphql", body))
        .await?;
    reply.json()
}

#[tokio::test]
async fn s3_5_1_int() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let none = || Data(json!({"products": []}));
    let table = [
        (json!(5), none()),
        (json!(5.0), none()),
        (json!(5e0), none()),
        (json!(null), none()),
        (json!(5.5), Rejected(INVALID)),
        (json!("5"), Rejected(INVALID)),
        (json!(true), Rejected(INVALID)),
        (json!(2_147_483_648_i64), Rejected(INVALID)),
        (json!(-2_147_483_649_i64), Rejected(INVALID)),
        (json!(2_147_483_648.0), Rejected(INVALID)),
        (json!(1e300), Rejected(INVALID)),
        (json!([5, 5]), Rejected(INVALID)),
        (json!({}), Rejected(INVALID)),
    ];
    let query = "query($v: Int) { products(limit: $v) { id } }";
    check_variables(&gateway, query, &table).await?;
    let literals = [
        ("5.0", Rejected(INVALID)),
        ("5e0", Rejected(INVALID)),
        ("\"5\"", Rejected(INVALID)),
    ];
    check_literals(&gateway, "{ products(limit: $) { id } }", &literals).await?;
    let create = "mutation($v: CreateProductInput!) { createProduct(input: $v) { stockQuantity } }";
    for written in ["-0", "-0.0", "0.0", "0e5"] {
        let input =
            format!("{{\"v\": {{\"name\": \"P\", \"price\": 1, \"stockQuantity\": {written}}}}}");
        let body = raw(&gateway, create, &input).await?;
        assert_eq!(
            body["data"]["createProduct"]["stockQuantity"], 0,
            "{written}: {body}"
        );
    }
    let rounded = "{\"v\": 5.0000000000000000001}";
    let body = raw(&gateway, query, rounded).await?;
    assert_eq!(body["errors"][0]["extensions"]["code"], INVALID, "{body}");
    Ok(())
}

#[tokio::test]
async fn s3_5_2_float() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let none = || Data(json!({"productsByPriceRange": []}));
    let table = [
        (json!(1.5), none()),
        (json!(1), none()),
        (json!(-1e300), none()),
        (json!("1.5"), Rejected(INVALID)),
        (json!(true), Rejected(INVALID)),
        (json!(null), Rejected(INVALID)),
    ];
    let query = "query($v: Float!) { productsByPriceRange(minPrice: $v, maxPrice: 2) { id } }";
    check_variables(&gateway, query, &table).await?;
    let body = raw(&gateway, query, "{\"v\": 1e400}").await?;
    assert_eq!(
        body["errors"][0]["extensions"]["code"], "BAD_REQUEST",
        "{body}"
    );
    Ok(())
}

#[tokio::test]
async fn s3_5_3_string() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let none = || Data(json!({"searchCategories": []}));
    let query = "query($v: String!) { searchCategories(searchTerm: $v) { id } }";
    let table = [
        (json!("😀"), none()),
        (json!(1), Rejected(INVALID)),
        (json!(1.5), Rejected(INVALID)),
        (json!(true), Rejected(INVALID)),
        (json!([]), Rejected(INVALID)),
        (json!({}), Rejected(INVALID)),
    ];
    check_variables(&gateway, query, &table).await?;
    let literals = [
        ("1", Rejected(INVALID)),
        ("true", Rejected(INVALID)),
        ("NAME", Rejected(INVALID)),
        ("[\"a\"]", Rejected(INVALID)),
    ];
    check_literals(
        &gateway,
        "{ searchCategories(searchTerm: $) { id } }",
        &literals,
    )
    .await?;
    // JSON with half of a surrogate pair is not Unicode text.
    let body = raw(&gateway, query, "{\"v\": \"\\uD83D\"}").await?;
    assert_eq!(
        body["errors"][0]["extensions"]["code"], "BAD_REQUEST",
        "{body}"
    );
    Ok(())
}

#[tokio::test]
async fn s3_5_4_boolean() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let table = [
        (json!(true), Data(json!({"a": "Query", "b": "Query"}))),
        (json!(false), Data(json!({"a": "Query"}))),
        (json!("true"), Rejected(INVALID)),
        (json!(""), Rejected(INVALID)),
        (json!(0), Rejected(INVALID)),
        (json!(1), Rejected(INVALID)),
        (json!(null), Rejected(INVALID)),
    ];
    let query = "query($v: Boolean!) { a: __typename b: __typename @include(if: $v) }";
    check_variables(&gateway, query, &table).await
}

#[tokio::test]
async fn s3_5_5_id() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let no = || Data(json!({"categoryExists": false}));
    let table = [
        (json!("4"), no()),
        (json!(4), no()),
        (json!(-4), no()),
        (json!(9_007_199_254_740_993_i64), no()),
        (json!(4.0), Rejected(INVALID)),
        (json!(4.5), Rejected(INVALID)),
        (json!(true), Rejected(INVALID)),
        (json!(null), Rejected(INVALID)),
        (json!({}), Rejected(INVALID)),
    ];
    check_variables(
        &gateway,
        "query($v: ID!) { categoryExists(id: $v) }",
        &table,
    )
    .await?;
    let literals = [
        ("\"4\"", no()),
        ("4", no()),
        ("-4", no()),
        ("4.0", Rejected(INVALID)),
        ("NAME", Rejected(INVALID)),
        ("true", Rejected(INVALID)),
    ];
    check_literals(&gateway, "{ categoryExists(id: $) }", &literals).await
}

#[tokio::test]
async fn s3_5_decimal() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let made = |price: Value| Data(json!({"createProduct": {"price": price}}));
    let table = [
        (json!(19.9), made(json!(19.9))),
        (json!(19), made(json!(19))),
        (json!(19.0), made(json!(19))),
        (json!("19.90"), made(json!(19.9))),
        (json!("1e1"), Rejected(INVALID)),
        (json!("abc"), Rejected(INVALID)),
        (json!(""), Rejected(INVALID)),
        (json!(true), Rejected(INVALID)),
        (json!([19]), Rejected(INVALID)),
        (json!({}), Rejected(INVALID)),
    ];
    let query =
        "mutation($v: Decimal!) { createProduct(input: {name: \"P\", price: $v}) { price } }";
    check_variables(&gateway, query, &table).await?;
    let literals = [
        ("19.90", made(json!(19.9))),
        ("1.99e1", made(json!(19.9))),
        ("\"19.90\"", made(json!(19.9))),
        ("PRICE", Rejected(INVALID)),
        ("[19]", Rejected(INVALID)),
        ("{a: 19}", Rejected(INVALID)),
        ("null", Rejected(INVALID)),
    ];
    let create = "mutation { createProduct(input: {name: \"P\", price: $}) { price } }";
    check_literals(&gateway, create, &literals).await
}

#[tokio::test]
async fn s3_9_enums() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let none = || Data(json!({"orders": []}));
    let table = [
        (json!("SHIPPED"), none()),
        (json!(null), none()),
        (json!("shipped"), Rejected(INVALID)),
        (json!(""), Rejected(INVALID)),
        (json!(1), Rejected(INVALID)),
        (json!(true), Rejected(INVALID)),
        (json!(["SHIPPED"]), Rejected(INVALID)),
    ];
    let query = "query($v: OrderStatus) { orders(status: $v) { id } }";
    check_variables(&gateway, query, &table).await?;
    let table = [
        (
            "query($v: OrderStatus = SHIPPED) { orders(status: $v) { id } }",
            json!({}),
            none(),
        ),
        (
            "query($v: OrderStatus = \"SHIPPED\") { orders(status: $v) { id } }",
            json!({}),
            Rejected(INVALID),
        ),
        (
            "query($v: String) { orders(status: $v) { id } }",
            json!({"v": "SHIPPED"}),
            Rejected(INVALID),
        ),
        // Operations that are not executed are validated too.
        (
            "query A { __typename } query B { orders(status: \"SHIPPED\") { id } }",
            json!({}),
            Rejected(INVALID),
        ),
    ];
    check(&gateway, &table[..3]).await?;
    let (query, ..) = table[3];
    let body = json!({"query": query, "operationName": "A"}).to_string();
    let reply = gateway
        .send(&test_shop::Request::post_json("/graphql", body))
        .await?;
    let body = reply.json()?;
    assert_eq!(body["errors"][0]["extensions"]["code"], INVALID, "{body}");
    Ok(())
}

#[tokio::test]
async fn s3_10_input_objects() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let made = |stock: i32| Data(json!({"createProduct": {"stockQuantity": stock}}));
    let query = "mutation($v: CreateProductInput!) { createProduct(input: $v) { stockQuantity } }";
    let table = [
        (json!({"name": "P", "price": 1}), made(0)),
        (
            json!({"name": "P", "price": 1, "stockQuantity": 3}),
            made(3),
        ),
        (
            json!({"name": "P", "price": 1, "description": null}),
            made(0),
        ),
        (json!({"name": "P"}), Rejected(INVALID)),
        (json!({"name": null, "price": 1}), Rejected(INVALID)),
        (
            json!({"name": "P", "price": 1, "nonsense": null}),
            Rejected(INVALID),
        ),
        (json!("text"), Rejected(INVALID)),
        (json!([{"name": "P", "price": 1}]), Rejected(INVALID)),
        (json!(null), Rejected(INVALID)),
    ];
    check_variables(&gateway, query, &table).await?;
    let absent = "mutation($s: Int, $n: String!) { createProduct(input: {name: $n, price: 1, stockQuantity: $s}) { stockQuantity } }";
    let table = [
        (absent, json!({"n": "P"}), made(0)),
        (absent, json!({"n": "P", "s": 2}), made(2)),
        (absent, json!({"n": "P", "s": 2.0, "ignored": {}}), made(2)),
        (absent, json!({"s": 2}), Rejected(INVALID)),
        (
            "mutation($n: String) { createProduct(input: {name: $n, price: 1}) { stockQuantity } }",
            json!({"n": "P"}),
            Rejected(INVALID),
        ),
        (
            "mutation($n: String = null) { createProduct(input: {name: $n, price: 1}) { stockQuantity } }",
            json!({"n": "P"}),
            Rejected(INVALID),
        ),
        (
            "mutation($n: String = \"P\") { createProduct(input: {name: $n, price: 1}) { stockQuantity } }",
            json!({}),
            made(0),
        ),
        (
            "mutation($n: String = \"P\") { createProduct(input: {name: $n, price: 1}) { stockQuantity } }",
            json!({"n": null}),
            Rejected(INVALID),
        ),
    ];
    check(&gateway, &table).await
}

#[tokio::test]
async fn s3_11_and_3_12_lists_and_non_null() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let id = gateway.product("Pot", None).await?;
    let ordered = || Data(json!({"createOrder": {"items": [{"quantity": 1}]}}));
    let item = json!({"productId": id, "quantity": 1});
    let table = [
        (json!([item]), ordered()),
        (item.clone(), ordered()),
        (json!([null]), Rejected(INVALID)),
        (json!([item, null]), Rejected(INVALID)),
        (json!([[item]]), Rejected(INVALID)),
        (json!([1]), Rejected(INVALID)),
        (json!(null), Rejected(INVALID)),
    ];
    let query = "mutation($v: [OrderItemInput!]!) { createOrder(input: {userId: \"u\", items: $v}) { items { quantity } } }";
    check_variables(&gateway, query, &table).await?;
    let single = format!("{{productId: \"{id}\", quantity: 1}}");
    let literals = [(single.as_str(), ordered()), ("null", Rejected(INVALID))];
    let create =
        "mutation { createOrder(input: {userId: \"u\", items: $}) { items { quantity } } }";
    check_literals(&gateway, create, &literals).await?;
    let within = "mutation($v: OrderItemInput!) { createOrder(input: {userId: \"u\", items: [$v]}) { items { quantity } } }";
    check_variables(&gateway, within, &[(item, ordered())]).await
}

/// The engine validates a document only once, but not by a request of which a part was removed.
#[tokio::test]
async fn s6_1_2_an_invalid_usage_of_a_variable_is_found_once_it_has_a_value() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let query = "query($v: Int) { products(unknown: $v) { id } }";
    gateway.ask(query, json!({})).await?;
    let table = [(json!(1), Rejected(INVALID)), (json!(2), Rejected(INVALID))];
    check_variables(&gateway, query, &table).await?;
    // A value of the wrong type is found in a document that was executed before.
    let query = "query($v: ID!) { categoryExists(id: $v) }";
    let table = [
        (json!("1"), Data(json!({"categoryExists": false}))),
        (json!("1"), Data(json!({"categoryExists": false}))),
        (json!([]), Rejected(INVALID)),
        (json!(null), Rejected(INVALID)),
    ];
    check_variables(&gateway, query, &table).await
}
