//! What browsers and front ends need: CORS, compression, validators, persisted operations, a page at `/`.

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::{Context, Result};
use http::Method;
use platform::StartError;
use platform::config::AppEnv;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use test_shop::{Folder, PROTOCOL, Reply, Request, handshake};

use super::test_gateway::{TestGateway, graphql};

const ORIGIN: &str = "https://shop.example";

fn preflight(origin: &str) -> Request {
    Request {
        method: Method::OPTIONS,
        ..Request::get("/graphql")
    }
    .with_header("origin", origin)
    .with_header("access-control-request-method", "POST")
    .with_header(
        "access-control-request-headers",
        "content-type,idempotency-key",
    )
}

fn allowed(reply: &Reply) -> Option<&str> {
    reply.header("access-control-allow-origin")
}

#[tokio::test]
async fn pages_of_allowed_origins_may_call_the_gateway() -> Result<()> {
    let settings = [(
        "CORS_ALLOWED_ORIGINS",
        "https://shop.example, http://office.example:8080",
    )];
    let gateway = TestGateway::open_with(AppEnv::Production, &settings).await?;
    for origin in [ORIGIN, "http://office.example:8080"] {
        let reply = gateway.send(&preflight(origin)).await?;
        assert_eq!(reply.status, 200);
        assert_eq!(allowed(&reply), Some(origin));
        let headers = reply
            .header("access-control-allow-headers")
            .context("headers")?;
        for header in [
            "content-type",
            "idempotency-key",
            "x-min-position",
            "authorization",
        ] {
            assert!(headers.contains(header), "{header}: {headers}");
        }
        let query = graphql("{ __typename }", &json!({})).with_header("origin", origin);
        let reply = gateway.send(&query).await?;
        assert_eq!(allowed(&reply), Some(origin));
        let exposed = reply
            .header("access-control-expose-headers")
            .context("exposed")?;
        assert!(exposed.contains("x-min-position"), "{exposed}");
        assert!(
            reply
                .header("vary")
                .is_some_and(|vary| vary.contains("origin"))
        );
    }
    for origin in ["https://evil.example", "http://localhost:5173", "null"] {
        assert_eq!(
            allowed(&gateway.send(&preflight(origin)).await?),
            None,
            "{origin}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn in_development_pages_of_this_machine_may_call_the_gateway() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let local = "http://localhost:5173";
    assert_eq!(
        allowed(&gateway.send(&preflight(local)).await?),
        Some(local)
    );
    assert_eq!(allowed(&gateway.send(&preflight(ORIGIN)).await?), None);
    Ok(())
}

/// What a page that is not allowed to read a response must not open either.
#[tokio::test]
async fn sockets_and_event_streams_follow_the_rule_of_cors() -> Result<()> {
    let settings = [("CORS_ALLOWED_ORIGINS", ORIGIN)];
    let production = TestGateway::open_with(AppEnv::Production, &settings).await?;
    let development = TestGateway::open().await?;
    let local = "http://localhost:5173";
    let evil = "https://evil.example";
    for (gateway, origin, is_allowed) in [
        (&production, ORIGIN, true),
        (&production, local, false),
        (&production, evil, false),
        (&development, ORIGIN, false),
        (&development, local, true),
        (&development, evil, false),
    ] {
        let (status, line) = if is_allowed {
            (200, "HTTP/1.1 101")
        } else {
            (403, "HTTP/1.1 403")
        };
        let headers = format!("sec-websocket-protocol: {PROTOCOL}\r\norigin: {origin}\r\n");
        let (answer, _) = handshake(gateway.address(), &headers).await?;
        assert!(answer.starts_with(line), "{origin}: {answer}");
        let stream = Request::get("/graphql?query=%7B__typename%7D")
            .with_header("accept", "text/event-stream")
            .with_header("origin", origin);
        let reply = gateway.send(&stream).await?;
        assert_eq!(reply.status, status, "{origin}");
        assert_eq!(allowed(&reply).is_some(), is_allowed, "{origin}");
    }
    Ok(())
}

#[tokio::test]
async fn long_responses_are_compressed_as_the_client_prefers() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let long = graphql("{ __schema { types { name description } } }", &json!({}));
    let plain = gateway.send(&long).await?;
    assert_eq!(plain.header("content-encoding"), None);
    for (accepted, encoding, start) in [
        ("gzip", "gzip", &[0x1f, 0x8b][..]),
        ("zstd", "zstd", &[0x28, 0xb5, 0x2f, 0xfd]),
        ("br", "br", &[]),
        ("gzip;q=0.5, br;q=1.0", "br", &[]),
    ] {
        let request = long.clone().with_header("accept-encoding", accepted);
        let reply = gateway.send(&request).await?;
        assert_eq!(
            reply.header("content-encoding"),
            Some(encoding),
            "{accepted}"
        );
        assert!(reply.body.starts_with(start), "{accepted}");
        assert!(reply.body.len() * 2 < plain.body.len(), "{accepted}");
        assert!(
            reply
                .header("vary")
                .is_some_and(|vary| vary.contains("accept-encoding"))
        );
    }
    let short = graphql("{ __typename }", &json!({})).with_header("accept-encoding", "gzip");
    assert_eq!(gateway.send(&short).await?.header("content-encoding"), None);
    Ok(())
}

#[tokio::test]
async fn what_a_page_asks_for_that_is_not_allowed_is_not_compressed() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let long = graphql("{ __schema { types { name description } } }", &json!({}))
        .with_header("accept-encoding", "gzip");
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("origin", "https://evil.example"),
    ] {
        let reply = gateway.send(&long.clone().with_header(name, value)).await?;
        assert_eq!(reply.header("content-encoding"), None, "{name}");
    }
    for (name, value) in [
        ("sec-fetch-site", "same-origin"),
        ("origin", "http://localhost:5173"),
    ] {
        let reply = gateway.send(&long.clone().with_header(name, value)).await?;
        assert_eq!(reply.header("content-encoding"), Some("gzip"), "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn a_query_by_get_is_not_sent_again_while_nothing_changes() -> Result<()> {
    let gateway = TestGateway::open().await?;
    gateway.category("Tea").await?;
    let query = Request::get("/graphql?query=%7Bcategories%7Bname%7D%7D");
    let caught_up = gateway
        .ask_after("{ categories { name } }", json!({}))
        .await?;
    assert_eq!(caught_up["data"]["categories"][0]["name"], "Tea");
    let first = gateway.send(&query).await?;
    let tag = first.header("etag").context("a tag")?.to_owned();
    assert_eq!(first.header("cache-control"), Some("private, no-cache"));
    let again = gateway
        .send(&query.clone().with_header("if-none-match", &tag))
        .await?;
    assert_eq!(again.status, 304);
    assert!(again.body.is_empty());
    assert_eq!(again.header("etag"), Some(&*tag));
    assert_eq!(
        again.header("x-min-position"),
        first.header("x-min-position")
    );
    gateway.category("Coffee").await?;
    gateway
        .ask_after("{ categories { name } }", json!({}))
        .await?;
    let changed = gateway
        .send(&query.clone().with_header("if-none-match", &tag))
        .await?;
    assert_eq!(changed.status, 200);
    assert_eq!(changed.json()?["data"]["categories"][0]["name"], "Coffee");
    // Neither errors nor what was sent by POST.
    let failed = gateway
        .send(&Request::get("/graphql?query=%7Bnothing%7D"))
        .await?;
    assert_eq!(failed.header("etag"), None);
    let posted = gateway
        .send(&graphql("{ categories { name } }", &json!({})))
        .await?;
    assert_eq!(posted.header("etag"), None);
    assert_eq!(posted.header("cache-control"), Some("no-store"));
    Ok(())
}

#[tokio::test]
async fn a_visitor_is_led_to_the_editor_or_to_a_page() -> Result<()> {
    let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    let development = TestGateway::open().await?;
    let production = TestGateway::open_with(AppEnv::Production, &[]).await?;
    for path in ["/", "/graphql"] {
        let visit = Request::get(path).with_header("accept", browser);
        let reply = development.send(&visit).await?;
        assert_eq!(
            (reply.status.as_u16(), reply.header("location")),
            (307, Some("/graphiql"))
        );
        let reply = production.send(&visit).await?;
        assert_eq!(reply.status, 200, "{path}");
        assert_eq!(
            reply.header("content-type"),
            Some("text/html; charset=utf-8")
        );
    }
    // The editor opens the operation of the URL.
    for (path, location) in [
        (
            "/?query=%7B__typename%7D&x=1",
            "/graphiql?query=%7B__typename%7D&x=1",
        ),
        ("/graphql?variables=%7B%7D", "/graphiql?variables=%7B%7D"),
        ("/?", "/graphiql"),
    ] {
        let visit = Request::get(path).with_header("accept", browser);
        let reply = development.send(&visit).await?;
        assert_eq!(reply.header("location"), Some(location), "{path}");
    }
    let query = Request::get("/graphql?query=%7B__typename%7D").with_header("accept", browser);
    let reply = development.send(&query).await?;
    assert_eq!(reply.json()?["data"]["__typename"], "Query");
    // Clients that are no browsers receive an error.
    assert_eq!(
        development.send(&Request::get("/graphql")).await?.status,
        400
    );
    Ok(())
}

pub fn sha256(text: &str) -> String {
    let mut hash = String::new();
    for byte in Sha256::digest(text) {
        write!(hash, "{byte:02x}").expect("text can be appended to");
    }
    hash
}

fn persisted(hash: &str, text: Option<&str>) -> Request {
    let extensions = json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } });
    let mut body = json!({ "extensions": extensions });
    if let Some(text) = text {
        body["query"] = json!(text);
    }
    Request::post_json("/graphql", body.to_string())
}

