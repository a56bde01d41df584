//! A service that does not answer is not called for a while, and the other one is; and waiting requests do not pile up.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use anyhow::Result;
use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use client_service::Channels;
use platform::runtime::GrpcChannel;
use serde_json::json;
use test_shop::until;
use tonic::Status;
use tonic::service::Routes;

use super::test_gateway::{TestGateway, graphql};

const QUERY: &str = "{ categories { id } }";
const MUTATION: &str = "mutation { createCategory(input: {name: \"Tea\"}) { id } }";

const SETTINGS: [(&str, &str); 6] = [
    ("CLIENT_READ_TRIES", "1"),
    ("CLIENT_WRITE_TRIES", "1"),
    ("CLIENT_LIST_TIMEOUT_MS", "50"),
    ("CLIENT_BREAKER_FAILURES", "3"),
    ("CLIENT_BREAKER_OPEN_MS", "86400000"),
    ("CLIENT_BREAKER_SUCCESSES", "1"),
];

/// A service that can freeze.
#[derive(Debug, Default)]
struct Service {
    is_frozen: AtomicBool,
    calls: AtomicUsize,
}

impl Service {
    fn channel(self: &Arc<Self>) -> GrpcChannel {
        let router = Router::new().fallback(answer).with_state(Arc::clone(self));
        GrpcChannel::in_process(Routes::from(router))
    }
}

/// Every answer is an error, of health checks too: it says that the service is there.
async fn answer(State(service): State<Arc<Service>>, request: Request) -> Response {
    if !request.uri().path().starts_with("/grpc.health") {
        service.calls.fetch_add(1, Relaxed);
    }
    if service.is_frozen.load(Relaxed) {
        std::future::pending::<()>().await;
    }
    Status::unimplemented("no such method").into_http()
}

async fn code(gateway: &TestGateway, query: &str) -> Result<String> {
    let body = gateway.send(&graphql(query, &json!({}))).await?.json()?;
    Ok(body["errors"][0]["extensions"]["code"].to_string())
}

#[tokio::test]
async fn a_frozen_service_is_not_called_and_the_other_one_is() -> Result<()> {
    let (command, query) = (Arc::<Service>::default(), Arc::<Service>::default());
    query.is_frozen.store(true, Relaxed);
    let channels = Channels {
        command: command.channel(),
        query: query.channel(),
    };
    let gateway = TestGateway::on_channels(channels, &SETTINGS).await?;
    for _ in 0..5 {
        assert_eq!(code(&gateway, QUERY).await?, "\"SERVICE_UNAVAILABLE\"");
    }
    assert_eq!(query.calls.load(Relaxed), 3, "then the breaker is open");
    let error = gateway.error(QUERY, json!({})).await?;
    assert_eq!(error["outcome"], "none");
    // The write side is asked, and answers.
    assert_eq!(code(&gateway, MUTATION).await?, "\"INTERNAL_ERROR\"");
    assert_eq!(command.calls.load(Relaxed), 1);
    Ok(())
}

#[tokio::test]
async fn a_request_beyond_what_is_executed_at_the_same_time_is_rejected_at_once() -> Result<()> {
    let (command, query) = (Arc::<Service>::default(), Arc::<Service>::default());
    query.is_frozen.store(true, Relaxed);
    let channels = Channels {
        command: command.channel(),
        query: query.channel(),
    };
    // Each of the queries counts 1. The timeout ends the test if the third one waits as well.
    let settings = [
        ("CLIENT_LIST_TIMEOUT_MS", "120000"),
        ("GRAPHQL_MAX_CONCURRENT_UNITS", "2"),
    ];
    let gateway = TestGateway::on_channels(channels, &settings).await?;
    let request = graphql(QUERY, &json!({}));
    let waiting = async { tokio::join!(gateway.send(&request), gateway.send(&request)) };
    let rejected = async {
        let both = async || {
            anyhow::ensure!(query.calls.load(Relaxed) == 2, "not yet called");
            Ok(())
        };
        until("both are executed", both).await?;
        gateway.send(&request).await
    };
    let rejected = tokio::select! {
        (first, second) = waiting => anyhow::bail!("{first:?}, {second:?}"),
        rejected = rejected => rejected?,
    };
    assert_eq!(rejected.status, 503);
    assert_eq!(rejected.header("retry-after"), Some("1"));
    let error = rejected.json()?["errors"][0].take();
    assert_eq!(error["extensions"]["outcome"], "none");
    assert_eq!(query.calls.load(Relaxed), 2);
    Ok(())
}
