//! Every operation of the catalogue, as documented.

use anyhow::Result;
use serde_json::{Value, json};

use super::test_gateway::{TestGateway, text};

fn names(list: &Value) -> Vec<&str> {
    let items = list.as_array().map_or(&[][..], Vec::as_slice);
    items
        .iter()
        .filter_map(|item| item["name"].as_str())
        .collect()
}

#[tokio::test]
async fn categories_from_creation_to_deletion() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let create = "mutation($input: CreateCategoryInput!) { createCategory(input: $input) {
        id name description productCount products { id } version createdAt updatedAt } }";
    let input = json!({"name": "  Tea \u{1F375} ", "description": "Leaves"});
    let made = gateway.data(create, json!({ "input": input })).await?["createCategory"].take();
    let id = text(&made["id"])?;
    assert_eq!(made["name"], "Tea \u{1F375}");
    assert_eq!(made["description"], "Leaves");
    assert_eq!(
        (&made["productCount"], &made["products"]),
        (&json!(0), &json!([]))
    );
    assert_eq!(made["version"], 1);
    assert!(text(&made["createdAt"])?.ends_with('Z'));
    let read =
        "query($id: ID!) { category(id: $id) { id name description version createdAt updatedAt }
        categoryExists(id: $id) }";
    let row = gateway.data(read, json!({ "id": id })).await?;
    for field in [
        "id",
        "name",
        "description",
        "version",
        "createdAt",
        "updatedAt",
    ] {
        assert_eq!(row["category"][field], made[field], "{field}");
    }
    assert_eq!(row["categoryExists"], true);
    let update = "mutation($input: UpdateCategoryInput!) { updateCategory(input: $input) { name description version } }";
    let input = json!({"id": id, "name": "Tea", "expectedVersion": 1});
    let data = gateway.data(update, json!({ "input": input })).await?;
    assert_eq!(
        data["updateCategory"],
        json!({"name": "Tea", "description": "Leaves", "version": 2})
    );
    let input = json!({"id": id, "name": "Tea", "description": null});
    let data = gateway.data(update, json!({ "input": input })).await?;
    assert_eq!(data["updateCategory"]["description"], Value::Null);
    let input = json!({"id": id, "name": "Tea", "expectedVersion": 1});
    let error = gateway.error(update, json!({ "input": input })).await?;
    assert_eq!(error["code"], "CONFLICT");
    let delete = "mutation($id: ID!) { deleteCategory(id: $id) }";
    let data = gateway.data(delete, json!({ "id": id })).await?;
    assert_eq!(data["deleteCategory"], true);
    assert_eq!(
        gateway.error(delete, json!({ "id": id })).await?["code"],
        "NOT_FOUND"
    );
    Ok(())
}

#[tokio::test]
async fn category_lists() -> Result<()> {
    let gateway = TestGateway::open().await?;
    for name in ["b", "C", "a", "100% _x_", "z"] {
        gateway.category(name).await?;
    }
    let query = "{ categories { name } two: categoriesPaginated(page: 2, perPage: 3) { name }
        found: searchCategories(searchTerm: \"c\") { name }
        percent: searchCategories(searchTerm: \"% _\") { name }
        categoryByName(name: \" C \") { name }
        categoryStatistics { totalCount hasCategories categoriesWithTimestamps } }";
    let body = gateway.ask_after(query, json!({})).await?;
    let data = &body["data"];
    assert_eq!(
        names(&data["categories"]),
        ["100% _x_", "C", "a", "b", "z"],
        "{body}"
    );
    assert_eq!(names(&data["two"]), ["b", "z"]);
    assert_eq!(names(&data["found"]), ["C"]);
    assert_eq!(names(&data["percent"]), ["100% _x_"]);
    assert_eq!(data["categoryByName"]["name"], "C");
    let statistics = json!({"totalCount": 5, "hasCategories": true, "categoriesWithTimestamps": 5});
    assert_eq!(data["categoryStatistics"], statistics);
    assert!(body["extensions"].get("truncated").is_none());
    Ok(())
}

#[tokio::test]
async fn products_from_creation_to_deletion() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let category = gateway.category("Tea").await?;
    let create = "mutation($input: CreateProductInput!) { createProduct(input: $input) {
        id name description price stockQuantity onHandQuantity reservedQuantity categoryId version } }";
    let input = json!({"name": "Pot", "price": "19.90", "categoryId": category});
    let made = gateway.data(create, json!({ "input": input })).await?["createProduct"].take();
    let id = text(&made["id"])?;
    assert_eq!(made["price"], 19.9);
    assert_eq!(made["stockQuantity"], 0);
    assert_eq!(made["categoryId"], category.as_str());
    let update = "mutation($input: UpdateProductInput!) { updateProduct(input: $input) {
        name description price categoryId category { id } version } }";
    let input = json!({"id": id, "description": "Blue", "categoryId": null});
    let data = gateway.data(update, json!({ "input": input })).await?;
    assert_eq!(
        data["updateProduct"],
        json!({"name": "Pot", "description": "Blue", "price": 19.9, "categoryId": null,
               "category": null, "version": 2})
    );
    let price = "mutation($id: ID!, $price: Decimal!) { changeProductPrice(id: $id, newPrice: $price, reason: \"sale\") { price version } }";
    let data = gateway.data(price, json!({"id": id, "price": 9})).await?;
    assert_eq!(
        data["changeProductPrice"],
        json!({"price": 9, "version": 4})
    );
    let read = "query($id: ID!) { product(id: $id) { name price } productExists(id: $id)
        productByName(name: \"Pot\") { id } }";
    let data = gateway.data(read, json!({ "id": id })).await?;
    assert_eq!(data["product"], json!({"name": "Pot", "price": 9}));
    assert_eq!(data["productByName"]["id"], id.as_str());
    let delete = "mutation($id: ID!) { deleteProduct(id: $id) }";
    assert_eq!(
        gateway.data(delete, json!({ "id": id })).await?["deleteProduct"],
        true
    );
    assert_eq!(
        gateway.error(delete, json!({ "id": id })).await?["code"],
        "NOT_FOUND"
    );
    Ok(())
}

