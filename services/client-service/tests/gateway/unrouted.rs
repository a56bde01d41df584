//! What no route takes is answered as any other rejected request; a slash at the end of a path changes nothing.

use anyhow::Result;
use http::Method;
use platform::config::AppEnv;
use serde_json::json;
use test_shop::{PROTOCOL, Request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::test_gateway::{TestGateway, graphql};

async fn rejected(gateway: &TestGateway, request: &Request, status: u16) -> Result<String> {
    let reply = gateway.send(request).await?;
    let shown = format!("{} {}", request.method, request.path);
    assert_eq!(reply.status, status, "{shown}");
    let content_type = reply.header("content-type");
    assert_eq!(content_type, Some("application/json; charset=utf-8"));
    let body = reply.json()?;
    let extensions = &body["errors"][0]["extensions"];
    assert_eq!(extensions["code"], "BAD_REQUEST", "{shown}");
    assert!(extensions["timestamp"].is_string(), "{shown}");
    assert_eq!(body.get("data"), None, "{shown}");
    let message = body["errors"][0]["message"].to_string();
    assert!(message.len() < 200, "{shown}: {message}");
    Ok(reply.header("allow").unwrap_or_default().to_owned())
}

#[tokio::test]
async fn an_unknown_path_is_rejected_with_an_error() -> Result<()> {
    let development = TestGateway::open().await?;
    let long = format!("/{}", "x".repeat(2_000));
    for path in [
        "/nothing",
        "/graphql/x",
        "/health/else",
        "/health/",
        "/graphiql/none.js",
        "/graphiql/a/b",
        &long,
    ] {
        for method in [Method::GET, Method::POST, Method::DELETE] {
            // A file has other methods that its path does not take.
            if path == "/graphiql/none.js" && method != Method::GET {
                continue;
            }
            let request = Request {
                method,
                ..Request::get(path)
            };
            rejected(&development, &request, 404).await?;
        }
    }
    let production = TestGateway::open_with(AppEnv::Production, &[]).await?;
    for path in ["/graphiql", "/graphiql/", "/schema.graphql"] {
        rejected(&production, &Request::get(path), 404).await?;
    }
    Ok(())
}

#[tokio::test]
async fn another_method_is_rejected_with_those_of_the_path() -> Result<()> {
    let gateway = TestGateway::open().await?;
    for (path, methods) in [
        ("/graphql", "GET,HEAD,POST"),
        ("/graphql/", "GET,HEAD,POST"),
        ("/", "GET,HEAD"),
        ("/graphiql", "GET,HEAD"),
        ("/graphiql/explorer.js", "GET,HEAD"),
        ("/schema.graphql", "GET,HEAD"),
        ("/health", "GET,HEAD"),
        ("/health/ready", "GET,HEAD"),
        ("/metrics", "GET,HEAD"),
    ] {
        let others = [Method::PUT, Method::DELETE, Method::PATCH, Method::TRACE];
        let post = (!methods.contains("POST")).then_some(Method::POST);
        for method in others.into_iter().chain(post) {
            let request = Request {
                method,
                ..Request::get(path)
            };
            let allowed = rejected(&gateway, &request, 405).await?;
            assert_eq!(allowed, methods, "{path}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn preflights_are_answered_where_there_is_a_route() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let options = |path: &str| {
        let request = Request {
            method: Method::OPTIONS,
            ..Request::get(path)
        };
        request.with_header("origin", "http://localhost:5173")
    };
    let preflight = |path: &str| options(path).with_header("access-control-request-method", "POST");
    for path in ["/graphql", "/graphql/", "/", "/graphiql", "/schema.graphql"] {
        let reply = gateway.send(&preflight(path)).await?;
        assert_eq!(reply.status, 200, "{path}");
        let allowed = reply.header("access-control-allow-origin");
        assert_eq!(allowed, Some("http://localhost:5173"), "{path}");
    }
    for path in ["/nothing", "/graphql/x", "/graphiql/a/b", "/health/else"] {
        rejected(&gateway, &preflight(path), 404).await?;
        rejected(&gateway, &options(path), 404).await?;
    }
    // A page may not read these, so there is nothing to ask for.
    for path in ["/health", "/metrics"] {
        let allowed = rejected(&gateway, &preflight(path), 405).await?;
        assert_eq!(allowed, "GET,HEAD", "{path}");
    }
    let allowed = rejected(&gateway, &options("/graphql"), 405).await?;
    assert_eq!(allowed, "GET,HEAD,POST");
    Ok(())
}

/// The HTTP parser answers before there is a request.
#[tokio::test]
async fn a_head_that_is_too_long_is_rejected_without_a_body() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let long = "x".repeat(300 * 1024);
    let many = "x: y\r\n".repeat(101);
    for (target, headers, statuses) in [
        (
            format!("/graphql?query={long}"),
            String::new(),
            ["414", "431"],
        ),
        ("/graphql".to_owned(), format!("x: {long}\r\n"), ["431"; 2]),
        ("/graphql".to_owned(), many, ["431"; 2]),
    ] {
        let mut raw = TcpStream::connect(gateway.address()).await?;
        let head = format!("GET {target} HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n");
        // The gateway may have answered and closed before everything is written.
        let _ = raw.write_all(head.as_bytes()).await;
        let mut answer = [0; 1024];
        let read = raw.read(&mut answer).await?;
        let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
        let status = answer.get(9..12).unwrap_or_default();
        assert!(statuses.contains(&status), "{answer}");
        assert!(answer.ends_with("\r\n\r\n"), "{answer}");
    }
    Ok(())
}

#[tokio::test]
async fn a_slash_at_the_end_changes_nothing() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let mut query = graphql("{ __typename }", &json!({}));
    query.path = "/graphql/".to_owned();
    let by_get = Request::get("/graphql/?query=%7B__typename%7D");
    for request in [query, by_get] {
        let reply = gateway.send(&request).await?;
        assert_eq!(reply.json()?["data"]["__typename"], "Query");
    }
    let page = gateway.send(&Request::get("/graphiql/")).await?;
    let same = gateway.send(&Request::get("/graphiql")).await?;
    assert_eq!(
        (page.status.as_u16(), page.body),
        (200, same.body),
        "its files have absolute paths"
    );
    let address = gateway.address();
    let mut socket = TcpStream::connect(address).await?;
    let head = format!(
        "GET /graphql/ HTTP/1.1\r\nhost: {address}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         sec-websocket-protocol: {PROTOCOL}\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).await?;
    let mut line = [0; 12];
    socket.read_exact(&mut line).await?;
    assert_eq!(&line, b"HTTP/1.1 101");
    Ok(())
}
