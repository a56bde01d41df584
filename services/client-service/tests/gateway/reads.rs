//! The number of calls of a query.

use anyhow::Result;
use serde_json::json;

use super::test_gateway::TestGateway;

#[tokio::test]
async fn a_hundred_products_with_their_categories_are_two_calls() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let mut categories = Vec::new();
    for number in 0..4 {
        categories.push(gateway.category(&format!("Category {number}")).await?);
    }
    let create = "mutation($a: CreateProductInput!, $b: CreateProductInput!, $c: CreateProductInput!, $d: CreateProductInput!) {
        a: createProduct(input: $a) { id } b: createProduct(input: $b) { id }
        c: createProduct(input: $c) { id } d: createProduct(input: $d) { id } }";
    for number in 0..25 {
        let input = |letter: &str, category: &str| json!({"name": format!("{letter}{number:03}"), "price": 1, "categoryId": category});
        let variables = json!({
            "a": input("a", &categories[0]), "b": input("b", &categories[1]),
            "c": input("c", &categories[2]), "d": input("d", &categories[3]),
        });
        gateway.data(create, variables).await?;
    }
    gateway.wire.take();
    let query = "{ products(limit: 100) { name category { name productCount } } }";
    let body = gateway.ask_after(query, json!({})).await?;
    let products = body["data"]["products"].as_array().map_or(0, Vec::len);
    assert_eq!(products, 100, "{body}");
    assert_eq!(
        body["data"]["products"][0]["category"]["name"],
        "Category 0"
    );
    assert_eq!(body["data"]["products"][0]["category"]["productCount"], 25);
    assert_eq!(
        gateway.wire.methods(),
        ["ListProductsWindow", "GetCategoriesByIds"]
    );
    Ok(())
}

#[tokio::test]
async fn nested_lists_that_exceed_one_message_are_whole() -> Result<()> {
    const PRODUCTS: usize = 495;
    const PER_REQUEST: usize = 15;
    let gateway = TestGateway::open().await?;
    // All products have more than 4.5 MiB; one message has room for 4 MiB.
    let (name, description) = ("\u{1d11e}".repeat(190), "\u{1d11e}".repeat(1_000));
    let fields = (0..PER_REQUEST).map(|n| format!("p{n}: createProduct(input: $p{n}) {{ id }}"));
    let variables = (0..PER_REQUEST).map(|n| format!("$p{n}: CreateProductInput!"));
    let create = format!(
        "mutation({}) {{ {} }}",
        variables.collect::<Vec<_>>().join(", "),
        fields.collect::<Vec<_>>().join(" ")
    );
    for category in ["One", "Two"] {
        let category = gateway.category(category).await?;
        for request in 0..PRODUCTS / PER_REQUEST {
            let input = |n: usize| {
                let name = format!("{request:03} {n:02} {name}");
                json!({"name": name, "price": 1, "categoryId": category, "description": description})
            };
            let variables = (0..PER_REQUEST).map(|n| (format!("p{n}"), input(n)));
            let variables = variables.collect::<serde_json::Map<_, _>>();
            gateway.data(&create, variables.into()).await?;
        }
    }
    for limit in ["", "(limit: 500)", "(limit: 495)"] {
        let query = format!(
            "{{ categoriesPaginated(page: 1, perPage: 2) {{ products{limit} {{ id }} }} }}"
        );
        let body = gateway.ask_after(&query, json!({})).await?;
        let categories = body["data"]["categoriesPaginated"].as_array();
        let lists = categories.into_iter().flatten();
        let lengths: Vec<_> = lists
            .map(|category| category["products"].as_array().map(Vec::len))
            .collect();
        assert_eq!(lengths, [Some(PRODUCTS), Some(PRODUCTS)], "{limit}");
        assert_eq!(body["extensions"].get("truncated"), None, "{limit}");
    }
    Ok(())
}

#[tokio::test]
async fn nested_lists_are_one_call_for_all_parents() -> Result<()> {
    let gateway = TestGateway::open().await?;
    for name in ["One", "Two", "Three"] {
        let id = gateway.category(name).await?;
        gateway.product(&format!("In {name}"), Some(&id)).await?;
    }
    gateway.wire.take();
    let query = "{ categories { name products(limit: 20) { name category { name } } } }";
    let body = gateway.ask_after(query, json!({})).await?;
    let categories = &body["data"]["categories"];
    assert_eq!(
        categories[1]["products"][0]["category"]["name"], "Three",
        "{body}"
    );
    let calls = [
        "ListCategories",
        "GetProductsByCategories",
        "GetCategoriesByIds",
    ];
    assert_eq!(gateway.wire.methods(), calls);
    Ok(())
}

#[tokio::test]
async fn a_product_with_its_category_is_one_call() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let category = gateway.category("Books").await?;
    let query = "mutation($input: CreateProductInput!) { createProduct(input: $input) { id category { name } } }";
    let input = json!({"name": "A book", "price": "12.50", "categoryId": category});
    let data = gateway.data(query, json!({ "input": input })).await?;
    assert_eq!(data["createProduct"]["category"]["name"], "Books");
    gateway.wire.take();
    let query = "query($id: ID!) { product(id: $id) { name ...rest } } fragment rest on Product { category { name } }";
    let data = gateway
        .data(query, json!({"id": data["createProduct"]["id"]}))
        .await?;
    assert_eq!(data["product"]["category"]["name"], "Books");
    assert_eq!(gateway.wire.methods(), ["GetProductWithCategory"]);
    Ok(())
}

#[tokio::test]
async fn the_own_fields_of_a_mutation_need_no_read() -> Result<()> {
    let gateway = TestGateway::open().await?;
    gateway.wire.take();
    let query = "mutation { createProduct(input: {name: \"Pen\", price: 2.5, stockQuantity: 3}) {
        id name description price stockQuantity onHandQuantity reservedQuantity categoryId
        version createdAt updatedAt } }";
    let data = gateway.data(query, json!({})).await?;
    assert_eq!(data["createProduct"]["stockQuantity"], 3);
    assert_eq!(data["createProduct"]["price"], 2.5);
    assert_eq!(gateway.wire.methods(), ["Create"]);
    Ok(())
}

#[tokio::test]
async fn a_truncated_list_is_marked() -> Result<()> {
    let gateway = TestGateway::open().await?;
    for batch in 0..17 {
        let fields = (0..30).map(|n| {
            format!("a{n}: createCategory(input: {{name: \"{batch:02} {n:02}\"}}) {{ id }}")
        });
        let query = format!("mutation {{ {} }}", fields.collect::<Vec<_>>().join(" "));
        gateway.data(&query, json!({})).await?;
    }
    let body = gateway
        .ask_after("{ categories { name } }", json!({}))
        .await?;
    assert_eq!(
        body["data"]["categories"].as_array().map(Vec::len),
        Some(500)
    );
    assert_eq!(body["extensions"]["truncated"], true);
    let query = "{ categoriesPaginated(page: 2, perPage: 500) { name } }";
    let body = gateway.ask_after(query, json!({})).await?;
    let rows = &body["data"]["categoriesPaginated"];
    assert_eq!(rows.as_array().map(Vec::len), Some(10));
    assert_eq!(body["extensions"].get("truncated"), None);
    Ok(())
}
