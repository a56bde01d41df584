//! Invalid input returns its documented error and changes nothing. The rules are tested in the domain; here each field is
//! tested once against its rule, and the gateway's own validation is tested completely.

use anyhow::Result;
use serde_json::{Value, json};

use super::test_gateway::TestGateway;

const CREATE_CATEGORY: &str =
    "mutation($v: CreateCategoryInput!) { createCategory(input: $v) { id } }";
const UPDATE_CATEGORY: &str =
    "mutation($v: UpdateCategoryInput!) { updateCategory(input: $v) { id } }";
const CREATE_PRODUCT: &str =
    "mutation($v: CreateProductInput!) { createProduct(input: $v) { id } }";
const UPDATE_PRODUCT: &str =
    "mutation($v: UpdateProductInput!) { updateProduct(input: $v) { id } }";
const TYPE: &str = "GRAPHQL_VALIDATION_FAILED";
const RULE: &str = "VALIDATION_ERROR";

/// The position of the log, by which a rejected request that wrote an event is detected.
async fn log_position(gateway: &TestGateway) -> Result<Value> {
    let query = "{ categories { id } products { id } }";
    let body = gateway.ask_after(query, json!({})).await?;
    Ok(body["extensions"]["position"].clone())
}

async fn rejected(
    gateway: &TestGateway,
    query: &str,
    input: Value,
    code: &str,
    field: Option<&str>,
) -> Result<()> {
    let before = log_position(gateway).await?;
    let error = gateway.error(query, json!({ "v": input })).await?;
    assert_eq!(error["code"], code, "{query} with {input}: {error}");
    assert_eq!(
        error["field"].as_str(),
        field,
        "{query} with {input}: {error}"
    );
    if let Some(field) = field {
        assert_eq!(error["validationErrors"][0]["field"], field, "{error}");
        assert!(
            error["validationErrors"][0]["message"].is_string(),
            "{error}"
        );
    }
    assert_eq!(log_position(gateway).await?, before, "{query} with {input}");
    Ok(())
}

#[tokio::test]
async fn names_and_texts() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let zero = json!({"name": "a\0b"});
    rejected(&gateway, CREATE_CATEGORY, zero, RULE, Some("name")).await?;
    for name in [json!(null), json!(1), json!(true), json!([]), json!({})] {
        rejected(&gateway, CREATE_CATEGORY, json!({"name": name}), TYPE, None).await?;
    }
    rejected(&gateway, CREATE_CATEGORY, json!({}), TYPE, None).await?;
    rejected(
        &gateway,
        CREATE_CATEGORY,
        json!({"name": "a", "nonsense": 1}),
        TYPE,
        None,
    )
    .await?;
    let long = json!({"name": "a", "description": "x".repeat(1001)});
    rejected(&gateway, CREATE_CATEGORY, long, RULE, Some("description")).await?;
    let id = gateway.category("Tea").await?;
    let name = json!({"id": id, "name": ""});
    rejected(&gateway, UPDATE_CATEGORY, name, RULE, Some("name")).await?;
    let version = json!({"id": id, "name": "a", "expectedVersion": null});
    rejected(
        &gateway,
        UPDATE_CATEGORY,
        version,
        RULE,
        Some("expectedVersion"),
    )
    .await?;
    rejected(
        &gateway,
        UPDATE_CATEGORY,
        json!({"id": "none", "name": "a"}),
        "NOT_FOUND",
        None,
    )
    .await?;
    rejected(
        &gateway,
        CREATE_CATEGORY,
        json!({"name": "TEA"}),
        "CONFLICT",
        None,
    )
    .await?;
    Ok(())
}

#[tokio::test]
async fn prices_are_exact() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let id = gateway.product("Pot", None).await?;
    for price in [json!(19.905), json!("19.905"), json!(1e300)] {
        let input = json!({"name": "a", "price": price});
        rejected(&gateway, CREATE_PRODUCT, input, RULE, Some("price")).await?;
        let input = json!({"id": id, "price": price});
        rejected(&gateway, UPDATE_PRODUCT, input, RULE, Some("price")).await?;
    }
    for price in [json!("abc"), json!(true), json!(""), json!([1])] {
        let input = json!({"name": "a", "price": price});
        rejected(&gateway, CREATE_PRODUCT, input, TYPE, None).await?;
    }
    rejected(
        &gateway,
        CREATE_PRODUCT,
        json!({"name": "a", "price": null}),
        TYPE,
        None,
    )
    .await?;
    rejected(
        &gateway,
        UPDATE_PRODUCT,
        json!({"id": id, "price": null}),
        RULE,
        Some("price"),
    )
    .await?;
    let rounded = r#"{"query": "mutation { createProduct(input: {name: \"a\", price: 19.990000000000000001}) { id } }"}"#;
    let reply = gateway
        .send(&test_shop::Request::post_json("/graphql", rounded))
        .await?;
    let body = reply.json()?;
    assert_eq!(body["errors"][0]["extensions"]["field"], "price", "{body}");
    let change = "mutation($v: Decimal!) { changeProductPrice(id: \"ID\", newPrice: $v) { id } }";
    let change = change.replace("ID", &id);
    rejected(&gateway, &change, json!(0.001), RULE, Some("newPrice")).await?;
    Ok(())
}

