//! The endpoints other than GraphQL: health, metrics and the schema.

use anyhow::{Result, ensure};
use test_shop::{Connection, Reply, Request, until};

use crate::support::{Shop, Topology, on};

#[tokio::test]
async fn health_metrics_and_schema_on_sqlite() -> Result<()> {
    on(Topology::OneProcess, journey).await
}

#[tokio::test]
async fn health_metrics_and_schema_on_postgres() -> Result<()> {
    on(Topology::THREE_PROCESSES, journey).await
}

async fn get(address: std::net::SocketAddr, path: &str) -> Result<Reply> {
    Connection::open(address)
        .await?
        .send(&Request::get(path))
        .await
}

async fn journey(shop: &mut Shop) -> Result<()> {
    let mut session = shop.session()?;
    session.create_category("Seen").await?;
    let gateway = shop.system.gateway(0)?;
    let health = get(gateway, "/health").await?.json()?;
    assert_eq!(health.get("status"), Some(&"ok".into()), "{health}");
    for part in [
        "command_service",
        "query_service",
        "database",
        "cache",
        "grpc",
    ] {
        ensure!(
            health.pointer(&format!("/services/{part}")).is_some(),
            "{part}: {health}"
        );
    }
    let graphiql = get(gateway, "/graphiql").await?;
    ensure!(
        graphiql.status.is_success(),
        "/graphiql: {}",
        graphiql.status
    );
    let schema = get(gateway, "/schema.graphql").await?;
    let text = String::from_utf8_lossy(&schema.body).into_owned();
    for line in [
        "type Category",
        "createProduct(",
        "createOrder(",
        "scalar Decimal",
        "scalar DateTime",
    ] {
        ensure!(text.contains(line), "/schema.graphql has no {line:?}");
    }
    for (address, metrics) in [
        (gateway, &["http_request_duration_seconds"] as &[&str]),
        (
            shop.system.command_metrics()?,
            &[
                "command_duration_seconds",
                "event_store_append_duration_seconds",
                "event_store_append_batch_events",
            ],
        ),
        (shop.system.query_metrics()?, &["projection_lag_events"]),
    ] {
        for path in ["/health", "/health/live", "/health/ready"] {
            let status = get(address, path).await?.status;
            ensure!(status.is_success(), "{address}{path}: {status}");
        }
        until("the metrics", async || {
            let reply = get(address, "/metrics").await?;
            let text = String::from_utf8_lossy(&reply.body).into_owned();
            for metric in metrics {
                ensure!(text.contains(metric), "{address} has no {metric}");
            }
            Ok(())
        })
        .await?;
    }
    Ok(())
}
