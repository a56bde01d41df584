//! Errors that clients get when a service fails.

use std::sync::Arc;

use anyhow::Result;
use client_service::{Channels, Config};
use contract::status::Reason;
use event_sourcing::SystemClock;
use platform::Settings;
use platform::config::AppEnv;
use platform::runtime::GrpcChannel;
use platform::telemetry::Metrics;
use serde_json::json;
use test_shop::Connection;
use tonic::Status;

use super::test_gateway::{Fault, TestGateway, graphql};

const CREATE: &str = "/proto.CategoryCommand/Create";
const GET: &str = "/query.CategoryQuery/GetCategory";
const LIST: &str = "/query.CategoryQuery/ListCategories";
const MUTATION: &str = "mutation { createCategory(input: {name: \"Tea\"}) { id version } }";

#[tokio::test]
async fn a_write_whose_reply_was_lost_is_retried_and_executed_once() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let lost = Fault::After(Status::unavailable("connection lost"));
    gateway.wire.break_next(CREATE, [lost.clone(), lost]);
    let data = gateway.data(MUTATION, json!({})).await?;
    assert_eq!(data["createCategory"]["version"], 1);
    let calls = gateway.wire.take();
    assert_eq!(calls.len(), 3);
    let ids: Vec<_> = calls
        .iter()
        .map(|call| call.metadata.get("x-command-id"))
        .collect();
    assert!(ids[0].is_some() && ids.windows(2).all(|pair| pair[0] == pair[1]));
    Ok(())
}

#[tokio::test]
async fn an_unavailable_service_is_reported_with_the_outcome() -> Result<()> {
    let tries = [("CLIENT_WRITE_TRIES", "1"), ("CLIENT_READ_TRIES", "1")];
    let gateway = TestGateway::open_with(AppEnv::Development, &tries).await?;
    let unavailable = || Fault::Before(Status::unavailable("10.1.2.3 refused"));
    gateway.wire.break_next(CREATE, [unavailable()]);
    let body = gateway.ask(MUTATION, json!({})).await?.json()?;
    let error = &body["errors"][0];
    assert_eq!(error["extensions"]["code"], "SERVICE_UNAVAILABLE");
    assert_eq!(error["extensions"]["outcome"], "unknown");
    // Without a key, repeating the request may execute it twice.
    assert_eq!(error["extensions"]["retryAfter"], json!(null));
    assert!(!body.to_string().contains("10.1.2.3"));
    let none = Fault::Before(Reason::OutcomeNone.status("conflicts"));
    gateway.wire.break_next(CREATE, [none]);
    let error = gateway.error(MUTATION, json!({})).await?;
    assert_eq!(
        (&error["outcome"], &error["retryAfter"]),
        (&json!("none"), &json!(1))
    );
    gateway.wire.break_next(GET, [unavailable()]);
    let body = gateway
        .ask("{ category(id: 1) { id } __typename }", json!({}))
        .await?
        .json()?;
    assert_eq!(
        body["data"],
        json!({"category": null, "__typename": "Query"})
    );
    assert_eq!(body["errors"][0]["extensions"]["outcome"], "none");
    gateway.wire.break_next(LIST, [unavailable()]);
    let reply = gateway
        .ask("{ categories { id } __typename }", json!({}))
        .await?;
    let body = reply.json()?;
    assert_eq!(body["data"], json!(null));
    // The request was executed, so a proxy must not repeat it.
    assert_eq!(body["errors"][0]["extensions"]["retryAfter"], 1);
    assert_eq!(
        (reply.status.as_u16(), reply.header("retry-after")),
        (200, None)
    );
    Ok(())
}

#[tokio::test]
async fn a_read_is_retried_unless_the_read_side_lags() -> Result<()> {
    let gateway = TestGateway::open().await?;
    gateway
        .wire
        .break_next(LIST, [Fault::Before(Status::unavailable("restarting"))]);
    gateway.data("{ categories { id } }", json!({})).await?;
    assert_eq!(gateway.wire.methods().len(), 2);
    gateway.wire.break_next(
        LIST,
        [Fault::Before(Reason::ReadSideBehind.status("lagging"))],
    );
    let error = gateway.error("{ categories { id } }", json!({})).await?;
    assert_eq!(error["code"], "SERVICE_UNAVAILABLE");
    assert_eq!(gateway.wire.methods().len(), 1);
    Ok(())
}

#[tokio::test]
async fn an_internal_error_shows_an_id_and_no_cause() -> Result<()> {
    let gateway = TestGateway::open().await?;
    gateway.wire.break_next(
        GET,
        [Fault::Before(Status::internal("the password is hunter2"))],
    );
    let body = gateway
        .ask("{ category(id: 1) { id } }", json!({}))
        .await?
        .json()?;
    let extensions = &body["errors"][0]["extensions"];
    assert_eq!(extensions["code"], "INTERNAL_ERROR");
    assert_eq!(
        (&extensions["outcome"], &extensions["retryAfter"]),
        (&json!("none"), &json!(1))
    );
    assert_eq!(extensions["errorId"].as_str().map(str::len), Some(16));
    assert!(!body.to_string().contains("hunter2"));
    let known = contract::status::internal("00c0ffee00c0ffee");
    gateway.wire.break_next(GET, [Fault::Before(known)]);
    let error = gateway
        .error("{ category(id: 1) { id } }", json!({}))
        .await?;
    assert_eq!(error["errorId"], "00c0ffee00c0ffee");
    Ok(())
}

#[tokio::test]
async fn a_write_that_could_not_be_sent_has_no_effect() -> Result<()> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    drop(listener);
    let closed = || GrpcChannel::remote("127.0.0.1", port, None);
    let channels = Channels {
        command: closed()?,
        query: closed()?,
    };
    let environment = [
        ("CLIENT_HTTP_ADDR", "127.0.0.1:0"),
        ("CLIENT_WRITE_TRIES", "2"),
    ];
    let settings = Settings::from_environment(environment);
    let config = settings.read(|reader| Config::read(reader, Ok(AppEnv::Development)))?;
    let clock = Arc::new(SystemClock);
    let gateway = client_service::start(config, channels, Metrics::detached(), clock).await?;
    let mut connection = Connection::open(gateway.address()).await?;
    let body = connection
        .send(&graphql(MUTATION, &json!({})))
        .await?
        .json()?;
    let extensions = &body["errors"][0]["extensions"];
    assert_eq!(extensions["code"], "SERVICE_UNAVAILABLE", "{body}");
    assert_eq!(extensions["outcome"], "none", "{body}");
    let health = connection.send(&test_shop::Request::get("/health")).await?;
    assert_eq!(health.status, 503);
    let parts = json!({
        "command_service": "unreachable", "query_service": "unreachable",
        "database": "unknown", "cache": "unknown", "grpc": "unknown",
    });
    assert_eq!(health.json()?["services"], parts);
    for path in ["/health/ready", "/health/live"] {
        let probe = connection.send(&test_shop::Request::get(path)).await?;
        assert_eq!(probe.status, 200, "{path}");
    }
    Ok(())
}
