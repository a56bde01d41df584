//! GraphQL over HTTP: methods, media types, sizes, statuses.

use anyhow::{Result, ensure};
use platform::config::AppEnv;
use serde_json::{Value, json};
use test_shop::{Reply, Request, until};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::test_gateway::{TestGateway, graphql};

const JSON: &str = "application/json";
const GRAPHQL: &str = "application/graphql-response+json";

fn code(reply: &Reply) -> Result<Value> {
    let mut body = reply.json()?;
    assert!(body["errors"][0]["extensions"]["timestamp"].is_string());
    assert!(body.get("data").is_none(), "nothing was executed: {body}");
    Ok(body["errors"][0]["extensions"]["code"].take())
}

fn accepting(media: &str, query: &str) -> Request {
    let body = json!({ "query": query }).to_string();
    Request::post_json("/graphql", body).with_header("accept", media)
}

#[tokio::test]
async fn the_media_type_determines_the_status_of_a_rejected_request() -> Result<()> {
    let gateway = TestGateway::open().await?;
    for (query, expected) in [
        ("{ categories {", "GRAPHQL_PARSE_FAILED"),
        ("{ nonsense }", "GRAPHQL_VALIDATION_FAILED"),
        (
            "query A { __typename } query B { __typename }",
            "GRAPHQL_VALIDATION_FAILED",
        ),
        (
            "subscription { categoryCreated { id } }",
            "GRAPHQL_VALIDATION_FAILED",
        ),
    ] {
        for (media, status) in [(JSON, 200), (GRAPHQL, 400), ("*/*", 200)] {
            let reply = gateway.send(&accepting(media, query)).await?;
            assert_eq!(reply.status, status, "{query} as {media}");
            assert_eq!(code(&reply)?, expected, "{query}");
        }
    }
    for media in [JSON, GRAPHQL] {
        let reply = gateway
            .send(&accepting(media, "{ categories { id } }"))
            .await?;
        assert_eq!(reply.status, 200);
        let content_type = reply.header("content-type").unwrap_or_default();
        assert_eq!(content_type, format!("{media}; charset=utf-8"));
        assert_eq!(reply.json()?["data"], json!({"categories": []}));
    }
    for media in [
        "text/html",
        "text/event-stream;q=0",
        "application/*;q=0, text/event-stream;Q=0, */*;q=0",
    ] {
        let reply = gateway.send(&accepting(media, "{ __typename }")).await?;
        assert_eq!(reply.status, 406, "{media}");
    }
    Ok(())
}

#[tokio::test]
async fn a_weight_of_0_excludes_a_media_type() -> Result<()> {
    let gateway = TestGateway::open().await?;
    for (accept, expected) in [
        ("application/json;q=0, */*", GRAPHQL),
        ("text/event-stream;q=0, */*", JSON),
        ("text/event-stream; Q=0, application/json", JSON),
    ] {
        let reply = gateway.send(&accepting(accept, "{ __typename }")).await?;
        let content_type = reply.header("content-type").unwrap_or_default();
        assert_eq!(content_type, format!("{expected}; charset=utf-8"));
        // A subscription, too, gets no stream.
        let subscription = "subscription { categoryCreated { id } }";
        let reply = gateway.send(&accepting(accept, subscription)).await?;
        assert_eq!(code(&reply)?, "GRAPHQL_VALIDATION_FAILED", "{accept}");
    }
    Ok(())
}

#[tokio::test]
async fn a_header_is_not_cut_to_its_first_value() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let query = graphql("{ __typename }", &json!({}));
    let mutation = graphql("mutation { deleteCategory(id: 1) }", &json!({}));
    let subscription = graphql("subscription { categoryCreated { id } }", &json!({}))
        .with_header("accept", "text/event-stream");
    for (request, name, values) in [
        (&query, "X-Min-Position", ["0", "9"]),
        (&query, "GraphQL-Cost", ["report", "none"]),
        (&mutation, "Idempotency-Key", ["a", "b"]),
        (&subscription, "Last-Event-ID", ["0", "9"]),
    ] {
        let mut request = request.clone();
        for value in values {
            request = request.with_header(&name.to_lowercase(), value);
        }
        let reply = gateway.send(&request).await?;
        assert_eq!(reply.status, 400, "{name}");
        let message = &reply.json()?["errors"][0]["message"];
        assert_eq!(*message, format!("there is more than one {name}"));
        assert_eq!(code(&reply)?, "BAD_REQUEST", "{name}");
    }
    let typed_twice = query.with_header("content-type", "text/plain");
    let reply = gateway.send(&typed_twice).await?;
    assert_eq!(reply.status, 400);
    assert_eq!(code(&reply)?, "BAD_REQUEST");
    Ok(())
}

