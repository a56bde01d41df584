//! A database is down: what needs it fails at once, and everything else works.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use test_shop::until;
use tokio::time::timeout;

use super::clients::{Clients, Side, create};
use super::on_services;

/// If each of them waited for a timeout of the services, they would take longer than the limit.
const ROUNDS: usize = 20;
const LIMIT: Duration = Duration::from_secs(30);
/// Without pauses between tries of the gateway.
const ONE_TRY: [(&str, &str); 1] = [("CLIENT_WRITE_TRIES", "1")];

/// The operations of a service fail at once.
async fn fail_at_once(clients: &mut Clients<'_>, side: Side) -> Result<()> {
    let failing = async {
        // The first ones may still wait, or be answered from a cache.
        for _ in 0..2 {
            clients.ask(side).await?;
        }
        for _ in 0..ROUNDS {
            let successes = clients.ask(side).await?;
            ensure!(successes == 0, "{successes} succeeded");
        }
        Ok(())
    };
    timeout(LIMIT, failing).await.context("they wait")?
}

#[tokio::test]
async fn reads_fail_at_once_while_the_query_database_is_down_and_commands_work() -> Result<()> {
    on_services(&[], async |system| {
        let mut clients = Clients::new(system);
        until("reads", async || clients.succeed(Side::Read).await).await?;
        let link = system.link("query-service to its database")?;
        link.stop();
        fail_at_once(&mut clients, Side::Read).await?;
        ensure!(clients.breaker(Side::Read).await? == 0, "it answers");
        clients.succeed(Side::Write).await?;
        link.mend();
        until("reads", async || clients.succeed(Side::Read).await).await
    })
    .await
}

#[tokio::test]
async fn commands_fail_at_once_while_the_event_store_is_down_and_reads_work() -> Result<()> {
    on_services(&ONE_TRY, async |system| {
        let mut clients = Clients::new(system);
        until("commands", async || clients.succeed(Side::Write).await).await?;
        let link = system.link("command-service to its event store")?;
        link.stop();
        fail_at_once(&mut clients, Side::Write).await?;
        ensure!(clients.breaker(Side::Write).await? == 0, "it answers");
        clients.succeed(Side::Read).await?;
        link.mend();
        until("commands", async || clients.succeed(Side::Write).await).await?;
        clients.reports_are_true().await
    })
    .await
}

#[tokio::test]
async fn requests_with_a_key_fail_at_once_while_the_command_database_is_down() -> Result<()> {
    on_services(&ONE_TRY, async |system| {
        let mut clients = Clients::new(system);
        until("commands", async || clients.succeed(Side::Write).await).await?;
        let link = system.link("command-service to its database")?;
        link.stop();
        let keyed = create("With key").with_header("Idempotency-Key", "key");
        let failing = async {
            for _ in 0..ROUNDS {
                let answer = keyed.send(system.gateway).await?;
                let outcome = answer.extension("outcome").and_then(Value::as_str);
                ensure!(outcome == Some("unknown"), "{}", answer.body);
                ensure!(answer.extension("retryAfter").is_some(), "no retryAfter");
            }
            Ok(())
        };
        timeout(LIMIT, failing).await.context("they wait")??;
        clients.succeed(Side::Write).await?;
        clients.succeed(Side::Read).await?;
        link.mend();
        until("the answer", async || keyed.data(system.gateway).await).await?;
        clients.reports_are_true().await
    })
    .await
}
