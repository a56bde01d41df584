//! Connections, global ids, and the order and filters of lists.

use std::collections::HashSet;

use anyhow::{Context, Result};
use contract::proto::OrderStatus;
use contract::query::SagaStatus;
use serde_json::{Value, json};

use super::fakes::Fakes;
use super::test_gateway::{TestGateway, text};

const PAGE: &str =
    "query($first: Int, $after: String, $last: Int, $before: String, $sort: ProductSort) {
    productsConnection(first: $first, after: $after, last: $last, before: $before, sortBy: $sort) {
        edges { cursor node { name } }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    } }";

async fn product(gateway: &TestGateway, name: &str, price: f64) -> Result<String> {
    let create = "mutation($input: CreateProductInput!) { createProduct(input: $input) { id } }";
    let input = json!({"name": name, "price": price, "stockQuantity": 5});
    let data = gateway.data(create, json!({ "input": input })).await?;
    text(&data["createProduct"]["id"])
}

fn names(list: &Value) -> Vec<&str> {
    let items = list.as_array().map_or(&[][..], Vec::as_slice);
    items
        .iter()
        .filter_map(|item| item["name"].as_str().or(item["node"]["name"].as_str()))
        .collect()
}

#[tokio::test]
async fn a_connection_is_read_part_after_part_in_both_directions() -> Result<()> {
    let gateway = TestGateway::open().await?;
    for (name, price) in [("b", 3.0), ("a", 2.5), ("d", 1.01), ("c", 2.5), ("e", 9.0)] {
        product(&gateway, name, price).await?;
    }
    let dearest = json!({"field": "PRICE", "direction": "DESC"});
    for (sort, expected) in [
        (Value::Null, ["a", "b", "c", "d", "e"]),
        (dearest, ["e", "b", "c", "a", "d"]),
    ] {
        let mut forward = Vec::new();
        let mut after = Value::Null;
        loop {
            let variables = json!({"first": 2, "after": after, "sort": sort});
            let part = gateway.data(PAGE, variables).await?["productsConnection"].take();
            forward.extend(names(&part["edges"]).into_iter().map(str::to_owned));
            let page = &part["pageInfo"];
            assert_eq!(page["hasPreviousPage"], !after.is_null());
            assert_eq!(page["startCursor"], part["edges"][0]["cursor"]);
            after = page["endCursor"].clone();
            if page["hasNextPage"] == false {
                break;
            }
        }
        assert_eq!(forward, expected);
        let variables = json!({"last": 2, "before": after, "sort": sort});
        let part = gateway.data(PAGE, variables).await?["productsConnection"].take();
        assert_eq!(names(&part["edges"]), expected[2..4]);
        let page = &part["pageInfo"];
        assert_eq!(
            (&page["hasPreviousPage"], &page["hasNextPage"]),
            (&json!(true), &json!(true))
        );
    }
    Ok(())
}

