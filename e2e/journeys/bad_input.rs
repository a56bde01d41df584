//! Invalid input at every entry point of the gateway: a rejection of each kind returns the documented error and changes
//! nothing. The rules are tested where they are implemented: in the domain and in the services.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use test_shop::{Connection, Operation};

use crate::support::{Bad, Session, Shop, Topology, expect_rejections, on};

const INVALID: &[&str] = &["VALIDATION_ERROR"];
const MISTYPED: &[&str] = &["GRAPHQL_VALIDATION_FAILED"];
const UNKNOWN: &[&str] = &["NOT_FOUND"];
const CONFLICT: &[&str] = &["CONFLICT"];

const CREATE_CATEGORY: &str =
    "mutation($input: CreateCategoryInput!) { createCategory(input: $input) { id name } }";
const UPDATE_CATEGORY: &str =
    "mutation($input: UpdateCategoryInput!) { updateCategory(input: $input) { id name } }";
const DELETE_CATEGORY: &str = "mutation($id: ID!) { deleteCategory(id: $id) }";
const CREATE_PRODUCT: &str =
    "mutation($input: CreateProductInput!) { createProduct(input: $input) { id name } }";
const UPDATE_PRODUCT: &str =
    "mutation($input: UpdateProductInput!) { updateProduct(input: $input) { id name } }";
const DELETE_PRODUCT: &str = "mutation($id: ID!) { deleteProduct(id: $id) }";
const CHANGE_PRICE: &str = "mutation($id: ID!, $price: Decimal!, $reason: String) { \
     changeProductPrice(id: $id, newPrice: $price, reason: $reason) { id } }";
const UPDATE_STOCK: &str = "mutation($id: ID!, $quantity: Int!) { \
     updateStock(productId: $id, quantity: $quantity) { id } }";

#[tokio::test]
async fn bad_input_changes_nothing_on_sqlite() -> Result<()> {
    on(Topology::OneProcess, reject_all).await
}

#[tokio::test]
async fn bad_input_changes_nothing_on_postgres() -> Result<()> {
    on(Topology::THREE_PROCESSES, reject_all).await
}

async fn reject_all(shop: &mut Shop) -> Result<()> {
    let mut session = shop.session()?;
    let category = session.create_category("Books").await?;
    let product = session
        .create_product(json!({ "name": "Novel", "price": 10, "categoryId": category }))
        .await?;
    let head = shop.head().await?;
    let mut table = fields(&category, &product);
    table.extend(mutations(&product));
    table.extend(ids());
    table.extend(arguments());
    table.extend(types(&product));
    table.extend(changes(&category, &product));
    expect_rejections(&mut session, table).await?;
    too_large(&session).await?;
    ensure!(shop.head().await? == head, "rejected input wrote an event");
    harmless(&mut session).await
}

/// One invalid value for each field of each input, of a different kind each time.
fn fields(category: &str, product: &str) -> Vec<Bad> {
    let long = "y".repeat(1_001);
    let field = |document, input: Value, field| {
        Bad::new(
            "a field",
            document,
            json!({ "input": input }),
            INVALID,
            field,
        )
    };
    let new = |name: &str, value: Value| {
        let mut input = json!({ "name": "n", "price": 1 });
        input[name] = value;
        input
    };
    let category = |name: &str, value: Value| {
        let mut input = json!({ "id": category, "name": "Books" });
        input[name] = value;
        input
    };
    let product = |name: &str, value: Value| json!({ "id": product, name: value });
    let description = "description";
    vec![
        field(CREATE_CATEGORY, json!({ "name": " \t\n " }), "name"),
        field(
            CREATE_CATEGORY,
            json!({ "name": "n", description: "\0" }),
            description,
        ),
        field(UPDATE_CATEGORY, category("name", json!("a\0b")), "name"),
        field(
            UPDATE_CATEGORY,
            category(description, json!(long)),
            description,
        ),
        field(CREATE_PRODUCT, new("name", json!("😀".repeat(201))), "name"),
        field(CREATE_PRODUCT, new(description, json!(long)), description),
        field(CREATE_PRODUCT, new("price", json!(19.999)), "price"),
        field(
            CREATE_PRODUCT,
            new("stockQuantity", json!(-1)),
            "stockQuantity",
        ),
        field(UPDATE_PRODUCT, product("name", json!("")), "name"),
        field(
            UPDATE_PRODUCT,
            product(description, json!("\0")),
            description,
        ),
        field(UPDATE_PRODUCT, product("price", json!(1e300)), "price"),
        field(UPDATE_PRODUCT, product("name", json!(null)), "name"),
        field(UPDATE_PRODUCT, product("price", json!(null)), "price"),
    ]
}

/// The same for mutations with arguments instead of inputs.
fn mutations(product: &str) -> Vec<Bad> {
    let mut table = Vec::new();
    let reason = "y".repeat(1_001);
    for (document, variables, field) in [
        (
            CHANGE_PRICE,
            json!({ "id": product, "price": "19.999" }),
            "newPrice",
        ),
        (
            CHANGE_PRICE,
            json!({ "id": product, "price": 11, "reason": reason }),
            "reason",
        ),
        (
            UPDATE_STOCK,
            json!({ "id": product, "quantity": 1_000_000_001 }),
            "quantity",
        ),
    ] {
        table.push(Bad::new("an argument", document, variables, INVALID, field));
    }
    table
}

