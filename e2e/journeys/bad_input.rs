//! Bad input of every class at every entry point of the gateway: the documented error, and nothing changed.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use test_shop::{Connection, Operation};

use crate::support::{Bad, Session, Shop, Topology, expect_refusals, on};

const INVALID: &[&str] = &["VALIDATION_ERROR"];
const MISTYPED: &[&str] = &["GRAPHQL_VALIDATION_FAILED"];
/// Too large for the type as well as for the rule.
const OVERFLOW: &[&str] = &["VALIDATION_ERROR", "GRAPHQL_VALIDATION_FAILED"];
const UNKNOWN: &[&str] = &["NOT_FOUND"];
/// An id that no entity can have.
const NO_ID: &[&str] = &["NOT_FOUND", "VALIDATION_ERROR"];

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
    on(Topology::OneProcess, refuse_all).await
}

#[tokio::test]
async fn bad_input_changes_nothing_on_postgres() -> Result<()> {
    on(Topology::THREE_PROCESSES, refuse_all).await
}

async fn refuse_all(shop: &mut Shop) -> Result<()> {
    let mut session = shop.session()?;
    let category = session.create_category("Books").await?;
    let product = session
        .create_product(json!({ "name": "Novel", "price": 10, "categoryId": category }))
        .await?;
    let head = shop.head().await?;
    let mut table = names(&category, &product);
    table.extend(texts(&category, &product));
    table.extend(prices(&product));
    table.extend(quantities(&product));
    table.extend(ids());
    table.extend(pages());
    table.extend(types());
    table.extend(changes(&category, &product));
    expect_refusals(&mut session, table).await?;
    too_large(&session).await?;
    ensure!(shop.head().await? == head, "refused input left an event");
    harmless(&mut session).await
}

/// Names that nothing can have.
fn names(category: &str, product: &str) -> Vec<Bad> {
    let mut table = Vec::new();
    for (what, name) in [
        ("empty name", String::new()),
        ("blank name", " \t\n ".to_owned()),
        ("long name", "x".repeat(201)),
        ("long name in emoji", "😀".repeat(201)),
        ("U+0000 in a name", "a\0b".to_owned()),
    ] {
        for (document, input) in [
            (CREATE_CATEGORY, json!({ "name": name })),
            (UPDATE_CATEGORY, json!({ "id": category, "name": name })),
            (CREATE_PRODUCT, json!({ "name": name, "price": 1 })),
            (UPDATE_PRODUCT, json!({ "id": product, "name": name })),
        ] {
            table.push(Bad::new(
                what,
                document,
                json!({ "input": input }),
                INVALID,
                "name",
            ));
        }
    }
    let long = json!({ "input": { "name": "x".repeat(101) } });
    table.push(Bad::new(
        "101 characters",
        CREATE_CATEGORY,
        long,
        INVALID,
        "name",
    ));
    table
}

/// Other texts: descriptions, reasons, search terms.
fn texts(category: &str, product: &str) -> Vec<Bad> {
    let mut table = Vec::new();
    for (what, text) in [
        ("long text", "y".repeat(1_001)),
        ("U+0000 in a text", "\0".to_owned()),
    ] {
        for (document, input) in [
            (CREATE_CATEGORY, json!({ "name": "n", "description": text })),
            (
                UPDATE_CATEGORY,
                json!({ "id": category, "name": "Books", "description": text }),
            ),
            (
                CREATE_PRODUCT,
                json!({ "name": "n", "price": 1, "description": text }),
            ),
            (
                UPDATE_PRODUCT,
                json!({ "id": product, "description": text }),
            ),
        ] {
            let variables = json!({ "input": input });
            table.push(Bad::new(what, document, variables, INVALID, "description"));
        }
        let variables = json!({ "id": product, "price": 11, "reason": text });
        table.push(Bad::new(what, CHANGE_PRICE, variables, INVALID, "reason"));
    }
    for (what, term) in [
        ("long term", "z".repeat(256)),
        ("U+0000 in a term", "a\0".to_owned()),
    ] {
        for document in [
            "query($term: String!) { searchCategories(searchTerm: $term) { id } }",
            "query($term: String!) { searchProducts(searchTerm: $term) { id } }",
        ] {
            let variables = json!({ "term": term });
            table.push(Bad::new(what, document, variables, INVALID, "searchTerm"));
        }
    }
    table
}

