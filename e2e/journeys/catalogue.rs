//! Every query and mutation of the catalogue, in one journey.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::support::{Session, Shop, Topology, number, of, on, text};

const CATEGORY: &str = "id name description productCount version createdAt updatedAt";
const PRODUCT: &str = "id name description price stockQuantity onHandQuantity reservedQuantity categoryId \
     category { id name productCount } version createdAt updatedAt";

#[tokio::test]
async fn the_whole_catalogue_on_sqlite() -> Result<()> {
    on(Topology::OneProcess, walk).await
}

#[tokio::test]
async fn the_whole_catalogue_on_postgres() -> Result<()> {
    on(Topology::THREE_PROCESSES, walk).await
}

async fn walk(shop: &mut Shop) -> Result<()> {
    let mut session = shop.session()?;
    empty(&mut session).await?;
    let books = categories(&mut session).await?;
    let novel = products(&mut session, &books).await?;
    lists(&mut session, &books, &novel).await?;
    moves(&mut session, &books, &novel).await?;
    prices_and_stock(&mut session, &novel).await?;
    deletions(&mut session, &books, &novel).await
}

async fn empty(session: &mut Session) -> Result<()> {
    let categories = session.run("{ categories { id } }", json!({})).await?;
    assert_eq!(categories, json!([]));
    let statistics = session
        .run(
            "{ categoryStatistics { totalCount hasCategories categoriesWithTimestamps } }",
            json!({}),
        )
        .await?;
    assert_eq!(
        statistics,
        json!({ "totalCount": 0, "hasCategories": false, "categoriesWithTimestamps": 0 })
    );
    let statistics = session
        .run(
            "{ productStatistics { totalCount hasProducts averagePrice minPrice maxPrice totalValue } }",
            json!({}),
        )
        .await?;
    assert_eq!(of(&statistics, "totalCount")?, 0);
    assert_eq!(of(&statistics, "hasProducts")?, false);
    Ok(())
}

async fn categories(session: &mut Session) -> Result<String> {
    let document = format!(
        "mutation($input: CreateCategoryInput!) {{ createCategory(input: $input) {{ {CATEGORY} }} }}"
    );
    let books = session
        .run(
            &document,
            json!({ "input": { "name": "  Bücher ", "description": "Zum Lesen" } }),
        )
        .await?;
    assert_eq!(text(&books, "name")?, "Bücher");
    assert_eq!(text(&books, "description")?, "Zum Lesen");
    assert_eq!(of(&books, "version")?, 1);
    assert_eq!(of(&books, "productCount")?, 0);
    let id = text(&books, "id")?.to_owned();
    let again = json!({ "input": { "name": "bÜCHER" } });
    session
        .expect_rejection("CONFLICT", &document, again)
        .await?;
    session.create_category("Games").await?;
    session.create_category("100% Wolle").await?;

    let by_id = format!("query($id: ID!) {{ category(id: $id) {{ {CATEGORY} }} }}");
    assert_eq!(session.run(&by_id, json!({ "id": id })).await?, books);
    let by_name = "query($name: String!) { categoryByName(name: $name) { id } }";
    let found = session.run(by_name, json!({ "name": " Bücher " })).await?;
    assert_eq!(text(&found, "id")?, id);
    let missing = session
        .expect_rejection("NOT_FOUND", by_name, json!({ "name": "bücher" }))
        .await?;
    assert_eq!(
        missing.body.pointer("/data/categoryByName"),
        Some(&Value::Null)
    );
    let all = session.run("{ categories { name } }", json!({})).await?;
    assert_eq!(names(&all)?, ["100% Wolle", "Bücher", "Games"]);
    let search = "query($term: String!) { searchCategories(searchTerm: $term) { name } }";
    for (term, expected) in [
        ("ÜCH", vec!["Bücher"]),
        ("%", vec!["100% Wolle"]),
        ("_", vec![]),
    ] {
        let found = session.run(search, json!({ "term": term })).await?;
        assert_eq!(names(&found)?, expected, "{term}");
    }
    let page = "query($page: Int!, $perPage: Int!) { categoriesPaginated(page: $page, perPage: $perPage) { name } }";
    let second = session
        .run(page, json!({ "page": 2, "perPage": 2 }))
        .await?;
    assert_eq!(names(&second)?, ["Games"]);
    let exists = "query($id: ID!) { categoryExists(id: $id) }";
    assert_eq!(session.run(exists, json!({ "id": id })).await?, true);
    assert_eq!(
        session.run(exists, json!({ "id": "nothing" })).await?,
        false
    );
    update_category(session, &id).await?;
    Ok(id)
}

