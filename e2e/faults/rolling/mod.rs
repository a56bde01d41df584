//! Rolling restarts and upgrades of each service under load, with load balancers in front that learn from readiness probes where
//! to send connections: no request fails, what was acknowledged is there, and every saga ends.
//!
//! `E2E_UPGRADE_FROM` names a folder with the binaries of an older release to begin with.

mod clients;
mod fleet;
mod subscriber;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use test_shop::Store;
use tokio::time::Instant;

use self::clients::{Acknowledged, Clients, Seen};
use self::fleet::Fleet;
use crate::support::{Audit, SagaCount, Session, Status, binaries, report};

/// The query-service with higher schema versions of its projections.
const NEXT_QUERY: &str = env!("CARGO_BIN_EXE_query-service-next");
const CLIENTS: usize = 6;
/// How often the load balancers probe; an orchestrator does so every few seconds.
const PROBE_INTERVAL: Duration = Duration::from_millis(200);
/// Several times the interval of the probes.
const DELAY: Duration = Duration::from_secs(1);
/// Long enough for clients to meet a process that has stopped.
const SLOW_PROBE_INTERVAL: Duration = Duration::from_secs(2);
/// Requests that are answered before, between and after the steps.
const BETWEEN: u64 = 100;
const SETTLE_TIMEOUT: Duration = Duration::from_mins(2);
const LAST: &str = "the last one";

/// What a later release would do to the databases first: migrations that this release does not have and that still serve it.
const EXPAND: [&str; 3] = [
    "ALTER TABLE events ADD COLUMN later text;
     INSERT INTO event_store_migrations (version, oldest_schema)
     SELECT max(version) + 1, max(oldest_schema) FROM event_store_migrations",
    "ALTER TABLE write_probe ADD COLUMN later text;
     INSERT INTO command_schema (version, serves_from)
     SELECT max(version) + 1, max(serves_from) FROM command_schema",
    "ALTER TABLE read_model_versions ADD COLUMN later text;
     INSERT INTO read_model_schema (version, serves_from)
     SELECT max(version) + 1, max(serves_from) FROM read_model_schema",
];

/// A service that is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Command,
    Query,
    Gateway,
}

impl Step {
    const ALL: [Self; 3] = [Self::Command, Self::Query, Self::Gateway];

    const fn binary(self) -> &'static str {
        match self {
            Self::Command => "command-service",
            Self::Query => "query-service",
            Self::Gateway => "client-service",
        }
    }
}

#[tokio::test]
async fn a_rolling_upgrade_of_each_service_fails_no_request() -> Result<()> {
    let mut fleet = Fleet::start(DELAY, PROBE_INTERVAL).await?;
    let upgraded = upgrade(&mut fleet).await;
    upgraded.with_context(|| fleet.logs())
}

async fn upgrade(fleet: &mut Fleet) -> Result<()> {
    let address = fleet.address();
    let subscriber = tokio::spawn(subscriber::follow(address, LAST));
    let clients = Clients::start(address, CLIENTS);
    clients.wait_for_more(BETWEEN).await?;
    let start = Instant::now();
    expand(&fleet.store).await?;
    let present = binaries().await?;
    // The read side first: it must know the events of a new write side.
    for (service, binary) in [
        (Step::Query, Path::new(NEXT_QUERY)),
        (Step::Command, present.path("command-service")?),
        (Step::Gateway, present.path("client-service")?),
        // And the read side back to the schema version before.
        (Step::Query, present.path("query-service")?),
    ] {
        fleet.roll(service, binary).await?;
        clients.wait_for_more(BETWEEN).await?;
    }
    let took = start.elapsed();
    let seen = clients.finish().await?;
    Session::new(address)
        .run(
            "mutation($name: String!) { createProduct(input: {name: $name, price: 1}) { id } }",
            serde_json::json!({ "name": LAST }),
        )
        .await?;
    let followed = subscriber.await?.context("the subscriber")?;
    report(&format!(
        "rolling upgrade: {} requests answered, {} failed in {took:.1?}; {} products and {} orders acknowledged, {} messages \
         over {} sockets",
        seen.answered,
        seen.failures.len(),
        seen.acknowledged.products.len(),
        seen.acknowledged.orders.len(),
        followed.products.len(),
        followed.closed + 1
    ));
    ensure!(seen.failures.is_empty(), "{}", seen.failures.join("\n"));
    for id in &seen.acknowledged.products {
        let times = followed.products.iter().filter(|seen| *seen == id).count();
        ensure!(times == 1, "the subscriber got {id} {times} times");
    }
    ensure!(followed.closed > 0, "no gateway has closed its socket");
    verify(&fleet.store, &seen.acknowledged).await
}

/// Without the delay the load balancers lead clients to processes that do not listen any more.
#[tokio::test]
async fn without_the_delay_a_rolling_restart_fails_requests() -> Result<()> {
    let mut fleet = Fleet::start(Duration::ZERO, SLOW_PROBE_INTERVAL).await?;
    let clients = Clients::start(fleet.address(), CLIENTS);
    clients.wait_for_more(BETWEEN).await?;
    let present = binaries().await?.path("client-service")?;
    fleet.roll(Step::Gateway, present).await?;
    let Seen { failures, .. } = clients.finish().await?;
    report(&format!(
        "rolling restart without a delay: {} requests failed",
        failures.len()
    ));
    ensure!(!failures.is_empty(), "the check cannot fail");
    Ok(())
}

async fn expand(store: &Store) -> Result<()> {
    let Store::Postgres {
        events,
        command,
        query,
    } = store
    else {
        anyhow::bail!("not on PostgreSQL");
    };
    for (url, script) in [events, command, query].into_iter().zip(EXPAND) {
        let mut connection = PgConnection::connect(url).await?;
        let script = AssertSqlSafe(script);
        sqlx::raw_sql(script).execute(&mut connection).await?;
        connection.close().await?;
    }
    Ok(())
}

/// What was acknowledged is in the log, which contradicts no rule, and every order was fulfilled.
async fn verify(store: &Store, acknowledged: &Acknowledged) -> Result<()> {
    SagaCount::all_ended(store, SETTLE_TIMEOUT).await?;
    let audit = Audit::of(store).await?;
    audit.verdict()?;
    for id in &acknowledged.products {
        ensure!(audit.stock.contains_key(id), "the product {id} is lost");
    }
    for id in &acknowledged.orders {
        let order = audit.orders.get(id);
        let order = order.with_context(|| format!("the order {id} is lost"))?;
        ensure!(
            order.status == Status::Confirmed,
            "{id}: {:?}",
            order.status
        );
    }
    ensure!(!acknowledged.orders.is_empty(), "no order was placed");
    Ok(())
}