#[tokio::test]
async fn every_order_accepts_its_cursors() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let pot = gateway.product("Pot", None).await?;
    gateway.product("Cup", None).await?;
    for name in ["Tea", "Coffee"] {
        gateway.category(name).await?;
        let order = "mutation($p: ID!) { createOrder(input: {userId: \"ann\", items: [{productId: $p, quantity: 1}]}) { id } }";
        gateway.data(order, json!({ "p": pot })).await?;
    }
    for (list, sort, fields) in [
        ("products", "Product", &["NAME", "PRICE", "CREATED_AT"][..]),
        ("categories", "Category", &["NAME", "CREATED_AT"]),
        ("orders", "Order", &["CREATED_AT"]),
    ] {
        let query = format!(
            "query($after: String, $sort: {sort}Sort) {{ list: {list}Connection(first: 1, after: $after, sortBy: $sort) {{
                edges {{ node {{ id }} }} pageInfo {{ endCursor hasNextPage }} }} }}"
        );
        for field in fields {
            for direction in ["ASC", "DESC"] {
                let sort = json!({"field": field, "direction": direction});
                let first = gateway.data(&query, json!({ "sort": sort })).await?;
                assert_eq!(first["list"]["pageInfo"]["hasNextPage"], true, "{first}");
                let after = &first["list"]["pageInfo"]["endCursor"];
                let second = gateway.data(&query, json!({"sort": sort, "after": after}));
                let second = second.await?;
                assert_eq!(second["list"]["pageInfo"]["hasNextPage"], false, "{second}");
                assert_ne!(second["list"]["edges"], first["list"]["edges"]);
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_part_after_the_last_item_is_empty() -> Result<()> {
    let gateway = TestGateway::open().await?;
    product(&gateway, "a", 1.0).await?;
    let part = gateway.data(PAGE, json!({"first": 1})).await?;
    let end = part["productsConnection"]["pageInfo"]["endCursor"].clone();
    let part = gateway
        .data(PAGE, json!({"first": 1, "after": end}))
        .await?;
    let expected = json!({"edges": [], "pageInfo": {"hasNextPage": false, "hasPreviousPage": true,
        "startCursor": null, "endCursor": null}});
    assert_eq!(part["productsConnection"], expected);
    Ok(())
}

#[tokio::test]
async fn products_that_come_while_a_client_pages_neither_hide_nor_repeat_others() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let mut permanent = HashSet::new();
    for number in 0..20 {
        let name = format!("p{number:02}");
        product(&gateway, &name, 1.0).await?;
        permanent.insert(name);
    }
    let mut read = Vec::new();
    let mut after = Value::Null;
    let delete = "mutation($id: ID!) { deleteProduct(id: $id) }";
    loop {
        let number = read.len();
        let before = product(&gateway, &format!("p{number:02}-"), 1.0).await?;
        let part = gateway
            .data(PAGE, json!({"first": 3, "after": after}))
            .await?;
        gateway.data(delete, json!({ "id": before })).await?;
        let part = &part["productsConnection"];
        read.extend(names(&part["edges"]).into_iter().map(str::to_owned));
        after = part["pageInfo"]["endCursor"].clone();
        if part["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    let kept: Vec<_> = read
        .iter()
        .filter(|name| permanent.contains(*name))
        .collect();
    assert_eq!(kept.len(), 20, "each once: {read:?}");
    assert!(read.len() > 20, "others were read too: {read:?}");
    Ok(())
}

#[tokio::test]
async fn wrong_parts_are_validation_errors_of_their_argument() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let category = gateway.category("Tea").await?;
    gateway.product("Pot", Some(&category)).await?;
    let cursors = "query($c: ID) { productsConnection(first: 1) { edges { cursor } }
        of: productsConnection(first: 1, categoryId: $c) { edges { cursor } }
        categoriesConnection(first: 1) { edges { cursor } } }";
    let data = gateway.data(cursors, json!({ "c": category })).await?;
    let cursor = |field: &str| text(&data[field]["edges"][0]["cursor"]);
    let own = cursor("productsConnection")?;
    let mut altered = own.clone().into_bytes();
    altered[3] ^= 1;
    for (variables, field) in [
        (json!({}), "first"),
        (json!({"first": 1, "last": 1}), "last"),
        (json!({"first": 0}), "first"),
        (json!({"first": -1}), "first"),
        (json!({"first": 101}), "first"),
        (json!({"last": 0}), "last"),
        (json!({"last": 101}), "last"),
        (json!({"first": 1, "after": ""}), "after"),
        (
            json!({"first": 1, "after": String::from_utf8(altered)?}),
            "after",
        ),
        (json!({"first": 1, "after": cursor("of")?}), "after"),
        (
            json!({"last": 1, "before": cursor("categoriesConnection")?}),
            "before",
        ),
        (
            json!({"first": 1, "after": own, "sort": {"field": "NAME", "direction": "DESC"}}),
            "after",
        ),
    ] {
        let error = gateway.error(PAGE, variables.clone()).await?;
        assert_eq!(error["code"], "VALIDATION_ERROR", "{variables}");
        assert_eq!(error["field"], field, "{variables}: {error}");
    }
    let same = json!({"first": 1, "after": own, "sort": {"field": "NAME", "direction": "ASC"}});
    let data = gateway.data(PAGE, same).await?;
    assert_eq!(
        data["productsConnection"]["edges"],
        json!([]),
        "the default order, named"
    );
    Ok(())
}

#[tokio::test]
async fn items_are_counted_only_if_the_count_is_selected() -> Result<()> {
    let (gateway, fakes) = Fakes::open().await?;
    fakes.add("o1", OrderStatus::Confirmed, SagaStatus::Completed);
    let query =
        "query($all: Boolean!) { ordersConnection(userId: \"ann\", last: 2, status: CONFIRMED,
        createdAfter: \"2026-11-23T00:00:00Z\", createdBefore: \"2026-11-23T00:00:00.000001Z\") {
        edges { node { id } } ...count @include(if: $all) } }
        fragment count on OrderConnection { totalCount }";
    gateway
        .data(
            "{ ordersConnection(first: 1) { edges { cursor } } }",
            json!({}),
        )
        .await?;
    gateway.data(query, json!({ "all": true })).await?;
    let slices = std::mem::take(&mut fakes.lock().slices);
    let counts: Vec<bool> = slices
        .iter()
        .filter_map(|one| Some(one.slice.as_ref()?.count))
        .collect();
    assert_eq!(counts, [false, true]);
    let period = slices[1].period.context("a period")?;
    let micros = super::fakes::SECONDS * 1_000_000;
    assert_eq!(period.created_from_micros, Some(micros));
    assert_eq!(period.created_before_micros, Some(micros + 1));
    assert_eq!(slices[1].user_id.as_deref(), Some("ann"));
    assert_eq!(slices[1].status, Some(OrderStatus::Confirmed.into()));
    let wrong = "{ orders(createdAfter: \"2026-11-24T00:00:00Z\", createdBefore: \"2026-11-23T00:00:00Z\") { id } }";
    let error = gateway.error(wrong, json!({})).await?;
    assert_eq!(
        (&error["code"], &error["field"]),
        (&json!("VALIDATION_ERROR"), &json!("createdAfter"))
    );
    Ok(())
}