/// Unknown ids and invalid ids.
fn ids() -> Vec<Bad> {
    let mut table = Vec::new();
    for (what, id, codes) in [
        (
            "unknown id",
            "0198c2a5-0000-7000-8000-000000000000",
            UNKNOWN,
        ),
        ("U+0000 in an id", "a\0", INVALID),
    ] {
        for (document, variables) in [
            (
                UPDATE_CATEGORY,
                json!({ "input": { "id": id, "name": "n" } }),
            ),
            (DELETE_CATEGORY, json!({ "id": id })),
            (
                UPDATE_PRODUCT,
                json!({ "input": { "id": id, "name": "n" } }),
            ),
            (DELETE_PRODUCT, json!({ "id": id })),
            (CHANGE_PRICE, json!({ "id": id, "price": 1 })),
            (UPDATE_STOCK, json!({ "id": id, "quantity": 1 })),
            (
                "query($id: ID!) { category(id: $id) { id } }",
                json!({ "id": id }),
            ),
            (
                "query($id: ID!) { product(id: $id) { id } }",
                json!({ "id": id }),
            ),
        ] {
            table.push(Bad::new(what, document, variables, codes, ""));
        }
        let variables = json!({ "input": { "name": "n", "price": 1, "categoryId": id } });
        table.push(Bad::new(
            what,
            CREATE_PRODUCT,
            variables,
            INVALID,
            "categoryId",
        ));
    }
    table
}

/// One invalid value for each argument of the lists.
fn arguments() -> Vec<Bad> {
    let mut table = Vec::new();
    for (document, variables, field) in [
        (
            "query($v: String!) { searchCategories(searchTerm: $v) { id } }",
            json!({ "v": "a\0" }),
            "searchTerm",
        ),
        (
            "query($v: String!) { searchProducts(searchTerm: $v) { id } }",
            json!({ "v": "z".repeat(256) }),
            "searchTerm",
        ),
        (
            "query($min: Float!, $max: Float!) { productsByPriceRange(minPrice: $min, maxPrice: $max) { id } }",
            json!({ "min": 1e308, "max": -1e308 }),
            "minPrice",
        ),
        (
            "query($v: Int!) { categoriesPaginated(page: $v, perPage: 10) { id } }",
            json!({ "v": 0 }),
            "page",
        ),
        (
            "query($v: Int!) { productsPaginated(page: 1, perPage: $v) { id } }",
            json!({ "v": 501 }),
            "perPage",
        ),
        (
            "query($v: Int) { products(limit: $v) { id } }",
            json!({ "v": 0 }),
            "limit",
        ),
        (
            "query($v: Int) { products(offset: $v) { id } }",
            json!({ "v": -1 }),
            "offset",
        ),
    ] {
        table.push(Bad::new("an argument", document, variables, INVALID, field));
    }
    table
}

/// Values of the wrong type and missing values, which are rejected before a service is called.
fn types(product: &str) -> Vec<Bad> {
    let with = |input: Value| json!({ "input": input });
    let table = [
        (
            "null as name",
            CREATE_CATEGORY,
            with(json!({ "name": null })),
        ),
        ("no input", CREATE_CATEGORY, json!({})),
        (
            "bool as price",
            CREATE_PRODUCT,
            with(json!({ "name": "n", "price": true })),
        ),
        ("object as id", DELETE_PRODUCT, json!({ "id": {} })),
        (
            "quantity above 32 bits",
            UPDATE_STOCK,
            json!({ "id": product, "quantity": 4_294_967_296_i64 }),
        ),
    ];
    let table = table.into_iter();
    let table =
        table.map(|(what, document, variables)| Bad::new(what, document, variables, MISTYPED, ""));
    table.collect()
}

/// Versions that are not the current one.
fn changes(category: &str, product: &str) -> Vec<Bad> {
    let mut table = Vec::new();
    for (document, id) in [(UPDATE_CATEGORY, category), (UPDATE_PRODUCT, product)] {
        let input = json!({ "id": id, "name": "Other", "expectedVersion": 99 });
        let variables = json!({ "input": input });
        table.push(Bad::new("wrong version", document, variables, CONFLICT, ""));
    }
    table
}

/// A megabyte is rejected before it is parsed as GraphQL.
async fn too_large(session: &Session) -> Result<()> {
    let name = "x".repeat(1024 * 1024);
    let operation = Operation::new(CREATE_CATEGORY).with(json!({ "input": { "name": name } }));
    let mut connection = Connection::open(session.gateway).await?;
    let answer = operation.send_on(&mut connection).await?;
    assert_eq!(answer.status.as_u16(), 413);
    assert_eq!(answer.code(), Some("PAYLOAD_TOO_LARGE"));
    Ok(())
}

/// Input that looks suspicious but is valid: it is stored and returned unchanged.
async fn harmless(session: &mut Session) -> Result<()> {
    for name in [
        "Robert'); DROP TABLE events;--",
        "100% \\ _ \"quoted\" <b>&amp;</b> ${x} {{y}}",
        "👩‍👩‍👧‍👦 家族 שלום",
        &"😀".repeat(100),
    ] {
        let id = session.create_category(name).await?;
        let found = session
            .run(
                "query($id: ID!) { category(id: $id) { name } }",
                json!({ "id": id }),
            )
            .await?;
        assert_eq!(found, json!({ "name": name }));
        let by_name = "query($name: String!) { categoryByName(name: $name) { id } }";
        let found = session.run(by_name, json!({ "name": name })).await?;
        assert_eq!(found, json!({ "id": id }));
        let search = "query($term: String!) { searchCategories(searchTerm: $term) { id } }";
        let found = session.run(search, json!({ "term": name })).await?;
        assert_eq!(found, json!([{ "id": id }]));
    }
    Ok(())
}