async fn update_category(session: &mut Session, id: &str) -> Result<()> {
    let document = format!(
        "mutation($input: UpdateCategoryInput!) {{ updateCategory(input: $input) {{ {CATEGORY} }} }}"
    );
    let stale = json!({ "input": { "id": id, "name": "Books", "expectedVersion": 7 } });
    session
        .expect_rejection("CONFLICT", &document, stale)
        .await?;
    let rename = json!({ "input": { "id": id, "name": "Books", "expectedVersion": 1 } });
    let renamed = session.run(&document, rename).await?;
    assert_eq!(text(&renamed, "name")?, "Books");
    assert_eq!(
        text(&renamed, "description")?,
        "Zum Lesen",
        "absent leaves it"
    );
    assert_eq!(of(&renamed, "version")?, 2);
    let same = json!({ "input": { "id": id, "name": "Books" } });
    let unchanged = session.run(&document, same).await?;
    assert_eq!(
        unchanged, renamed,
        "an update that changes nothing writes no event"
    );
    let cleared = json!({ "input": { "id": id, "name": "Books", "description": null } });
    let cleared = session.run(&document, cleared).await?;
    assert_eq!(of(&cleared, "description")?, &Value::Null);
    assert_eq!(of(&cleared, "version")?, 3);
    session.create_category("Bücher").await?;
    Ok(())
}

async fn products(session: &mut Session, books: &str) -> Result<String> {
    let document = format!(
        "mutation($input: CreateProductInput!) {{ createProduct(input: $input) {{ {PRODUCT} }} }}"
    );
    let input = json!({
        "name": "Novel", "description": "Long", "price": 19.9, "categoryId": books, "stockQuantity": 5
    });
    let novel = session.run(&document, json!({ "input": input })).await?;
    assert!((number(&novel, "price")? - 19.9).abs() < 1e-9);
    assert_eq!(of(&novel, "stockQuantity")?, 5);
    assert_eq!(of(&novel, "onHandQuantity")?, 5);
    assert_eq!(of(&novel, "reservedQuantity")?, 0);
    assert_eq!(text(&novel, "categoryId")?, books);
    assert_eq!(text(of(&novel, "category")?, "name")?, "Books");
    assert_eq!(of(of(&novel, "category")?, "productCount")?, 1);
    assert_eq!(of(&novel, "version")?, 1);
    let id = text(&novel, "id")?.to_owned();
    let by_id = format!("query($id: ID!) {{ product(id: $id) {{ {PRODUCT} }} }}");
    assert_eq!(session.run(&by_id, json!({ "id": id })).await?, novel);
    // A price may be a numeric string.
    let atlas = json!({ "name": "Atlas", "price": "100.00", "categoryId": books });
    session.create_product(atlas).await?;
    session
        .create_product(json!({ "name": "Loose", "price": 0.01 }))
        .await?;
    Ok(id)
}

async fn lists(session: &mut Session, books: &str, novel: &str) -> Result<()> {
    for (document, variables, expected) in [
        (
            "{ products { name } }",
            json!({}),
            vec!["Atlas", "Loose", "Novel"],
        ),
        (
            "query($id: ID!) { products(categoryId: $id, limit: 1, offset: 1) { name } }",
            json!({ "id": books }),
            vec!["Novel"],
        ),
        (
            "query($id: ID!) { productsByCategory(categoryId: $id) { name } }",
            json!({ "id": books }),
            vec!["Atlas", "Novel"],
        ),
        (
            "{ searchProducts(searchTerm: \"O\") { name } }",
            json!({}),
            vec!["Loose", "Novel"],
        ),
        (
            "{ productsPaginated(page: 2, perPage: 2) { name } }",
            json!({}),
            vec!["Novel"],
        ),
        (
            "{ productsByPriceRange(minPrice: 0.01, maxPrice: 19.9) { name } }",
            json!({}),
            vec!["Loose", "Novel"],
        ),
    ] {
        let found = session.run(document, variables).await?;
        assert_eq!(names(&found)?, expected, "{document}");
    }
    let by_name = session
        .run("{ productByName(name: \"Novel\") { id } }", json!({}))
        .await?;
    assert_eq!(text(&by_name, "id")?, novel);
    let exists = "query($id: ID!) { productExists(id: $id) }";
    assert_eq!(session.run(exists, json!({ "id": novel })).await?, true);
    let nested = "query($id: ID!) { category(id: $id) { productCount products { name } } }";
    let category = session.run(nested, json!({ "id": books })).await?;
    assert_eq!(of(&category, "productCount")?, 2);
    assert_eq!(names(of(&category, "products")?)?, ["Atlas", "Novel"]);
    let statistics = session
        .run(
            "{ productStatistics { totalCount hasProducts averagePrice minPrice maxPrice totalValue \
               productsWithTimestamps } }",
            json!({}),
        )
        .await?;
    assert_eq!(of(&statistics, "totalCount")?, 3);
    assert_eq!(of(&statistics, "productsWithTimestamps")?, 3);
    for (field, expected) in [
        ("minPrice", 0.01),
        ("maxPrice", 100.0),
        ("averagePrice", 119.91 / 3.0),
        ("totalValue", 99.5),
    ] {
        assert!(
            (number(&statistics, field)? - expected).abs() < 0.005,
            "{field}: {statistics}"
        );
    }
    Ok(())
}

