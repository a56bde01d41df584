//! The log lines of the start, of requests and of rejections, and what must not be logged.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use test_shop::{Connection, Request, until};

use crate::support::{CREATE_ORDER, Shop, Topology, on_with};

const STREET: &str = "Elm Street 7";
const AT_DEBUG: &[(&str, &str)] = &[("LOG_LEVEL", "debug"), ("LOG_FORMAT", "json")];

#[tokio::test]
async fn requests_are_logged_by_one_process_on_sqlite() -> Result<()> {
    on_with(Topology::OneProcess, AT_DEBUG, journey).await
}

#[tokio::test]
async fn requests_are_logged_by_three_processes_on_postgres() -> Result<()> {
    on_with(Topology::THREE_PROCESSES, AT_DEBUG, journey).await
}

/// The lines of all processes.
fn lines(shop: &Shop) -> Vec<Value> {
    let logs = shop.system.logs();
    logs.lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

/// Waits for a line with these fields and returns it.
async fn line(shop: &Shop, fields: &[(&str, &str)]) -> Result<Value> {
    until(&format!("a line with {fields:?}"), async || {
        let has = |line: &Value| fields.iter().all(|(name, value)| line[name] == *value);
        let found = lines(shop).into_iter().find(|line| has(line));
        found.context("no such line")
    })
    .await
}

async fn send(shop: &Shop, id: &str, document: &str, variables: Value) -> Result<Value> {
    let body = json!({ "query": document, "variables": variables }).to_string();
    let request = Request::post_json("/graphql", body).with_header("x-request-id", id);
    let mut connection = Connection::open(shop.system.gateway(0)?).await?;
    let reply = connection.send(&request).await?;
    assert_eq!(reply.header("x-request-id"), Some(id));
    reply.json()
}

async fn journey(shop: &mut Shop) -> Result<()> {
    for (service, known) in [
        ("command-service", "provider.payments"),
        ("query-service", "database.url"),
        ("client-service", "command_service.address"),
    ] {
        let start = line(shop, &[("message", "starting"), ("service.name", service)]).await?;
        ensure!(start["service.version"].is_string(), "{start}");
        ensure!(start[known].is_string(), "{start}");
    }
    let mut session = shop.session()?;
    let product = json!({ "name": "Sencha", "price": 9, "stockQuantity": 5 });
    let product = session.create_product(product).await?;
    let order = json!({ "input": {
        "userId": "ann@example.org",
        "items": [{ "productId": product, "quantity": 1 }],
        "shippingAddress": { "street": STREET, "city": "Springwood", "postalCode": "12345" },
    } });
    let order = send(shop, "order", CREATE_ORDER, order).await?;
    let order = order
        .pointer("/data/createOrder/id")
        .and_then(Value::as_str);
    session
        .order_once(order.context("no order")?, "CONFIRMED")
        .await?;
    // The gateway does not know which products there are, so the command is sent.
    let unknown = json!({ "input": {
        "userId": "ann@example.org",
        "items": [{ "productId": "Springwood", "quantity": 1 }],
    } });
    send(shop, "rejected", CREATE_ORDER, unknown).await?;
    let deep = format!("{}{}", "{ categories { products { category ".repeat(5), "x");
    send(shop, "deep", &deep, json!({})).await?;
    let nested = "{ category(id: \"1\") { products { category { products { category { products \
        { category { products { category { products { id } } } } } } } } } } }";
    send(shop, "nested", nested, json!({})).await?;

    for (id, message) in [("order", "http request"), ("order", "grpc call")] {
        let logged = line(shop, &[("message", message), ("correlation.id", id)]).await?;
        ensure!(logged["elapsed.ms"].is_number(), "{logged}");
    }
    let rejected = [("message", "http request"), ("correlation.id", "rejected")];
    let told = line(shop, &rejected).await?;
    assert_eq!(told["error.code"], "VALIDATION_ERROR", "{told}");
    let told = line(shop, &[("message", "command rejected")]).await?;
    assert_eq!(told["error.code"], "VALIDATION_ERROR", "{told}");
    ensure!(told["failure.reason"].is_string(), "{told}");
    for (id, code) in [
        ("deep", "GRAPHQL_PARSE_FAILED"),
        ("nested", "QUERY_TOO_DEEP"),
    ] {
        let logged = line(
            shop,
            &[("message", "request rejected"), ("correlation.id", id)],
        )
        .await?;
        assert_eq!(logged["error.code"], code, "{logged}");
    }

    nothing_private(shop)
}

/// No line contains customer input, and no third-party library logs.
fn nothing_private(shop: &Shop) -> Result<()> {
    let all = lines(shop);
    for private in [STREET, "Springwood", "ann@example.org"] {
        let logged = all.iter().find(|line| line.to_string().contains(private));
        ensure!(logged.is_none(), "{private} is in the log: {logged:?}");
    }
    let is_frame = |line: &&Value| {
        let target = line["target"].as_str().unwrap_or_default();
        ["h2", "hyper", "tower", "sqlx"]
            .iter()
            .any(|library| target.starts_with(library))
    };
    let frame = all.iter().find(is_frame);
    ensure!(frame.is_none(), "a library logs: {frame:?}");
    Ok(())
}