fn code(body: &Value) -> &Value {
    &body["errors"][0]["extensions"]["code"]
}

#[tokio::test]
async fn an_operation_is_sent_by_its_hash_once_its_text_was_sent() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let text = "query Persisted { __typename }";
    let hash = sha256(text);
    let unknown = gateway.send(&persisted(&hash, None)).await?.json()?;
    assert_eq!(*code(&unknown), "PERSISTED_QUERY_NOT_FOUND");
    assert_eq!(unknown["errors"][0]["message"], "PersistedQueryNotFound");
    let with_text = gateway.send(&persisted(&hash, Some(text))).await?.json()?;
    assert_eq!(with_text["data"]["__typename"], "Query");
    let by_hash = gateway.send(&persisted(&hash, None)).await?.json()?;
    assert_eq!(by_hash["data"]["__typename"], "Query");
    // A text that is invalid against the schema is not stored.
    let invalid = "query Persisted { unknown }";
    let invalid_hash = sha256(invalid);
    let rejected = gateway
        .send(&persisted(&invalid_hash, Some(invalid)))
        .await?;
    assert_eq!(*code(&rejected.json()?), "GRAPHQL_VALIDATION_FAILED");
    let unknown = gateway.send(&persisted(&invalid_hash, None)).await?;
    assert_eq!(*code(&unknown.json()?), "PERSISTED_QUERY_NOT_FOUND");
    let by_get = Request::get(&format!("/graphql?documentId=sha256:{hash}"));
    assert_eq!(
        gateway.send(&by_get).await?.json()?["data"]["__typename"],
        "Query"
    );
    let wrong = gateway
        .send(&persisted(&sha256("{ other }"), Some(text)))
        .await?;
    assert_eq!(wrong.status, 400);
    // An invalid text is not stored.
    let invalid = "{ nothing";
    gateway
        .send(&persisted(&sha256(invalid), Some(invalid)))
        .await?;
    let unknown = gateway
        .send(&persisted(&sha256(invalid), None))
        .await?
        .json()?;
    assert_eq!(*code(&unknown), "PERSISTED_QUERY_NOT_FOUND");
    Ok(())
}