#[tokio::test]
async fn only_a_json_object_is_a_request() -> Result<()> {
    let gateway = TestGateway::open().await?;
    for body in [
        "",
        "{",
        "null",
        "1",
        "{}",
        r#"{"query": ""}"#,
        r#"{"query": 1}"#,
        r#"{"query": "{ __typename }", "variables": []}"#,
        r#"{"query": "{ __typename }", "variables": "x"}"#,
        r#"{"query": "{ __typename }", "operationName": {}}"#,
        r#"{"query": "{ __typename }", "query": "{ __typename }"}"#,
        r#"{"query": "{ __typename }", "extensions": 1}"#,
        r#"{"extensions": {"persistedQuery": 1}}"#,
        r#"{"extensions": {"persistedQuery": {"version": "x"}}}"#,
        "5",
        "\"x\"",
        r#"[{"query": "{ __typename }"}]"#,
    ] {
        let reply = gateway.send(&Request::post_json("/graphql", body)).await?;
        assert_eq!(reply.status, 400, "{body}");
        assert_eq!(code(&reply)?, "BAD_REQUEST", "{body}");
        let shown = reply.json()?.to_string();
        for part in ["struct", "line 1 column"] {
            assert!(!shown.contains(part), "{body}: {shown}");
        }
    }
    let nulls = r#"{"query": "{ __typename }", "variables": null, "operationName": null}"#;
    let reply = gateway.send(&Request::post_json("/graphql", nulls)).await?;
    assert_eq!(reply.json()?["data"]["__typename"], "Query");
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/graphql",
    ] {
        let mut request = graphql("{ __typename }", &json!({}));
        request.headers.retain(|(name, _)| name != "content-type");
        let request = request.with_header("content-type", content_type);
        let reply = gateway.send(&request).await?;
        assert_eq!(reply.status, 415, "{content_type}");
        assert_eq!(code(&reply)?, "UNSUPPORTED_MEDIA_TYPE");
    }
    Ok(())
}

#[tokio::test]
async fn a_body_has_at_most_100_kib() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let of_length = |bytes: usize| {
        let start = r#"{"query":"{ __typename }"#;
        let padding = " ".repeat(bytes - start.len() - 2);
        Request::post_json("/graphql", format!("{start}{padding}\"}}"))
    };
    assert_eq!(gateway.send(&of_length(100 * 1024)).await?.status, 200);
    for too_long in [100 * 1024 + 1, 1024 * 1024] {
        let reply = gateway.send(&of_length(too_long)).await?;
        assert_eq!(reply.status, 413);
        assert_eq!(code(&reply)?, "PAYLOAD_TOO_LARGE");
    }
    assert_eq!(gateway.wire.methods(), Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn get_is_for_queries() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let reply = gateway
        .send(&Request::get("/graphql?query=%7B__typename%7D"))
        .await?;
    assert_eq!(reply.json()?["data"]["__typename"], "Query");
    let mut head = Request::get("/graphql?query=%7B__typename%7D");
    head.method = http::Method::HEAD;
    assert_eq!(gateway.send(&head).await?.status, 200);
    let mutation = "/graphql?query=mutation%7BdeleteCategory(id%3A1)%7D";
    let reply = gateway.send(&Request::get(mutation)).await?;
    assert_eq!(reply.status, 405);
    assert_eq!(reply.header("allow"), Some("POST"));
    assert_eq!(code(&reply)?, "BAD_REQUEST");
    assert_eq!(gateway.wire.methods(), Vec::<String>::new());
    let mut put = graphql("{ __typename }", &json!({}));
    put.method = http::Method::PUT;
    assert_eq!(gateway.send(&put).await?.status, 405);
    Ok(())
}