#[tokio::test]
async fn product_lists() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let category = gateway.category("Tea").await?;
    let create = "mutation($input: CreateProductInput!) { createProduct(input: $input) { id } }";
    for (name, price, within) in [
        ("b", 3.0, true),
        ("a", 2.5, false),
        ("d", 1.01, true),
        ("c", 2.5, true),
    ] {
        let category = within.then_some(&category);
        let input =
            json!({"name": name, "price": price, "categoryId": category, "stockQuantity": 2});
        gateway.data(create, json!({ "input": input })).await?;
    }
    let query = "query($c: ID!) { products { name } window: products(limit: 2, offset: 1) { name }
        mine: products(categoryId: $c) { name } page: productsPaginated(page: 2, perPage: 3) { name }
        of: productsByCategory(categoryId: $c) { name } found: searchProducts(searchTerm: \"B\") { name }
        range: productsByPriceRange(minPrice: 1.011, maxPrice: 3) { name price }
        productStatistics { totalCount hasProducts averagePrice minPrice maxPrice totalValue productsWithTimestamps } }";
    let body = gateway.ask_after(query, json!({"c": category})).await?;
    let data = &body["data"];
    assert_eq!(names(&data["products"]), ["a", "b", "c", "d"], "{body}");
    assert_eq!(names(&data["window"]), ["b", "c"]);
    assert_eq!(names(&data["mine"]), ["b", "c", "d"]);
    assert_eq!(names(&data["page"]), ["d"]);
    assert_eq!(names(&data["of"]), ["b", "c", "d"]);
    assert_eq!(names(&data["found"]), ["b"]);
    assert_eq!(names(&data["range"]), ["a", "c", "b"]);
    let statistics = &data["productStatistics"];
    assert_eq!(statistics["totalCount"], 4);
    assert_eq!(
        (&statistics["minPrice"], &statistics["maxPrice"]),
        (&json!(1.01), &json!(3.0))
    );
    assert_eq!(statistics["totalValue"], 18.02);
    Ok(())
}

#[tokio::test]
async fn a_missing_entity_is_null_with_not_found() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let query = "{ category(id: \"x\") { id } a: categoryByName(name: \"x\") { id } product(id: 1) { id category { id } }
        productByName(name: \"'; DROP TABLE products; --\") { id } categoryExists(id: \"x\") productExists(id: \"none\") }";
    let body = gateway.ask(query, json!({})).await?.json()?;
    assert_eq!(
        body["data"],
        json!({"category": null, "a": null, "product": null, "productByName": null,
               "categoryExists": false, "productExists": false})
    );
    let errors = body["errors"].as_array().map_or(&[][..], Vec::as_slice);
    assert_eq!(errors.len(), 4);
    for error in errors {
        assert_eq!(error["extensions"]["code"], "NOT_FOUND", "{error}");
        assert!(error["path"].is_array() && error["locations"].is_array());
        assert!(error["extensions"]["timestamp"].is_string());
    }
    Ok(())
}