async fn moves(session: &mut Session, books: &str, novel: &str) -> Result<()> {
    let games = session
        .run("{ categoryByName(name: \"Games\") { id } }", json!({}))
        .await?;
    let games = text(&games, "id")?;
    let document = format!(
        "mutation($input: UpdateProductInput!) {{ updateProduct(input: $input) {{ {PRODUCT} }} }}"
    );
    let input = json!({ "id": novel, "categoryId": games, "description": null });
    let moved = session.run(&document, json!({ "input": input })).await?;
    assert_eq!(text(of(&moved, "category")?, "name")?, "Games");
    assert_eq!(of(of(&moved, "category")?, "productCount")?, 1);
    assert_eq!(of(&moved, "description")?, &Value::Null);
    assert_eq!(of(&moved, "stockQuantity")?, 5, "the stock is unchanged");
    let count = "query($id: ID!) { category(id: $id) { productCount } }";
    let left = session.run(count, json!({ "id": books })).await?;
    assert_eq!(of(&left, "productCount")?, 1);
    let input = json!({ "id": novel, "categoryId": null });
    let loose = session.run(&document, json!({ "input": input })).await?;
    assert_eq!(of(&loose, "category")?, &Value::Null);
    let input = json!({ "id": novel, "categoryId": books, "name": "Novel II", "price": 20 });
    let back = session.run(&document, json!({ "input": input })).await?;
    assert_eq!(text(&back, "name")?, "Novel II");
    assert_eq!(of(&back, "version")?, 4);
    let unknown = json!({ "input": { "id": novel, "categoryId": "nothing" } });
    let rejected = session
        .expect_rejection("VALIDATION_ERROR", &document, unknown)
        .await?;
    assert_eq!(rejected.field(), Some("categoryId"));
    Ok(())
}

async fn prices_and_stock(session: &mut Session, novel: &str) -> Result<()> {
    let document = "mutation($id: ID!, $price: Decimal!) { \
        changeProductPrice(id: $id, newPrice: $price, reason: \"Sale\") { price version } }";
    let changed = session
        .run(document, json!({ "id": novel, "price": 12.34 }))
        .await?;
    assert!((number(&changed, "price")? - 12.34).abs() < 1e-9);
    let document = "mutation($id: ID!, $quantity: Int!) { \
        updateStock(productId: $id, quantity: $quantity) { stockQuantity onHandQuantity version } }";
    let version = of(&changed, "version")?.clone();
    let stocked = session
        .run(document, json!({ "id": novel, "quantity": 1_000_000_000 }))
        .await?;
    assert_eq!(of(&stocked, "onHandQuantity")?, 1_000_000_000);
    assert_eq!(
        of(&stocked, "version")?,
        &version,
        "stock events do not change the version"
    );
    let emptied = session
        .run(document, json!({ "id": novel, "quantity": 0 }))
        .await?;
    assert_eq!(of(&emptied, "stockQuantity")?, 0);
    Ok(())
}

async fn deletions(session: &mut Session, books: &str, novel: &str) -> Result<()> {
    let category = "mutation($id: ID!) { deleteCategory(id: $id) }";
    let product = "mutation($id: ID!) { deleteProduct(id: $id) }";
    session
        .expect_rejection("CONFLICT", category, json!({ "id": books }))
        .await?;
    let all = session
        .run(
            "query($id: ID!) { productsByCategory(categoryId: $id) { id } }",
            json!({ "id": books }),
        )
        .await?;
    for entry in all.as_array().into_iter().flatten() {
        let id = text(entry, "id")?;
        assert_eq!(session.run(product, json!({ "id": id })).await?, true);
    }
    assert_eq!(session.run(category, json!({ "id": books })).await?, true);
    for (document, variables) in [
        (product, json!({ "id": novel })),
        (category, json!({ "id": books })),
        (
            "query($id: ID!) { product(id: $id) { id } }",
            json!({ "id": novel }),
        ),
        (
            "query($id: ID!) { category(id: $id) { id } }",
            json!({ "id": books }),
        ),
        (
            "mutation($id: ID!) { updateStock(productId: $id, quantity: 1) { id } }",
            json!({ "id": novel }),
        ),
        (
            "mutation($id: ID!) { updateProduct(input: { id: $id, name: \"x\" }) { id } }",
            json!({ "id": novel }),
        ),
        (
            "mutation($id: ID!) { changeProductPrice(id: $id, newPrice: 1) { id } }",
            json!({ "id": novel }),
        ),
    ] {
        session
            .expect_rejection("NOT_FOUND", document, variables)
            .await?;
    }
    let reborn = session.create_category("BOOKS").await?;
    ensure!(
        reborn != books,
        "reusing the name does not restore the old category"
    );
    Ok(())
}

fn names(list: &Value) -> Result<Vec<&str>> {
    list.as_array()
        .into_iter()
        .flatten()
        .map(|entry| text(entry, "name"))
        .collect()
}
