//! A backup is taken under load, the data are destroyed, and the backup is restored.
//!
//! ```text
//!   keys   ─────────────────────────────────────────────►  each repeated after the restore: nothing exists twice
//!   load   ────────┬──────────────┬──────────────►
//!                  backup begins  ends            killed, data destroyed ──► restore ──► start ──► read models at the head
//!   acknowledged ──┘ must be there
//! ```

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection};
use test_shop::{Folder, Store, until_within};

use super::kill::everything;
use super::load::{Load, Operation, OperationOutcome};
use super::restored::{create, rebuilds};
use crate::support::{
    Client, Database, RequestResult, Shop, Topology, binaries, long, number, on_with, report, text,
};

const WRITERS: usize = 16;
/// Acknowledged operations before the backup, and after it, in the short and in the long version.
const OPERATIONS: (u32, u32) = (300, 20_000);
const STEP: u32 = 100;
/// Requests with a key that are answered before the backup.
const KEYS: usize = 20;
/// Orders whose sagas are under way during the backup.
const ORDERS: usize = 10;
/// An answer of the payment provider takes longer than the backup.
const SLOW_PAYMENTS: (&str, &str) = ("PAYMENTS_URL", "simulated://?latency_ms=2000");
/// With fewer the test would be meaningless.
const MIN_LOST: usize = 20;
const SETTLE_TIMEOUT: Duration = Duration::from_mins(1);
const CREATE: &str =
    "mutation($input: CreateProductInput!) { createProduct(input: $input) { id } }";

#[tokio::test]
async fn a_backup_under_load_loses_nothing_acknowledged_before_it_on_sqlite() -> Result<()> {
    on_with(Topology::OneProcess, &[SLOW_PAYMENTS], backup_and_restore).await
}

#[tokio::test]
async fn a_backup_under_load_loses_nothing_acknowledged_before_it_on_postgres() -> Result<()> {
    on_with(
        Topology::THREE_PROCESSES,
        &[SLOW_PAYMENTS],
        backup_and_restore,
    )
    .await
}

/// What the clients know when the data are destroyed.
struct Known {
    backup_began: Instant,
    operations: Vec<Operation>,
    /// Answered before the backup, under the name as the key.
    answered: BTreeMap<String, String>,
    /// Requests with a key that were sent during all of it.
    keyed: BTreeMap<String, String>,
}

async fn backup_and_restore(shop: &mut Shop) -> Result<()> {
    let folder = Folder::create()?;
    let backup = folder.path().join("backup");
    let (known, taken) = run_until_disaster(shop, &backup).await?;
    destroy(shop.system.store()).await?;

    let began = Instant::now();
    let restored = command(shop, &["restore", "--from"], &backup).await?;
    let restored_after = began.elapsed();
    shop.system.start_again().await?;
    read_models_at_head(shop).await?;
    let recovered_after = began.elapsed();
    ensure!(restored["log"] == taken["log"], "{restored}");
    finish_orders(shop).await?;
    let resumed_after = began.elapsed();
    let shown = everything(shop).await?;

    let (kept, lost) = compare(&known, &shown)?;
    repeat_keys(shop, &known, &shown).await?;
    ensure!(rebuilds(shop).await? >= 1, "no read model was rebuilt");
    let position = number(&taken["log"], "position")?;
    let bytes =
        number(&taken["eventStore"], "bytes")? + number(&taken["commandDatabase"], "bytes")?;
    report(&format!(
        "backup under load: {position} events, {:.1} MB in {:.2} s; restored in {:.2} s, reads at the head after {:.2} s, sagas \
         ended after {:.2} s; of {} acknowledged writes {kept} kept, {lost} after the backup lost",
        bytes / 1e6,
        number(&taken, "seconds")?,
        restored_after.as_secs_f64(),
        recovered_after.as_secs_f64(),
        resumed_after.as_secs_f64(),
        kept + lost,
    ));
    ensure!(lost >= MIN_LOST, "only {lost} writes came after the backup");

    // The same with a query database that does not exist yet.
    let before = everything(shop).await?;
    shop.system.kill(None).await?;
    drop_read_models(shop.system.store()).await?;
    shop.system.start_again().await?;
    read_models_at_head(shop).await?;
    assert_eq!(everything(shop).await?, before);
    Ok(())
}

