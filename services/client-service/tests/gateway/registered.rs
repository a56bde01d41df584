//! Operations by their hash over `WebSockets` and event streams, and a gateway that executes registered ones only.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use platform::StartError;
use platform::config::AppEnv;
use serde_json::{Value, json};
use test_shop::{Folder, Request, Socket};

use super::browsers::sha256;
use super::event_streams::Events;
use super::explorer::explorer;
use super::test_gateway::TestGateway;

const CREATED: &str = "subscription($after: String) { productCreated(after: $after) { name } }";
const OTHER: &str = "subscription { productDeleted }";

fn by_hash(hash: &str, text: Option<&str>) -> Value {
    let persisted = json!({"version": 1, "sha256Hash": hash});
    let mut request =
        json!({"extensions": {"persistedQuery": persisted}, "variables": {"after": "0"}});
    if let Some(text) = text {
        request["query"] = json!(text);
    }
    request
}

fn by_text(text: &str) -> Value {
    json!({"query": text})
}

/// The name of the created product, or the code of the error.
async fn over_socket(socket: &mut Socket, request: &Value) -> Result<String> {
    let start = json!({"id": "1", "type": "subscribe", "payload": request});
    socket.send(&start).await?;
    let mut message = socket.next().await?;
    let payload = message["payload"].take();
    if message["type"] == "error" {
        return text(&payload[0]["extensions"]["code"]);
    }
    socket.send(&json!({"id": "1", "type": "complete"})).await?;
    socket.ping().await?;
    text(&payload["data"]["productCreated"]["name"])
}

async fn over_stream(gateway: &TestGateway, request: &Value) -> Result<String> {
    let body = Request::post_json("/graphql", request.to_string());
    let refused = async || {
        let asked = body.clone().with_header("accept", "text/event-stream");
        let reply = gateway.send(&asked).await?.json()?;
        text(&reply["errors"][0]["extensions"]["code"])
    };
    match Events::request(gateway, "", request).await {
        Ok(mut events) => {
            let event = events.next().await?.json()?;
            text(&event["data"]["productCreated"]["name"])
        }
        Err(_) => refused().await,
    }
}

fn text(value: &Value) -> Result<String> {
    Ok(value.as_str().context(value.to_string())?.to_owned())
}

async fn over_both(gateway: &TestGateway, request: Value, expected: &str) -> Result<()> {
    let mut socket = Socket::open(gateway.address()).await?;
    assert_eq!(over_socket(&mut socket, &request).await?, expected);
    assert_eq!(over_stream(gateway, &request).await?, expected);
    Ok(())
}

#[tokio::test]
async fn a_subscription_is_stored_under_its_hash() -> Result<()> {
    let gateway = TestGateway::open().await?;
    gateway.product("Lamp", None).await?;
    let hash = sha256(CREATED);
    let unknown = "PERSISTED_QUERY_NOT_FOUND";
    over_both(&gateway, by_hash(&hash, None), unknown).await?;
    let wrong = by_hash(&sha256("x"), Some(CREATED));
    over_both(&gateway, wrong, "BAD_REQUEST").await?;
    over_both(&gateway, by_hash(&hash, None), unknown).await?;
    over_both(&gateway, by_hash(&hash, Some(CREATED)), "Lamp").await?;
    over_both(&gateway, by_hash(&hash, None), "Lamp").await
}

#[tokio::test]
async fn only_registered_subscriptions_run_if_there_is_a_manifest() -> Result<()> {
    let folder = Folder::create()?;
    let manifest = folder.path().join("persisted-documents.json");
    let create = "mutation($input: CreateProductInput!) { createProduct(input: $input) { id } }";
    std::fs::write(
        &manifest,
        json!({ "0a1b": CREATED, "0c2d": create }).to_string(),
    )?;
    let settings = [("GRAPHQL_OPERATIONS", manifest.to_str().context("a path")?)];
    let gateway = TestGateway::open_with(AppEnv::Development, &settings).await?;
    gateway.product("Lamp", None).await?;
    for allowed in [
        by_hash("0a1b", None),
        by_hash(&sha256(CREATED).to_uppercase(), None),
        by_hash("0A1B", Some(CREATED)),
    ] {
        over_both(&gateway, allowed, "Lamp").await?;
    }
    let same = json!({"query": CREATED, "variables": {"after": "0"}});
    over_both(&gateway, same, "Lamp").await?;
    for refused in [
        by_text(OTHER),
        by_hash("ffff", None),
        by_hash(&sha256(OTHER), Some(OTHER)),
        by_text("{ __typename }"),
        by_text("mutation { deleteProduct(id: 1) }"),
    ] {
        over_both(&gateway, refused, "PERSISTED_QUERY_NOT_IN_LIST").await?;
    }
    let wrong = by_hash("0c2d", Some(CREATED));
    over_both(&gateway, wrong, "BAD_REQUEST").await
}