#[tokio::test]
async fn other_numbers_are_shown_as_written_too() -> Result<()> {
    let gateway = TestGateway::open().await?;
    for (field, number) in [
        ("products(limit: $v)", "123456789012345678901234567890"),
        ("products(limit: $v)", "5.0000000000000000001"),
        (
            "searchProducts(searchTerm: $v)",
            "123456789012345678901234567890",
        ),
    ] {
        let message = format!("got {number}");
        let literal = format!("{{ {} {{ id }} }}", field.replace("$v", number));
        let literal = json!({ "query": literal }).to_string();
        let ty = if field.contains("limit") {
            "Int"
        } else {
            "String!"
        };
        let query = format!("query($v: {ty}) {{ {field} {{ id }} }}");
        let variable = format!(
            "{{\"query\": {}, \"variables\": {{\"v\": {number}}}}}",
            json!(query)
        );
        for request in [literal, variable] {
            let request = test_shop::Request::post_json("/graphql", request);
            let body = gateway.send(&request).await?.json()?;
            assert_eq!(body["errors"][0]["extensions"]["code"], TYPE, "{body}");
            let shown = body["errors"][0]["message"].as_str().unwrap_or_default();
            assert!(shown.ends_with(&message), "{body}");
        }
    }
    let range = "{ productsByPriceRange(minPrice: 19.990000000000000001, maxPrice: 1) { id } }";
    let body = gateway.ask(range, json!({})).await?.json()?;
    let rule = "minPrice must not be above maxPrice 1, got 19.990000000000000001";
    assert_eq!(body["errors"][0]["message"], rule);
    Ok(())
}

#[tokio::test]
async fn money_that_would_be_rounded_is_rejected_as_written() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let id = gateway.product("Pot", None).await?;
    let before = log_position(&gateway).await?;
    let create = |price: &str| format!("createProduct(input: {{name: \\\"a\\\", price: {price}}})");
    let update =
        |price: &str| format!("updateProduct(input: {{id: \\\"{id}\\\", price: {price}}})");
    let change = |price: &str| format!("changeProductPrice(id: \\\"{id}\\\", newPrice: {price})");
    for written in [
        "19.990000000000000001",
        "0.0100000000000000000001",
        "1.9990000000000000000001e1",
        "5.0000000000000000001",
        "-0.500000000000000000001",
        // Numbers that no rounding makes valid.
        "123456789012345678901234567890",
        "1.23456789012345678901234567891",
    ] {
        for (field, mutation) in [
            ("price", &create as &dyn Fn(&str) -> String),
            ("price", &update),
            ("newPrice", &change),
        ] {
            let literal = format!(
                r#"{{"query": "mutation {{ {} {{ id }} }}"}}"#,
                mutation(written)
            );
            let variable = format!(
                r#"{{"query": "mutation($v: Decimal!) {{ {} {{ id }} }}", "variables": {{"v": {written}}}}}"#,
                mutation("$v")
            );
            for request in [literal, variable] {
                let request = test_shop::Request::post_json("/graphql", request);
                let body = gateway.send(&request).await?.json()?;
                let error = &body["errors"][0];
                assert_eq!(error["extensions"]["code"], RULE, "{body}");
                assert_eq!(error["extensions"]["field"], field, "{body}");
                let message = error["message"].as_str().unwrap_or_default();
                assert!(message.contains(written), "{body}");
            }
        }
    }
    assert_eq!(log_position(&gateway).await?, before);
    // Not money, or exact as written.
    for number in ["0.30000000000000004", "19.990000000000000001"] {
        let query =
            format!("{{ productsByPriceRange(minPrice: {number}, maxPrice: 99) {{ id }} }}");
        let data = gateway.data(&query, json!({})).await?;
        assert!(data["productsByPriceRange"].is_array(), "{data}");
    }
    let exact = r#"{"query": "mutation { createProduct(input: {name: \"b\", price: 19.9900000000000000000}) { price } }"}"#;
    let exact = test_shop::Request::post_json("/graphql", exact);
    let body = gateway.send(&exact).await?.json()?;
    assert_eq!(body["data"]["createProduct"]["price"], 19.99, "{body}");
    Ok(())
}