/// Takes a backup under load, continues, and kills every process.
async fn run_until_disaster(shop: &mut Shop, backup: &Path) -> Result<(Known, Value)> {
    let more = if long() { OPERATIONS.1 } else { OPERATIONS.0 };
    let gateway = shop.system.gateway(0)?;
    let answered = create(shop, "Answered", KEYS).await?;
    place_orders(shop).await?;
    let load = Load::start(&[gateway], WRITERS);
    let is_over = Arc::new(AtomicBool::new(false));
    let keys = tokio::spawn(create_until(
        Client::new(&[gateway], 0),
        Arc::clone(&is_over),
    ));
    let started = Instant::now();
    wait_for(&load, more).await?;
    let rate = f64::from(more) / started.elapsed().as_secs_f64();

    doctor(shop).await?;
    let backup_began = Instant::now();
    let taken = command(shop, &["backup", "--to"], backup).await?;
    wait_for(&load, more).await?;
    is_over.store(true, Ordering::Relaxed);
    let keyed = keys.await??;
    let operations = load.finish().await?;
    // Rows of the tail that will be lost.
    everything(shop).await?;
    shop.system.kill(None).await?;
    report(&format!(
        "backup under load: {rate:.0} writes a second before it"
    ));
    let known = Known {
        backup_began,
        operations,
        answered,
        keyed,
    };
    Ok((known, taken))
}

/// Waits for acknowledged operations, in steps that each have a timeout.
async fn wait_for(load: &Load, more: u32) -> Result<()> {
    for _ in 0..more / STEP {
        load.wait_for_more(STEP.into()).await?;
    }
    Ok(())
}

/// A product of which three pieces are left once each order has its own.
async fn place_orders(shop: &Shop) -> Result<()> {
    let mut session = shop.session()?;
    let input = json!({ "input": { "name": "Ordered", "price": 1, "stockQuantity": 3 + ORDERS } });
    let product = session.run(CREATE, input).await?;
    let product = text(&product, "id")?;
    for _ in 0..ORDERS {
        session.place_order("ada", &[(product, 1)]).await?;
    }
    Ok(())
}

/// Creates products, each under its own key, and returns the ids by name.
async fn create_until(
    mut client: Client,
    is_over: Arc<AtomicBool>,
) -> Result<BTreeMap<String, String>> {
    let mut made = BTreeMap::new();
    for index in 0.. {
        if is_over.load(Ordering::Relaxed) {
            break;
        }
        let name = format!("Keyed {index}");
        made.insert(name.clone(), keyed(&mut client, &name).await?);
    }
    Ok(made)
}

/// Creates a product under its name as the key, and returns its id.
async fn keyed(client: &mut Client, name: &str) -> Result<String> {
    let input = json!({ "input": { "name": name, "price": 1, "stockQuantity": 3 } });
    match client.ask(CREATE, &input, Some(name)).await {
        RequestResult::Done(product) => Ok(text(&product, "id")?.to_owned()),
        other => bail!("{name}: {other}"),
    }
}

/// Checks the system while it is written: nothing may fail.
async fn doctor(shop: &Shop) -> Result<()> {
    let began = Instant::now();
    let system = &shop.system;
    let addresses = [
        ("CLIENT_HTTP_ADDR", system.gateway(0)?),
        ("COMMAND_GRPC_ADDR", system.command_grpc(0)?),
        ("COMMAND_METRICS_ADDR", system.command_metrics()?),
        ("QUERY_GRPC_ADDR", system.query_grpc(0)?),
        ("QUERY_METRICS_ADDR", system.query_metrics()?),
    ];
    let output = tokio::process::Command::new(binaries().await?.path("shop")?)
        .arg("doctor")
        .envs(variables(shop))
        .envs(addresses.map(|(name, address)| (name, address.to_string())))
        .stdin(Stdio::null())
        .output()
        .await?;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "{text}");
    let counts = text.lines().last().unwrap_or_default();
    report(&format!(
        "doctor under load: {counts}, in {:.2} s",
        began.elapsed().as_secs_f64()
    ));
    Ok(())
}

/// The settings of the system's databases.
fn variables(shop: &Shop) -> Vec<(&'static str, String)> {
    match shop.system.store() {
        Store::Sqlite { folder } => vec![("DATA_DIR", folder.clone())],
        Store::Postgres {
            events,
            command,
            query,
        } => vec![
            ("EVENT_STORE_URL", events.clone()),
            ("COMMAND_DATABASE_URL", command.clone()),
            ("QUERY_DATABASE_URL", query.clone()),
        ],
    }
}

/// Runs a command of `shop` with the settings of the system's databases, and returns its output.
async fn command(shop: &Shop, arguments: &[&str], folder: &Path) -> Result<Value> {
    let output = tokio::process::Command::new(binaries().await?.path("shop")?)
        .args(arguments)
        .arg(folder)
        .args(["--output", "json"])
        .envs(variables(shop))
        .stdin(Stdio::null())
        .output()
        .await?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{arguments:?}: {errors}");
    serde_json::from_slice(&output.stdout).context("the output is JSON")
}