fn prices(product: &str) -> Vec<Bad> {
    let mut table = Vec::new();
    for (what, price) in [
        ("price 0", json!(0)),
        ("negative price", json!(-1)),
        ("three decimals", json!(19.999)),
        ("three decimals as text", json!("19.999")),
        ("price above the limit", json!(1_000_000)),
        ("price that overflows", json!(1e300)),
    ] {
        let create = json!({ "input": { "name": "n", "price": price } });
        table.push(Bad::new(what, CREATE_PRODUCT, create, INVALID, "price"));
        let update = json!({ "input": { "id": product, "price": price } });
        table.push(Bad::new(what, UPDATE_PRODUCT, update, INVALID, "price"));
        let change = json!({ "id": product, "price": price });
        table.push(Bad::new(what, CHANGE_PRICE, change, INVALID, "newPrice"));
    }
    for (what, variables) in [
        ("minimum above maximum", json!({ "min": 2.0, "max": 1.0 })),
        (
            "minimum far above maximum",
            json!({ "min": 1e308, "max": -1e308 }),
        ),
    ] {
        let document = "query($min: Float!, $max: Float!) { \
            productsByPriceRange(minPrice: $min, maxPrice: $max) { id } }";
        table.push(Bad::new(what, document, variables, INVALID, ""));
    }
    table
}

fn quantities(product: &str) -> Vec<Bad> {
    let mut table = Vec::new();
    for (what, quantity, codes) in [
        ("negative quantity", json!(-1), INVALID),
        ("quantity above the limit", json!(1_000_000_001), INVALID),
        ("quantity above 32 bits", json!(4_294_967_296_i64), OVERFLOW),
        ("quantity above 64 bits", json!(1e30), OVERFLOW),
        ("half a piece", json!(0.5), MISTYPED),
        ("quantity as text", json!("1"), MISTYPED),
    ] {
        let field = if codes == INVALID { "quantity" } else { "" };
        let variables = json!({ "id": product, "quantity": quantity });
        table.push(Bad::new(what, UPDATE_STOCK, variables, codes, field));
        let field = if codes == INVALID {
            "stockQuantity"
        } else {
            ""
        };
        let variables = json!({ "input": { "name": "n", "price": 1, "stockQuantity": quantity } });
        table.push(Bad::new(what, CREATE_PRODUCT, variables, codes, field));
    }
    table
}