#[tokio::test]
async fn production_reveals_nothing_about_the_schema() -> Result<()> {
    let gateway = TestGateway::open_with(AppEnv::Production, &[]).await?;
    for path in ["/graphiql", "/schema.graphql"] {
        assert_eq!(gateway.send(&Request::get(path)).await?.status, 404);
    }
    for query in [
        "{ __schema { types { name } } }",
        "{ __type(name: \"Query\") { name } }",
    ] {
        let error = gateway.error(query, json!({})).await?;
        assert_eq!(error["code"], "GRAPHQL_VALIDATION_FAILED");
    }
    let reply = gateway.ask("{ categoris { id } }", json!({})).await?;
    let message = reply.json()?["errors"][0]["message"].to_string();
    assert!(!message.contains("Did you mean"), "{message}");
    let given = TestGateway::open_with(AppEnv::Production, &[("GRAPHIQL", "true")]).await?;
    assert_eq!(given.send(&Request::get("/graphiql")).await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn development_serves_the_explorer_and_introspection() -> Result<()> {
    let gateway = TestGateway::open().await?;
    assert_eq!(gateway.send(&Request::get("/graphiql")).await?.status, 200);
    let schema = gateway.send(&Request::get("/schema.graphql")).await?;
    assert!(String::from_utf8_lossy(&schema.body).contains("type Category implements Node {"));
    let data = gateway
        .data("{ __type(name: \"Category\") { name } }", json!({}))
        .await?;
    assert_eq!(data["__type"]["name"], "Category");
    Ok(())
}

/// A page that rebinds its own domain to this machine sends its own domain as the Host.
#[tokio::test]
async fn only_expected_hosts_are_served_graphql() -> Result<()> {
    let settings = [("ALLOWED_HOSTS", "shop.example, other.example")];
    let gateway = TestGateway::open_with(AppEnv::Development, &settings).await?;
    let query = graphql("{ __typename }", &json!({}));
    for allowed in [
        "127.0.0.1:4000",
        "[::1]",
        "localhost:1",
        "Shop.Example:443",
        "other.example",
    ] {
        let reply = gateway
            .send(&query.clone().with_header("host", allowed))
            .await?;
        assert_eq!(reply.status, 200, "{allowed}");
    }
    for bad in ["evil.example", "shop.example.evil", ""] {
        for request in [
            &query,
            &Request::get("/graphiql"),
            &Request::get("/schema.graphql"),
        ] {
            let reply = gateway
                .send(&request.clone().with_header("host", bad))
                .await?;
            assert_eq!(reply.status, 403, "{bad}");
            let extensions = reply.json()?["errors"][0]["extensions"].take();
            assert_eq!(extensions["code"], "FORBIDDEN");
            assert!(extensions["timestamp"].is_string(), "{extensions}");
        }
        let health = Request::get("/health/live").with_header("host", bad);
        assert_eq!(gateway.send(&health).await?.status, 200, "{bad}");
    }
    Ok(())
}

#[tokio::test]
async fn the_explorer_cannot_be_framed() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let page = gateway.send(&Request::get("/graphiql")).await?;
    assert_eq!(page.header("x-frame-options"), Some("DENY"));
    let policy = page.header("content-security-policy").unwrap_or_default();
    for directive in [
        "default-src 'none'",
        "frame-ancestors 'none'",
        "connect-src 'self'",
    ] {
        assert!(policy.contains(directive), "{policy}");
    }
    Ok(())
}

#[tokio::test]
async fn no_other_response_can_be_shown_as_a_page() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let accepted = Request::post_json("/graphql", r#"{"query":"{ __typename }"}"#);
    let rejected = Request::post_json("/graphql", "no JSON");
    for request in [
        accepted,
        rejected,
        Request::get("/nothing"),
        Request::get("/health"),
        Request::get("/metrics"),
    ] {
        let reply = gateway.send(&request).await?;
        let shown = &request.path;
        assert_eq!(
            reply.header("x-content-type-options"),
            Some("nosniff"),
            "{shown}"
        );
        let policy = reply.header("content-security-policy");
        let nothing = "default-src 'none'; frame-ancestors 'none'";
        assert_eq!(policy, Some(nothing), "{shown}");
    }
    Ok(())
}

#[tokio::test]
async fn a_request_has_exactly_one_host() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let two = Request::get("/health/live")
        .with_header("host", "a")
        .with_header("host", "b");
    assert_eq!(gateway.send(&two).await?.status, 400);
    let mut raw = TcpStream::connect(gateway.address()).await?;
    raw.write_all(b"GET /health/live HTTP/1.1\r\nconnection: close\r\n\r\n")
        .await?;
    let mut answer = String::new();
    raw.read_to_string(&mut answer).await?;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    Ok(())
}

#[tokio::test]
async fn health_names_the_components() -> Result<()> {
    let gateway = TestGateway::open().await?;
    // The read side is not ready until it has caught up once.
    let health = until("everything works", async || {
        let health = gateway.send(&Request::get("/health")).await?;
        ensure!(health.status == 200, "{:?}", health.json());
        Ok(health)
    })
    .await?;
    let body = health.json()?;
    assert_eq!(body["status"], "ok");
    assert!(body["version"].is_string());
    let parts = json!({
        "command_service": "serving", "query_service": "serving",
        "database": "connected", "cache": "connected", "grpc": "serving",
    });
    assert_eq!(body["services"], parts);
    assert_eq!(gateway.send(&Request::get("/metrics")).await?.status, 200);
    Ok(())
}