/// Removes the event store and the command database. The query database keeps rows of events that are lost.
async fn destroy(store: &Store) -> Result<()> {
    match store {
        Store::Sqlite { folder } => {
            remove_files(folder, "event_store.db")?;
            remove_files(folder, "command_service.db")
        }
        Store::Postgres {
            events, command, ..
        } => {
            empty(events).await?;
            empty(command).await
        }
    }
}

async fn drop_read_models(store: &Store) -> Result<()> {
    match store {
        Store::Sqlite { folder } => remove_files(folder, "query_service.db"),
        Store::Postgres { query, .. } => empty(query).await,
    }
}

fn remove_files(folder: &str, name: &str) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(name) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

async fn empty(url: &str) -> Result<()> {
    let options: PgConnectOptions = url.parse()?;
    // Retried, because the sessions of killed processes end with a delay, and may hold locks.
    until_within(SETTLE_TIMEOUT, "an empty database", async || {
        let mut connection = options.connect().await?;
        let sql = "SET lock_timeout = '1s'; DROP SCHEMA public CASCADE; CREATE SCHEMA public";
        sqlx::raw_sql(sql).execute(&mut connection).await?;
        connection.close().await?;
        Ok(())
    })
    .await
}

/// Waits until reads reflect the whole log.
async fn read_models_at_head(shop: &Shop) -> Result<()> {
    until_within(SETTLE_TIMEOUT, "the read models", async || {
        let document = "{ productStatistics { totalCount } }";
        let head = shop.head().await?.to_string();
        let asked = test_shop::Operation::new(document).with_header("X-Min-Position", &head);
        asked.data(shop.system.gateway(0)?).await
    })
    .await?;
    Ok(())
}

/// Waits until each saga has ended.
async fn finish_orders(shop: &Shop) -> Result<()> {
    let open = "SELECT aggregate_id FROM events s WHERE event_type = 'SagaStarted' AND NOT EXISTS (\
        SELECT 1 FROM events e WHERE e.aggregate_id = s.aggregate_id AND e.event_type = 'SagaCompleted')";
    let mut events = Database::events(shop.system.store()).await?;
    until_within(SETTLE_TIMEOUT, "the ends of the sagas", async || {
        let open = events.count(open).await?;
        ensure!(open == 0, "{open} sagas are open");
        Ok(())
    })
    .await?;
    let started = "SELECT id FROM events WHERE event_type = 'SagaStarted'";
    let started = events.count(started).await?;
    ensure!(usize::try_from(started)? == ORDERS, "{started} sagas");
    events.close().await
}

/// Fails if something is missing that was acknowledged before the backup began, exists twice, or was rejected. Returns how many
/// acknowledged operations there are, and how many came after the backup and are lost.
fn compare(known: &Known, shown: &BTreeMap<String, Vec<String>>) -> Result<(usize, usize)> {
    let (mut kept, mut lost) = (0, 0);
    for operation in &known.operations {
        let found = shown.get(&operation.name).map(Vec::as_slice);
        match (
            operation.outcome,
            operation.id.as_deref(),
            found.unwrap_or_default(),
        ) {
            (OperationOutcome::Ok, Some(id), [only]) if id == only => kept += 1,
            (OperationOutcome::Ok, _, []) if operation.answered_at > known.backup_began => {
                lost += 1;
            }
            (OperationOutcome::Failed, _, []) | (OperationOutcome::Unknown, _, [] | [_]) => {}
            (_, _, found) => bail!("{operation:?} is there as {found:?}"),
        }
    }
    for (name, id) in &known.answered {
        ensure!(shown.get(name) == Some(&vec![id.clone()]), "{name} is lost");
    }
    Ok((kept, lost))
}

/// Repeats each request with a key. Those from before the backup get the same answers, and none takes effect twice.
async fn repeat_keys(
    shop: &Shop,
    known: &Known,
    shown: &BTreeMap<String, Vec<String>>,
) -> Result<()> {
    let mut client = Client::new(&[shop.system.gateway(0)?], 0);
    for (name, id) in &known.answered {
        ensure!(
            keyed(&mut client, name).await? == *id,
            "{name} has a new answer"
        );
    }
    let mut repeated = 0;
    for (name, id) in &known.keyed {
        let again = keyed(&mut client, name).await?;
        if shown.contains_key(name) {
            ensure!(again == *id, "{name} is answered with {again} and was {id}");
            repeated += 1;
        }
    }
    let all = everything(shop).await?;
    for name in known.answered.keys().chain(known.keyed.keys()) {
        let ids = all.get(name).map_or(0, Vec::len);
        ensure!(ids == 1, "{name} exists {ids} times");
    }
    report(&format!(
        "backup under load: {} requests with keys repeated, {repeated} of them in the backup",
        known.keyed.len()
    ));
    Ok(())
}
