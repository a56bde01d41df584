//! The metrics of each process, after every kind of request has happened once.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use serde_json::json;
use test_shop::{Connection, Operation, Request, until};

use crate::support::{Shop, Topology, check_metrics, on};

#[tokio::test]
async fn metrics_of_one_process_on_sqlite() -> Result<()> {
    on(Topology::OneProcess, journey).await
}

#[tokio::test]
async fn metrics_of_three_processes_on_postgres() -> Result<()> {
    on(Topology::THREE_PROCESSES, journey).await
}

/// The metrics that each process has, with the names of Prometheus' client libraries.
const OF_A_PROCESS: [&str; 7] = [
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
    "process_virtual_memory_bytes",
    "process_start_time_seconds",
    "process_open_fds",
    "process_max_fds",
    "process_threads",
];

/// Requests that were rejected before anything was executed.
const REJECTED: &str = "graphql_operation_duration_seconds_count{operation=\"unknown\",field=\"none\",outcome=\"rejected\"}";

async fn journey(shop: &mut Shop) -> Result<()> {
    traffic(shop).await?;
    let (gateway, writing, reading) = (
        shop.system.gateway(0)?,
        shop.system.command_metrics()?,
        shop.system.query_metrics()?,
    );
    for (address, pools, own) in [
        (
            gateway,
            &[] as &[&str],
            &["grpc_client_calls_total", REJECTED] as &[&str],
        ),
        (
            writing,
            &["events", "command"],
            &["grpc_server_duration_seconds_count"],
        ),
        (
            reading,
            &["events", "query"],
            &["grpc_server_duration_seconds_count"],
        ),
    ] {
        until(&format!("the metrics of {address}"), async || {
            let reply = Connection::open(address)
                .await?
                .send(&Request::get("/metrics"))
                .await?;
            let text = String::from_utf8(reply.body.to_vec())?;
            check_metrics(&text).await?;
            let has = |sample: &str| text.lines().any(|line| line.starts_with(sample));
            for name in OF_A_PROCESS.iter().chain(own) {
                ensure!(has(name), "no {name}");
            }
            for pool in pools {
                for state in ["idle", "busy", "max"] {
                    let gauge = format!("db_pool_connections{{pool=\"{pool}\",state=\"{state}\"}}");
                    ensure!(has(&gauge), "no {gauge}");
                }
                let waits = format!("db_pool_acquire_seconds_count{{pool=\"{pool}\"}}");
                ensure!(has(&waits), "no {waits}");
            }
            let codes: BTreeSet<_> = codes(&text).collect();
            ensure!(codes.contains("OK"), "{codes:?}");
            let is_name = |code: &&str| code.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
            ensure!(codes.iter().all(is_name), "{codes:?}");
            Ok(())
        })
        .await?;
    }
    Ok(())
}

/// The values of the label `code`.
fn codes(text: &str) -> impl Iterator<Item = &str> {
    text.split("code=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
}

/// Successful and rejected commands, reads with and without a result, a saga, and an invalid request.
async fn traffic(shop: &Shop) -> Result<()> {
    let mut session = shop.session()?;
    session.create_category("Tea").await?;
    let again = "mutation { createCategory(input: { name: \"tea\" }) { id } }";
    session
        .expect_rejection("CONFLICT", again, json!({}))
        .await?;
    let nothing = "{ product(id: \"none\") { id } }";
    session
        .expect_rejection("NOT_FOUND", nothing, json!({}))
        .await?;
    let product = json!({ "name": "Sencha", "price": 9, "stockQuantity": 5 });
    let product = session.create_product(product).await?;
    let order = session.place_order("ann", &[(&product, 1)]).await?;
    session.order_once(&order, "CONFIRMED").await?;
    let mut connection = Connection::open(shop.system.gateway(0)?).await?;
    connection.send(&Request::get("/nowhere")).await?;
    Operation::new("{ not a document")
        .send(shop.system.gateway(0)?)
        .await?;
    Ok(())
}