#[tokio::test]
async fn objects_are_found_by_their_global_ids() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let category = gateway.category("Tea").await?;
    let product = gateway.product("Pot", Some(&category)).await?;
    let order = "mutation($p: ID!) { createOrder(input: {userId: \"ann\", items: [{productId: $p, quantity: 1}]}) { id nodeId } }";
    let made = gateway.data(order, json!({ "p": product })).await?["createOrder"].take();
    let read = "query($c: ID!, $p: ID!) { category(id: $c) { nodeId } product(id: $p) { nodeId } }";
    let ids = gateway
        .data(read, json!({"c": category, "p": product}))
        .await?;
    let (tea, pot) = (&ids["category"]["nodeId"], &ids["product"]["nodeId"]);
    let query = "query($ids: [ID!]!, $id: ID!) {
        node(id: $id) { __typename nodeId ... on Category { name } ...p }
        nodes(ids: $ids) { ...p ... on Order { userId id } ... on Node { nodeId } ... on Category { name id } } }
        fragment p on Product { name category { nodeId } }";
    gateway.wire.take();
    let found = json!([pot, tea, made["nodeId"], pot]);
    let body = gateway
        .ask_after(query, json!({"ids": found, "id": pot}))
        .await?;
    let expected = json!({
        "node": {"__typename": "Product", "nodeId": pot, "name": "Pot", "category": {"nodeId": tea}},
        "nodes": [
            {"name": "Pot", "category": {"nodeId": tea}, "nodeId": pot},
            {"name": "Tea", "nodeId": tea, "id": category},
            {"userId": "ann", "id": made["id"], "nodeId": made["nodeId"]},
            {"name": "Pot", "category": {"nodeId": tea}, "nodeId": pot},
        ],
    });
    assert_eq!(body["data"], expected, "{body}");
    let mut calls = gateway.wire.methods();
    calls.sort_unstable();
    // The category of a product is asked for when the product is known.
    calls.dedup();
    assert_eq!(
        calls,
        ["GetCategoriesByIds", "GetOrders", "GetProductsByIds"]
    );
    Ok(())
}

#[tokio::test]
async fn ids_without_an_object_are_null_with_an_error_of_their_own() -> Result<()> {
    let gateway = TestGateway::open().await?;
    gateway.category("Tea").await?;
    let tea =
        gateway.data("{ categories { nodeId } }", json!({})).await?["categories"][0]["nodeId"]
            .take();
    let query = "query($ids: [ID!]!) { nodes(ids: $ids) { nodeId } }";
    // "Product:1", which does not exist.
    let ids = json!(["UHJvZHVjdDox", tea, "Product:1"]);
    let body = gateway.ask_after(query, json!({ "ids": ids })).await?;
    assert_eq!(
        body["data"],
        json!({"nodes": [null, {"nodeId": tea}, null]})
    );
    let mut errors: Vec<_> = body["errors"]
        .as_array()
        .context("errors")?
        .iter()
        .collect();
    errors.sort_by_key(|error| error["path"][1].as_u64());
    let of = |error: &Value| (error["path"].clone(), error["extensions"]["code"].clone());
    assert_eq!(of(errors[0]), (json!(["nodes", 0]), json!("NOT_FOUND")));
    assert_eq!(
        of(errors[1]),
        (json!(["nodes", 2]), json!("VALIDATION_ERROR"))
    );
    assert_eq!(errors[1]["extensions"]["field"], "ids[2]");
    assert_eq!(
        errors[1]["message"],
        "ids[2] must be the nodeId of an object, got \"Product:1\""
    );
    for ids in [json!([]), json!(vec!["UHJvZHVjdDox"; 101])] {
        let error = gateway.error(query, json!({ "ids": ids })).await?;
        assert_eq!(
            (&error["code"], &error["field"]),
            (&json!("VALIDATION_ERROR"), &json!("ids"))
        );
    }
    for (id, code) in [("UHJvZHVjdDox", "NOT_FOUND"), ("1", "VALIDATION_ERROR")] {
        let query = "query($id: ID!) { node(id: $id) { nodeId } }";
        let error = gateway.error(query, json!({ "id": id })).await?;
        assert_eq!(error["code"], code);
    }
    Ok(())
}