#[tokio::test]
async fn product_fields() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let id = gateway.product("Pot", None).await?;
    let with = |field: &str, value: Value| {
        let mut input = json!({"name": "a", "price": 1});
        input[field] = value;
        input
    };
    for (field, value) in [
        ("name", json!("")),
        ("stockQuantity", json!(-1)),
        ("stockQuantity", json!(null)),
        ("categoryId", json!("none")),
        ("categoryId", json!("")),
    ] {
        rejected(
            &gateway,
            CREATE_PRODUCT,
            with(field, value),
            RULE,
            Some(field),
        )
        .await?;
    }
    for (field, value) in [
        ("stockQuantity", json!(1.5)),
        ("stockQuantity", json!("1")),
        ("stockQuantity", json!(3_000_000_000_i64)),
        ("categoryId", json!(true)),
    ] {
        rejected(&gateway, CREATE_PRODUCT, with(field, value), TYPE, None).await?;
    }
    let null = json!({"id": id, "name": null});
    rejected(&gateway, UPDATE_PRODUCT, null, RULE, Some("name")).await?;
    let outdated = json!({"id": id, "name": "a", "expectedVersion": 9});
    rejected(&gateway, UPDATE_PRODUCT, outdated, "CONFLICT", None).await?;
    let stock =
        format!("mutation($v: Int!) {{ updateStock(productId: \"{id}\", quantity: $v) {{ id }} }}");
    rejected(&gateway, &stock, json!(-1), RULE, Some("quantity")).await?;
    let unknown = "mutation($v: Int!) { updateStock(productId: \"none\", quantity: $v) { id } }";
    rejected(&gateway, unknown, json!(1), "NOT_FOUND", None).await?;
    Ok(())
}

#[tokio::test]
async fn arguments_of_queries() -> Result<()> {
    let gateway = TestGateway::open().await?;
    for (query, field) in [
        ("{ products(limit: 0) { id } }", "limit"),
        ("{ products(limit: 501) { id } }", "limit"),
        ("{ products(offset: -1) { id } }", "offset"),
        ("{ productsPaginated(page: 0, perPage: 1) { id } }", "page"),
        (
            "{ productsPaginated(page: 1, perPage: 0) { id } }",
            "perPage",
        ),
        (
            "{ categoriesPaginated(page: 1, perPage: 501) { id } }",
            "perPage",
        ),
        (
            "{ productsByPriceRange(minPrice: 2, maxPrice: 1) { id } }",
            "minPrice",
        ),
        ("{ category(id: \"\\u0000\") { id } }", "id"),
        ("{ category(id: \"\") { id } }", "id"),
        ("{ categoryExists(id: \"a b\") }", "id"),
        ("{ categoryByName(name: \" \") { id } }", "name"),
        ("{ product(id: \"\") { id } }", "id"),
        ("{ productExists(id: \"\") }", "id"),
        ("{ productByName(name: \"\") { id } }", "name"),
        ("{ products(categoryId: \"\") { id } }", "categoryId"),
        (
            "{ productsByCategory(categoryId: \"a b\") { id } }",
            "categoryId",
        ),
        (
            "{ searchProducts(searchTerm: \"\\u0000\") { id } }",
            "searchTerm",
        ),
    ] {
        let error = gateway.error(query, json!({})).await?;
        assert_eq!(error["code"], RULE, "{query}: {error}");
        assert_eq!(error["field"], field, "{query}: {error}");
    }
    let long = "x".repeat(256);
    let error = gateway.error(
        "query($t: String!) { searchCategories(searchTerm: $t) { id } }",
        json!({"t": long}),
    );
    assert_eq!(error.await?["field"], "searchTerm");
    for query in [
        "{ products(limit: \"1\") { id } }",
        "{ products(limit: 2147483648) { id } }",
        "{ category { id } }",
        "{ category(id: null) { id } }",
        "{ productsByPriceRange(minPrice: \"1\", maxPrice: 2) { id } }",
    ] {
        assert_eq!(
            gateway.error(query, json!({})).await?["code"],
            TYPE,
            "{query}"
        );
    }
    let nothing = "{ a: searchProducts(searchTerm: \"' OR 1=1 --\") { id } b: products(limit: null, categoryId: null) { id } }";
    gateway.data(nothing, json!({})).await?;
    let all = "{ productsByPriceRange(minPrice: -1e308, maxPrice: 1e308) { id } }";
    gateway.data(all, json!({})).await?;
    Ok(())
}