/// Ids of nothing, and ids that nothing can have.
fn ids() -> Vec<Bad> {
    let mut table = Vec::new();
    for (what, id, codes) in [
        (
            "unknown id",
            "0198c2a5-0000-7000-8000-000000000000".to_owned(),
            UNKNOWN,
        ),
        ("empty id", String::new(), NO_ID),
        (
            "SQL as id",
            "' OR 1=1; DROP TABLE events; --".to_owned(),
            NO_ID,
        ),
        ("emoji as id", "😀".to_owned(), NO_ID),
        ("long id", "i".repeat(5_000), NO_ID),
        ("U+0000 in an id", "a\0".to_owned(), NO_ID),
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

fn pages() -> Vec<Bad> {
    let mut table = Vec::new();
    for document in [
        "query($page: Int!, $perPage: Int!) { categoriesPaginated(page: $page, perPage: $perPage) { id } }",
        "query($page: Int!, $perPage: Int!) { productsPaginated(page: $page, perPage: $perPage) { id } }",
    ] {
        for (what, page, per_page, field) in [
            ("page 0", 0, 10, "page"),
            ("negative page", -1, 10, "page"),
            ("empty page", 1, 0, "perPage"),
            ("long page", 1, 501, "perPage"),
        ] {
            let variables = json!({ "page": page, "perPage": per_page });
            table.push(Bad::new(what, document, variables, INVALID, field));
        }
    }
    for (what, limit, offset, field) in [
        ("limit 0", 0, 0, "limit"),
        ("limit 501", 501, 0, "limit"),
        ("negative offset", 1, -1, "offset"),
    ] {
        let document =
            "query($limit: Int, $offset: Int) { products(limit: $limit, offset: $offset) { id } }";
        let variables = json!({ "limit": limit, "offset": offset });
        table.push(Bad::new(what, document, variables, INVALID, field));
    }
    table
}

/// Values of the wrong JSON type, and missing ones.
fn types() -> Vec<Bad> {
    let with = |input: Value| json!({ "input": input });
    let table = [
        (
            "number as name",
            CREATE_CATEGORY,
            with(json!({ "name": 1 })),
        ),
        ("list as name", CREATE_CATEGORY, with(json!({ "name": [] }))),
        (
            "null as name",
            CREATE_CATEGORY,
            with(json!({ "name": null })),
        ),
        ("no name", CREATE_CATEGORY, with(json!({}))),
        ("no input", CREATE_CATEGORY, json!({})),
        (
            "unknown field",
            CREATE_CATEGORY,
            with(json!({ "name": "n", "x": 1 })),
        ),
        (
            "bool as price",
            CREATE_PRODUCT,
            with(json!({ "name": "n", "price": true })),
        ),
        ("no price", CREATE_PRODUCT, with(json!({ "name": "n" }))),
        ("object as id", DELETE_PRODUCT, json!({ "id": {} })),
        ("null as id", DELETE_PRODUCT, json!({ "id": null })),
    ];
    let word = with(json!({ "name": "n", "price": "ten" }));
    let word = Bad::new("text as price", CREATE_PRODUCT, word, OVERFLOW, "");
    let table = table.into_iter();
    let table =
        table.map(|(what, document, variables)| Bad::new(what, document, variables, MISTYPED, ""));
    table.chain([word]).collect()
}

/// Nulls where there must be a value, and versions that are not the current one.
fn changes(category: &str, product: &str) -> Vec<Bad> {
    const CONFLICT: &[&str] = &["CONFLICT"];
    const NO_VERSION: &[&str] = &["CONFLICT", "VALIDATION_ERROR"];
    let with = |input: Value| json!({ "input": input });
    let mut table = Vec::new();
    for (what, field) in [("null as name", "name"), ("null as price", "price")] {
        let variables = with(json!({ "id": product, field: null }));
        table.push(Bad::new(what, UPDATE_PRODUCT, variables, INVALID, field));
    }
    for (what, version, codes) in [
        ("wrong version", 99, CONFLICT),
        ("negative version", -1, NO_VERSION),
    ] {
        for (document, id) in [(UPDATE_CATEGORY, category), (UPDATE_PRODUCT, product)] {
            let input = json!({ "id": id, "name": "Other", "expectedVersion": version });
            table.push(Bad::new(what, document, with(input), codes, ""));
        }
    }
    table
}

/// A megabyte is refused before it is read as GraphQL.
async fn too_large(session: &Session) -> Result<()> {
    let name = "x".repeat(1024 * 1024);
    let operation = Operation::new(CREATE_CATEGORY).with(json!({ "input": { "name": name } }));
    let mut connection = Connection::open(session.gateway).await?;
    let answer = operation.send_on(&mut connection).await?;
    assert_eq!(answer.status.as_u16(), 413);
    assert_eq!(answer.code(), Some("PAYLOAD_TOO_LARGE"));
    Ok(())
}

/// What looks bad and is not: it is stored and given back as it is.
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
