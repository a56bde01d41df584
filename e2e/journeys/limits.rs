//! The limits of the gateway: requests that it rejects before execution, and the length of lists.

use std::fmt::Write as _;

use anyhow::{Result, ensure};
use serde_json::json;
use test_shop::{Connection, Operation, Reply, Request};
use tokio::task::JoinSet;

use crate::support::{Shop, Topology, on};

#[tokio::test]
async fn limits_hold_on_sqlite() -> Result<()> {
    on(Topology::OneProcess, journey).await
}

#[tokio::test]
async fn limits_hold_on_postgres() -> Result<()> {
    on(Topology::THREE_PROCESSES, journey).await
}

async fn journey(shop: &mut Shop) -> Result<()> {
    let head = shop.head().await?;
    documents(shop).await?;
    transports(shop).await?;
    ensure!(
        shop.head().await? == head,
        "a rejected request wrote an event"
    );
    long_lists(shop).await
}

/// What is wrong with a document, the document, and the accepted error codes.
type Bad<'a> = (&'static str, &'a str, &'static [&'static str]);

const UNPARSED: &[&str] = &["GRAPHQL_PARSE_FAILED"];
const INVALID: &[&str] = &["GRAPHQL_VALIDATION_FAILED"];
const COMPLEX: &[&str] = &["QUERY_TOO_COMPLEX"];

const DOCUMENTS: [Bad<'static>; 6] = [
    ("no GraphQL", "this is not GraphQL", UNPARSED),
    ("empty", "", &["GRAPHQL_PARSE_FAILED", "BAD_REQUEST"]),
    ("unknown field", "{ nothing }", INVALID),
    ("missing argument", "{ category { id } }", INVALID),
    ("no selection", "{ categories }", INVALID),
    (
        "too complex",
        "{ products(limit: 500) { category { products { id } } } }",
        COMPLEX,
    ),
];

async fn documents(shop: &Shop) -> Result<()> {
    let mut aliases = String::new();
    for index in 0..31 {
        write!(aliases, "a{index}: categoryExists(id: \"x\") ")?;
    }
    let aliases = format!("{{ {aliases} }}");
    let deep = (0..6).fold("id".to_owned(), |inner, _| {
        format!("category {{ products {{ {inner} }} }}")
    });
    let deep = format!("{{ products(limit: 1) {{ {deep} }} }}");
    let too_many = &[
        "QUERY_TOO_COMPLEX",
        "GRAPHQL_VALIDATION_FAILED",
        "BAD_REQUEST",
    ];
    for bad in DOCUMENTS {
        rejected(shop, bad).await?;
    }
    rejected(shop, ("too deep", &deep, &["QUERY_TOO_DEEP"])).await?;
    rejected(shop, ("too many aliases", &aliases, too_many)).await?;
    // 100 products with their categories are within the limits.
    Operation::new("{ products(limit: 100) { id name category { id name } } }")
        .data(shop.system.gateway(0)?)
        .await?;
    Ok(())
}

async fn rejected(shop: &Shop, (what, document, codes): Bad<'_>) -> Result<()> {
    let gateway = shop.system.gateway(0)?;
    let answer = Operation::new(document).send(gateway).await?;
    let (status, body) = (answer.status, &answer.body);
    let code = answer.code().unwrap_or_default();
    ensure!(codes.contains(&code), "{what}: {status}: {body}");
    let data = body.get("data");
    ensure!(data.is_none_or(serde_json::Value::is_null), "{what}");
    Ok(())
}

async fn send(shop: &Shop, request: Request) -> Result<Reply> {
    Connection::open(shop.system.gateway(0)?)
        .await?
        .send(&request)
        .await
}

async fn transports(shop: &Shop) -> Result<()> {
    let mutation = "mutation{createCategory(input:{name:\"x\"}){id}}";
    let body = json!({ "query": mutation }).to_string();
    let typed = |content_type: &str| {
        let mut request = Request::post_json("/graphql", body.clone());
        request.headers = vec![("content-type".to_owned(), content_type.to_owned())];
        request
    };
    let batch = Request::post_json("/graphql", format!("[{body},{body}]"));
    let large = Request::post_json(
        "/graphql",
        format!("{{\"query\":\"#{}\"}}", "x".repeat(101 * 1024)),
    );
    for (what, request, statuses) in [
        ("text/plain", typed("text/plain"), &[415_u16]),
        ("a form", typed("application/x-www-form-urlencoded"), &[415]),
        (
            "multipart",
            typed("multipart/form-data; boundary=x"),
            &[415],
        ),
        ("a batch", batch, &[400]),
        ("no JSON", Request::post_json("/graphql", "{"), &[400]),
        ("a large body", large, &[413]),
        ("an unknown path", Request::get("/nothing"), &[404]),
    ] {
        let reply = send(shop, request).await?;
        let status = reply.status.as_u16();
        ensure!(
            statuses.contains(&status),
            "{what}: {status}: {:?}",
            reply.body
        );
    }
    let query = send(
        shop,
        Request::get("/graphql?query=%7Bcategories%7Bid%7D%7D"),
    )
    .await?;
    assert_eq!(
        query.status.as_u16(),
        200,
        "a query may be sent by GET: {:?}",
        query.body
    );
    let mutation = send(
        shop,
        Request::get("/graphql?query=mutation%7BdeleteCategory(id:%22x%22)%7D"),
    )
    .await?;
    assert_eq!(mutation.status.as_u16(), 405, "{:?}", mutation.body);
    Ok(())
}

/// Lists without paging return at most 500 rows and are marked as truncated; lists with paging return 100 by default.
async fn long_lists(shop: &Shop) -> Result<()> {
    let mut session = shop.session()?;
    let category = session.create_category("Full").await?;
    let mut running = JoinSet::new();
    for lane in 0..16 {
        let mut own = session.clone();
        let category = category.clone();
        running.spawn(async move {
            for index in (lane..501).step_by(16) {
                let input = json!({ "name": format!("Item {index:03}"), "price": 1, "categoryId": category });
                own.create_product(input).await?;
            }
            anyhow::Ok(own)
        });
    }
    while let Some(done) = running.join_next().await {
        let position = |session: &crate::support::Session| {
            session.position().and_then(|text| text.parse::<u64>().ok())
        };
        let done = done??;
        if position(&done) > position(&session) {
            session = done;
        }
    }
    for (document, expected, truncated) in [
        ("{ searchProducts(searchTerm: \"item\") { id } }", 500, true),
        (
            "{ productsByPriceRange(minPrice: 0, maxPrice: 2) { id } }",
            500,
            true,
        ),
        (
            "{ searchProducts(searchTerm: \"item 00\") { id } }",
            10,
            false,
        ),
        ("{ products { id } }", 100, false),
        ("{ products(limit: 500) { id } }", 500, false),
    ] {
        let answer = session.send(document, json!({})).await?;
        let data = answer.data()?;
        let rows = data.as_object().and_then(|fields| fields.values().next());
        let rows = rows.and_then(serde_json::Value::as_array).map(Vec::len);
        assert_eq!(rows, Some(expected), "{document}");
        let flag = answer.body.pointer("/extensions/truncated").is_some();
        assert_eq!(
            flag,
            truncated,
            "{document}: {:?}",
            answer.body.get("extensions")
        );
    }
    Ok(())
}