#[tokio::test]
async fn lists_are_sorted_as_requested() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let category = gateway.category("z").await?;
    gateway.category("y").await?;
    for (name, price) in [("b", 3.0), ("a", 2.5), ("c", 2.5)] {
        let create =
            "mutation($input: CreateProductInput!) { createProduct(input: $input) { id } }";
        let input = json!({"name": name, "price": price, "categoryId": category});
        gateway.data(create, json!({ "input": input })).await?;
    }
    let query = "query($c: ID!, $p: ProductSort, $k: CategorySort) {
        products(sortBy: $p) { name } page: productsPaginated(page: 1, perPage: 2, sortBy: $p) { name }
        of: productsByCategory(categoryId: $c, sortBy: $p) { name } found: searchProducts(searchTerm: \"\", sortBy: $p) { name }
        range: productsByPriceRange(minPrice: 1, maxPrice: 9, sortBy: $p) { name }
        categories(sortBy: $k) { name } some: searchCategories(searchTerm: \"Y\", sortBy: $k) { name }
        two: categoriesPaginated(page: 1, perPage: 2, sortBy: $k) { name } }";
    let newest = json!({"field": "CREATED_AT", "direction": "DESC"});
    let variables =
        json!({"c": category, "p": {"field": "PRICE", "direction": "DESC"}, "k": newest});
    let data = gateway.data(query, variables).await?;
    for list in ["products", "of", "found", "range"] {
        assert_eq!(names(&data[list]), ["b", "c", "a"], "{list}");
    }
    assert_eq!(names(&data["page"]), ["b", "c"]);
    assert_eq!(names(&data["categories"]), ["y", "z"]);
    assert_eq!(
        (names(&data["some"]), names(&data["two"])),
        (vec!["y"], vec!["y", "z"])
    );
    let order = "mutation($p: ID!) { createOrder(input: {userId: \"ann\", items: [{productId: $p, quantity: 1}]}) { id createdAt } }";
    let pot = gateway.product("pot", None).await?;
    let mut made = Vec::new();
    for _ in 0..2 {
        made.push(gateway.data(order, json!({ "p": pot })).await?["createOrder"].take());
    }
    let query = "query($from: DateTime) { orders(sortBy: {field: CREATED_AT, direction: ASC}) { id }
        userOrders(userId: \"ann\") { id } later: userOrders(userId: \"ann\", createdAfter: $from) { id }
        earlier: orders(createdBefore: $from) { id } }";
    let data = gateway
        .data(query, json!({"from": made[1]["createdAt"]}))
        .await?;
    let (first, second) = (json!({"id": made[0]["id"]}), json!({"id": made[1]["id"]}));
    assert_eq!(data["orders"], json!([first, second]));
    assert_eq!(data["userOrders"], json!([second, first]));
    assert_eq!(
        (&data["later"], &data["earlier"]),
        (&json!([second]), &json!([first]))
    );
    Ok(())
}

#[tokio::test]
async fn an_item_has_its_product_until_that_is_deleted() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let (pot, cup) = (
        gateway.product("Pot", None).await?,
        gateway.product("Cup", None).await?,
    );
    let create = "mutation($p: ID!, $c: ID!) { createOrder(input: {userId: \"ann\",
        items: [{productId: $p, quantity: 1}, {productId: $c, quantity: 1}]}) { id } }";
    let data = gateway.data(create, json!({"p": pot, "c": cup})).await?;
    let id = &data["createOrder"]["id"];
    let delete = "mutation($id: ID!) { deleteProduct(id: $id) }";
    gateway.data(delete, json!({ "id": cup })).await?;
    gateway.wire.take();
    let query = "query($id: ID!) { order(id: $id) { items { productName product { id name } } } }";
    let body = gateway.ask_after(query, json!({ "id": id })).await?;
    let mut items = body["data"]["order"]["items"]
        .as_array()
        .context("items")?
        .clone();
    items.sort_by_key(|item| item["productName"].to_string());
    let expected = [
        json!({"productName": "Cup", "product": null}),
        json!({"productName": "Pot", "product": {"id": pot, "name": "Pot"}}),
    ];
    assert_eq!(items, expected, "{body}");
    assert!(body["errors"].is_null());
    assert_eq!(gateway.wire.methods(), ["GetOrder", "GetProductsByIds"]);
    Ok(())
}