#[tokio::test]
async fn a_missing_variable_rejects_all_mutations_of_the_request() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let two = "mutation($v: String!) { a: createCategory(input: {name: \"A\"}) { id } b: createCategory(input: {name: $v}) { id } }";
    let before = log_position(&gateway).await?;
    for variables in [json!({}), json!({"v": null})] {
        let error = gateway.error(two, variables).await?;
        assert_eq!(error["code"], TYPE, "{error}");
    }
    assert_eq!(log_position(&gateway).await?, before);
    Ok(())
}

#[tokio::test]
async fn a_variable_without_a_value_is_absent_and_not_null() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let create = "mutation($d: String, $s: Int, $c: ID) { createProduct(input: {name: \"Pot\", price: 1, description: $d, stockQuantity: $s, categoryId: $c}) { id description stockQuantity } }";
    let made = gateway.data(create, json!({"d": "iron"})).await?;
    assert_eq!(made["createProduct"]["stockQuantity"], 0);
    let update = "mutation($id: ID!, $n: String, $d: String, $p: Decimal, $c: ID, $e: Int) { updateProduct(input: {id: $id, name: $n, description: $d, price: $p, categoryId: $c, expectedVersion: $e}) { name description version } }";
    let id = &made["createProduct"]["id"];
    let updated = gateway.data(update, json!({"id": id, "n": "Pan"})).await?;
    let expected = json!({"name": "Pan", "description": "iron", "version": 2});
    assert_eq!(updated["updateProduct"], expected);
    let cleared = gateway.data(update, json!({"id": id, "d": null})).await?;
    let expected = json!({"name": "Pan", "description": null, "version": 3});
    assert_eq!(cleared["updateProduct"], expected);
    let unused = "query($x: Int) { __typename }";
    assert_eq!(gateway.error(unused, json!({})).await?["code"], TYPE);
    let page = "query($l: Int) { ...p } fragment p on Query { products(limit: $l) { id } }";
    gateway.data(page, json!({})).await?;
    Ok(())
}

#[tokio::test]
async fn a_value_of_the_wrong_type_rejects_all_mutations_of_the_request() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let id = gateway.product("Pot", None).await?;
    let first = "a: createCategory(input: {name: \"A\"}) { id }";
    let product = format!(
        "mutation($v: CreateProductInput!) {{ {first} b: createProduct(input: $v) {{ id }} }}"
    );
    let stock = format!(
        "mutation($v: Int!) {{ {first} b: updateStock(productId: \"{id}\", quantity: $v) {{ id }} }}"
    );
    let default = "mutation($s: Int = 3) { FIRST b: createProduct(input: {name: \"P\", price: 1, stockQuantity: $s, nonsense: 1}) { id } }"
        .replace("FIRST", first);
    let literal = format!(
        "mutation {{ {first} b: updateStock(productId: \"{id}\", quantity: 2147483648) {{ id }} }}"
    );
    let text = format!("mutation {{ {first} b: createProduct(input: \"text\") {{ id }} }}");
    let with = |field: &str, value: Value| {
        let mut input = json!({"name": "P", "price": 1});
        input[field] = value;
        input
    };
    for (query, value) in [
        (&stock, json!(2_147_483_648_i64)),
        (&stock, json!(-2_147_483_649_i64)),
        (&stock, json!(1.5)),
        (&stock, json!(1e300)),
        (&product, with("stockQuantity", json!(3_000_000_000_i64))),
        (&product, with("stockQuantity", json!(0.5))),
        (&product, with("name", json!({}))),
        (&product, with("name", json!(null))),
        (&product, with("price", json!("1e2"))),
        (&product, with("categoryId", json!(1.5))),
        (&product, with("nonsense", json!(1))),
        (&product, json!("text")),
        (&product, json!([with("name", json!("P"))])),
        (&default, json!({})),
        (&literal, json!({})),
        (&text, json!({})),
    ] {
        gateway.wire.take();
        let before = log_position(&gateway).await?;
        gateway.wire.take();
        let body = gateway.ask_after(query, json!({ "v": value })).await?;
        let error = &body["errors"][0];
        assert_eq!(error["extensions"]["code"], TYPE, "{query} with {value}");
        assert!(error["locations"][0]["line"].is_number(), "{error}");
        assert_eq!(body.get("data"), None, "{query} with {value}: {body}");
        assert_eq!(gateway.wire.methods(), [""; 0], "{query} with {value}");
        assert_eq!(
            log_position(&gateway).await?,
            before,
            "{query} with {value}"
        );
    }
    Ok(())
}