/// Why a gateway with these operations does not start.
async fn fault(operations: &Path) -> Result<String> {
    let path = operations.to_str().context("a path")?;
    let settings = [("GRAPHQL_OPERATIONS", path)];
    let started = TestGateway::open_with(AppEnv::Development, &settings).await;
    let error = started.err().context("it started")?;
    let fault = error
        .downcast_ref::<StartError>()
        .context("another error")?;
    assert_eq!(
        fault.exit_code(),
        ExitCode::from(2),
        "a fault of the setting"
    );
    let shown = format!("{error:#}");
    assert_eq!(shown.lines().count(), 1, "{shown}");
    Ok(shown)
}

#[tokio::test]
async fn an_operation_that_is_not_valid_stops_the_start() -> Result<()> {
    let folder = Folder::create()?;
    let manifest = folder.path().join("persisted-documents.json");
    let deep = format!(
        "{{ a: category(id: 1) {}",
        "{ products { category ".repeat(9)
    );
    let deep = format!("{deep} {{ id }} {}", "}}".repeat(9) + "}");
    for (text, fault_of_text) in [
        ("{\n  categories {", "(line 2, column 15)"),
        ("", "is not valid: "),
        ("fragment F on Query { __typename }", "has no operation"),
        (
            "{\n  products { id weight }\n}",
            "Unknown field \"weight\" on type \"Product\". (line 2, column 17)",
        ),
        (
            "query($id: ID!) { category(id: $id, no: 1) { id } }",
            "Unknown argument",
        ),
        ("{ category(id: [1]) { id } }", "expected ID"),
        ("query($a: Int) { __typename }", "$a is not used"),
        ("query($a: None) { category(id: $a) { id } }", "None"),
        ("{ ...F }", "there is no fragment F"),
        (
            "query A { ...F } fragment F on Query { ...F }",
            "spreads itself",
        ),
        (
            "query A { __typename } mutation B { nothing }",
            "Unknown field",
        ),
        (
            "subscription { productDeleted categoryDeleted }",
            "only one root field",
        ),
        (&deep, "depth is at most 10"),
    ] {
        std::fs::write(
            &manifest,
            json!({ "00": "{ __typename }", "0a1b": text }).to_string(),
        )?;
        let shown = fault(&manifest).await?;
        for part in [
            "GRAPHQL_OPERATIONS",
            "the operation \"0a1b\" of ",
            "persisted-documents.json is not valid: ",
            fault_of_text,
        ] {
            assert!(shown.contains(part), "{text}: {part}: {shown}");
        }
    }
    let operations = folder.path().join("operations");
    std::fs::create_dir(&operations)?;
    std::fs::write(operations.join("a.graphql"), "{ __typename }")?;
    std::fs::write(operations.join("b.graphql"), "{ nothing }")?;
    std::fs::write(operations.join("c.graphql"), "{")?;
    let shown = fault(&operations).await?;
    assert!(
        shown.contains("operations/b.graphql is not valid: Unknown field"),
        "{shown}"
    );
    Ok(())
}

#[tokio::test]
async fn what_depends_on_variables_does_not_stop_the_start() -> Result<()> {
    let folder = Folder::create()?;
    for (name, text) in [
        // Too complex without a value of the variable.
        (
            "a",
            "query($n: Int!) { categories { products(limit: $n) { category { products(limit: $n) { id } } } } }",
        ),
        (
            "b",
            "mutation($input: CreateProductInput!) { createProduct(input: $input) { id } }",
        ),
        (
            "c",
            "query A($id: ID!) { category(id: $id) { id } } query B { __typename }",
        ),
        (
            "d",
            "subscription($after: String) { productCreated(after: $after) { id } }\n",
        ),
        (
            "e",
            "query($on: Boolean = true) { __typename @include(if: $on) }",
        ),
    ] {
        std::fs::write(folder.path().join(format!("{name}.graphql")), text)?;
    }
    let settings = [(
        "GRAPHQL_OPERATIONS",
        folder.path().to_str().context("a path")?,
    )];
    let gateway = TestGateway::open_with(AppEnv::Development, &settings).await?;
    assert_eq!(
        gateway.wire.methods(),
        Vec::<String>::new(),
        "nothing is executed"
    );
    // The page must not ask for the schema, which no client can.
    assert_eq!(explorer(&gateway).await?["introspection"], false);
    Ok(())
}
