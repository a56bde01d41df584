//! Connections break between a commit and its answer, and deadlines pass while a call is on its way.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use sqlx::{Connection, PgConnection};
use test_faults::Way;
use test_shop::{Answer, Operation, Store, until};

use super::clients::{Side, categories, create, outcome_of};
use super::{SETTINGS, on_services};
use crate::faults::linked::Linked;
use crate::support::report;

/// No append can commit while this lock is held.
const LOCK: &str = "BEGIN; SELECT 1 FROM event_log_lock FOR UPDATE";
const WAITING: &str = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
    AND wait_event_type = 'Lock' AND query LIKE '%FROM append_%'";

/// Sends a mutation, and resets the gateway's connection after the commit and before the first byte of the answer. Returns
/// what the client gets.
async fn lose_answer(system: &Linked, operation: &Operation, name: &str) -> Result<Answer> {
    let Store::Postgres { events, .. } = &system.store else {
        anyhow::bail!("not on PostgreSQL");
    };
    let link = Side::Write.link(system)?;
    let mut lock = PgConnection::connect(events).await?;
    sqlx::raw_sql(LOCK).execute(&mut lock).await?;
    // Another connection, as the activity in a transaction is that of its first look.
    let mut activity = PgConnection::connect(events).await?;
    let losing = async {
        // Whatever precedes the command is answered.
        until("an append that waits", async || {
            let count: i64 = sqlx::query_scalar(WAITING).fetch_one(&mut activity).await?;
            ensure!(count > 0, "none waits");
            Ok(())
        })
        .await?;
        link.freeze(&[Way::Back]);
        sqlx::raw_sql("COMMIT").execute(&mut lock).await?;
        until("the event", async || {
            let made = categories(system).await?;
            ensure!(made.iter().any(|made| made == name), "{made:?}");
            Ok(())
        })
        .await?;
        link.cut();
        link.mend();
        anyhow::Ok(())
    };
    let (answer, lost) = tokio::join!(operation.send(system.gateway), losing);
    lost?;
    lock.close().await?;
    activity.close().await?;
    answer
}

async fn is_made_once(system: &Linked, name: &str) -> Result<()> {
    let made = categories(system).await?;
    let count = made.iter().filter(|made| *made == name).count();
    ensure!(count == 1, "{name} is there {count} times");
    Ok(())
}

#[tokio::test]
async fn a_command_whose_answer_is_lost_is_sent_again_and_takes_effect_once() -> Result<()> {
    on_services(&[], async |system| {
        for (name, key) in [("Without key", None), ("With key", Some("key"))] {
            let mut operation = create(name);
            if let Some(key) = key {
                operation = operation.with_header("Idempotency-Key", key);
            }
            let answer = lose_answer(system, &operation, name).await?;
            let data = answer.data()?;
            ensure!(data["createCategory"]["name"] == name, "{data}");
            is_made_once(system, name).await?;
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_lost_answer_without_retries_is_unknown_and_a_repeat_under_its_key_gets_it() -> Result<()>
{
    on_services(&[("CLIENT_WRITE_TRIES", "1")], async |system| {
        let unknown = lose_answer(system, &create("Without key"), "Without key").await?;
        let outcome = outcome_of(Side::Write, &unknown)?;
        ensure!(outcome == "unknown", "{}", unknown.body);
        let operation = create("With key").with_header("Idempotency-Key", "key");
        let unknown = lose_answer(system, &operation, "With key").await?;
        ensure!(unknown.status == 200, "{}", unknown.status);
        let extension = |name| unknown.extension(name).cloned().unwrap_or(Value::Null);
        ensure!(extension("outcome") == "unknown", "{}", unknown.body);
        ensure!(extension("retryAfter") == 1, "{}", unknown.body);
        let repeated = until("the answer", async || operation.data(system.gateway).await).await?;
        ensure!(
            repeated["createCategory"]["name"] == "With key",
            "{repeated}"
        );
        for name in ["Without key", "With key"] {
            is_made_once(system, name).await?;
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_call_that_arrives_after_its_deadline_was_reported_as_unknown() -> Result<()> {
    on_services(&SETTINGS, async |system| {
        let link = Side::Write.link(system)?;
        until("the command-service", async || {
            create("Before").send(system.gateway).await?.data()
        })
        .await?;
        link.freeze(&[Way::There]);
        let late = create("Late").send(system.gateway).await?;
        let outcome = outcome_of(Side::Write, &late)?;
        ensure!(outcome == "unknown", "{}", late.body);
        // What waits arrives now: the call, and that it was given up.
        link.mend();
        until("the command-service", async || {
            create("After").send(system.gateway).await?.data()
        })
        .await
        .context("after the freeze")?;
        let made = categories(system).await?;
        let count = made.iter().filter(|name| *name == "Late").count();
        ensure!(count <= 1, "{made:?}");
        report(&format!("a call after its deadline: {count} in the log"));
        Ok(())
    })
    .await
}