#[tokio::test]
async fn only_registered_operations_run_if_there_is_a_manifest() -> Result<()> {
    let folder = Folder::create()?;
    let manifest = folder.path().join("persisted-documents.json");
    let text = "query Registered { __typename }";
    std::fs::write(&manifest, json!({ "0a1b": text }).to_string())?;
    let path = manifest.to_str().context("a path")?;
    let settings = [("GRAPHQL_OPERATIONS", path)];
    let gateway = TestGateway::open_with(AppEnv::Development, &settings).await?;
    for request in [
        persisted("0a1b", None),
        persisted(&sha256(text), None),
        graphql(text, &json!({})),
        Request::post_json("/graphql", json!({ "documentId": "0a1b" }).to_string()),
    ] {
        assert_eq!(
            gateway.send(&request).await?.json()?["data"]["__typename"],
            "Query"
        );
    }
    for request in [
        graphql("{ __typename }", &json!({})),
        persisted("ffff", None),
    ] {
        let body = gateway.send(&request).await?.json()?;
        assert_eq!(*code(&body), "PERSISTED_QUERY_NOT_IN_LIST");
        assert_eq!(body.get("data"), None);
    }
    Ok(())
}

#[tokio::test]
async fn a_manifest_that_cannot_be_read_stops_the_start() -> Result<()> {
    let settings = [("GRAPHQL_OPERATIONS", "/nonexistent/operations.json")];
    let started = TestGateway::open_with(AppEnv::Development, &settings).await;
    let error = started.err().context("it started")?;
    let shown = format!("{error:#}");
    assert!(
        shown.contains("GRAPHQL_OPERATIONS") && shown.contains("/nonexistent"),
        "{shown}"
    );
    let fault = error
        .downcast_ref::<StartError>()
        .context("another error")?;
    assert_eq!(fault.exit_code(), ExitCode::from(2));
    Ok(())
}
