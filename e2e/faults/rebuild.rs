//! Projections are rebuilt and swapped while clients write: the rebuilt rows equal the live ones, each client reads its
//! writes, and a rebuild whose process is killed is continued.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, SqliteConnection};
use test_shop::{Operation, Store, until, until_within};
use tokio::process::Command;

use super::kill::{compare, everything};
use super::load::{Counts, Load};
use crate::support::{Shop, Topology, binaries, on, report, text};

const PROJECTIONS: [&str; 4] = ["categories", "products", "orders", "sagas"];
const WRITERS: usize = 24;
/// Acknowledged operations before the first rebuild and between two.
const BETWEEN: u64 = 200;
/// The products of the client that reads its writes.
const OWN: &str = "Own ";
const REBUILD_TIMEOUT: Duration = Duration::from_mins(2);

#[tokio::test]
async fn projections_are_rebuilt_under_load_on_sqlite() -> Result<()> {
    on(Topology::OneProcess, async |shop: &mut Shop| {
        journey(shop, "shop").await
    })
    .await
}

#[tokio::test]
async fn projections_are_rebuilt_under_load_on_postgres() -> Result<()> {
    on(Topology::Services { each: 2 }, async |shop: &mut Shop| {
        journey(shop, "query-service").await
    })
    .await
}

async fn journey(shop: &mut Shop, reader: &str) -> Result<()> {
    let first = shop.system.gateway(0)?;
    let gateways = [first, shop.system.gateway(1).unwrap_or(first)];
    let load = Load::start(&gateways, WRITERS);
    load.wait_for_more(BETWEEN).await?;
    let (head, started) = (shop.head().await?, Instant::now());
    tokio::select! {
        rebuilt = rebuild_all(shop, &load) => rebuilt?,
        failed = read_own_writes(shop) => failed?,
    }
    let (events, elapsed) = (shop.head().await? - head, started.elapsed());
    killed_halfway(shop, reader).await?;
    load.wait_for_more(BETWEEN).await?;
    let operations = load.finish().await?;
    let counts = Counts::of(&operations);
    let mut found = everything(shop).await?;
    let all = found.len();
    found.retain(|name, _| !name.starts_with(OWN));
    let own = all - found.len();
    compare(&operations, &found)?;
    damaged_row(shop).await?;
    equal_by_sql(shop).await?;
    report(&format!(
        "rebuild under load: {} products, {:.0} events a second while four projections were rebuilt and swapped; {own} \
         writes read by their client",
        counts.ok,
        f64::from(i32::try_from(events)?) / elapsed.as_secs_f64()
    ));
    Ok(())
}

/// Rebuilds and swaps each projection, and drops what it replaced.
async fn rebuild_all(shop: &Shop, load: &Load) -> Result<()> {
    for projection in PROJECTIONS {
        let rebuilt = projections(shop, &["rebuild", projection, "--swap"]).await?;
        is_equal(&rebuilt)?;
        assert_eq!(text(&rebuilt, "state")?, "swapped", "{rebuilt}");
        assert_eq!(rebuilt.get("generation"), Some(&json!(2)), "{rebuilt}");
        load.wait_for_more(BETWEEN).await?;
        projections(shop, &["drop", projection]).await?;
    }
    Ok(())
}

/// Reads each write with its position until it is cancelled. Fails at the first that is missing.
async fn read_own_writes(shop: &Shop) -> Result<()> {
    let mut session = shop.session()?;
    let category = session.create_category("Own").await?;
    for round in 1_u64.. {
        let input = json!({ "name": format!("{OWN}{round}"), "price": 1, "stockQuantity": 3, "categoryId": category });
        let product = session.create_product(input).await?;
        let document = "query($id: ID!) { product(id: $id) { name } }";
        let seen = session.run(document, json!({ "id": product })).await?;
        assert_eq!(text(&seen, "name")?, format!("{OWN}{round}"));
        let count = "query($id: ID!) { category(id: $id) { productCount } }";
        let seen = session.run(count, json!({ "id": category })).await?;
        assert_eq!(seen.get("productCount"), Some(&json!(round)));
    }
    Ok(())
}

/// The process that rebuilds is killed while it folds, and the rebuild is continued after a start, or by another process.
async fn killed_halfway(shop: &mut Shop, reader: &str) -> Result<()> {
    const POSITION: &str =
        "SELECT min(position) FROM read_model_generations WHERE projection = 'products'";
    const UNFINISHED: &str = "SELECT count(*) FROM read_model_rebuilds \
        WHERE projection = 'products' AND state IN ('building', 'comparing')";
    let mut tries = 0;
    let generation = loop {
        let started = projections(shop, &["rebuild", "products", "--detach"]).await?;
        until("the rebuild has folded a page", async || {
            let position = number(shop.system.store(), POSITION.to_owned()).await?;
            ensure!(position > 0, "it has folded nothing");
            Ok(())
        })
        .await?;
        let head = shop.head().await?;
        shop.system.kill(Some(reader)).await?;
        let position = number(shop.system.store(), POSITION.to_owned()).await?;
        let is_unfinished = number(shop.system.store(), UNFINISHED.to_owned()).await? == 1;
        shop.system.start_again().await?;
        report(&format!("rebuild: killed at position {position} of {head}"));
        if is_unfinished {
            break started.get("generation").cloned();
        }
        // It was faster than the kill.
        tries += 1;
        ensure!(tries < 10, "each rebuild ended before it was killed");
        projections(shop, &["abort", "products"]).await?;
    };
    let attached = until_within(REBUILD_TIMEOUT, "the rebuild continues", async || {
        projections(shop, &["rebuild", "products"]).await
    })
    .await?;
    assert_eq!(attached.get("generation").cloned(), generation);
    assert_eq!(text(&attached, "state")?, "ready", "{attached}");
    is_equal(&attached)?;
    let swapped = projections(shop, &["swap", "products"]).await?;
    assert_eq!(text(&swapped, "state")?, "swapped", "{swapped}");
    projections(shop, &["drop", "products"]).await?;
    Ok(())
}

/// A row that was changed by hand is reported, right after the swap, and as before after a revert.
async fn damaged_row(shop: &Shop) -> Result<()> {
    let mut session = shop.session()?;
    let input = json!({ "name": "Sound", "price": 1, "stockQuantity": 3 });
    let product = session.create_product(input).await?;
    let gateway = shop.system.gateway(0)?;
    let document = "query($id: ID!) { product(id: $id) { name } }";
    let read = Operation::new(document).with(json!({ "id": product }));
    // A cache may answer from the replaced rows for 100 ms.
    let is_named = async |name: &str| {
        until("the rows of the other generation", async || {
            let seen = read.data(gateway).await?;
            ensure!(
                seen.pointer("/product/name") == Some(&json!(name)),
                "{seen}"
            );
            Ok(())
        })
        .await
    };
    is_named("Sound").await?;
    let live = generation(shop, "products").await?;
    let damage = format!("UPDATE products_g{live} SET name = 'Damaged' WHERE name = 'Sound'");
    execute(shop.system.store(), damage).await?;

    let rebuilt = projections(shop, &["rebuild", "products"]).await?;
    let report = rebuilt.get("report").context("a report")?;
    assert_eq!(report.get("changed"), Some(&json!(1)), "{report}");
    assert_eq!(
        report.get("columns"),
        Some(&json!([{ "name": "name", "rows": 1 }]))
    );
    assert_eq!(
        report.get("samples"),
        Some(&json!([{
            "key": product,
            "difference": "changed",
            "column": "name",
            "live": "Damaged",
            "rebuilt": "Sound",
        }]))
    );
    projections(shop, &["swap", "products"]).await?;
    is_named("Sound").await?;
    projections(shop, &["revert", "products"]).await?;
    is_named("Damaged").await?;
    projections(shop, &["swap", "products"]).await?;
    is_named("Sound").await?;
    projections(shop, &["drop", "products"]).await?;
    Ok(())
}

/// Without writes, the tables of a rebuild are equal row for row, as the database itself compares them.
async fn equal_by_sql(shop: &Shop) -> Result<()> {
    for projection in PROJECTIONS {
        let rebuilt = projections(shop, &["rebuild", projection]).await?;
        is_equal(&rebuilt)?;
        let new = rebuilt.get("generation").context("a generation")?;
        let old = generation(shop, projection).await?;
        for (a, b) in [(new, &old), (&old, new)] {
            let count = format!(
                "SELECT count(*) FROM (SELECT * FROM {projection}_g{a} EXCEPT SELECT * FROM {projection}_g{b}) AS other"
            );
            assert_eq!(number(shop.system.store(), count).await?, 0, "{projection}");
        }
        projections(shop, &["abort", projection]).await?;
    }
    Ok(())
}

fn is_equal(rebuild: &Value) -> Result<()> {
    let report = rebuild.get("report").context("a report")?;
    for kind in ["onlyLive", "onlyRebuilt", "changed"] {
        ensure!(report.get(kind) == Some(&json!(0)), "{rebuild}");
    }
    ensure!(
        report.get("liveRows") == report.get("rebuiltRows"),
        "{rebuild}"
    );
    Ok(())
}

async fn generation(shop: &Shop, projection: &str) -> Result<Value> {
    let shown = projections(shop, &["show", projection]).await?;
    shown.get("generation").cloned().context("a generation")
}

/// Runs `shop projections`, and returns its JSON.
async fn projections(shop: &Shop, arguments: &[&str]) -> Result<Value> {
    let mut command = Command::new(binaries().await?.path("shop")?);
    command.arg("projections").args(arguments);
    if arguments.first() == Some(&"rebuild") {
        command.args(["--reason", "a test", "--who", "grace"]);
    }
    let port = |address: std::net::SocketAddr| address.port().to_string();
    command
        .args(["--output", "json"])
        .args(["--query-service-port", &port(shop.system.query_grpc(0)?)])
        .args([
            "--command-service-port",
            &port(shop.system.command_grpc(0)?),
        ])
        .env_clear()
        .kill_on_drop(true);
    let output = tokio::time::timeout(REBUILD_TIMEOUT, command.output()).await??;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{arguments:?}: {errors}");
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Changes one row by SQL, as an operator would.
async fn execute(store: &Store, sql: String) -> Result<()> {
    let changed = match store {
        Store::Sqlite { folder } => {
            let mut file = file(folder).await?;
            let done = sqlx::query(AssertSqlSafe(sql)).execute(&mut file).await?;
            file.close().await?;
            done.rows_affected()
        }
        Store::Postgres { query, .. } => {
            let mut server = PgConnection::connect(query).await?;
            let done = sqlx::query(AssertSqlSafe(sql)).execute(&mut server).await?;
            done.rows_affected()
        }
    };
    ensure!(changed == 1, "{changed} rows were changed");
    Ok(())
}

async fn number(store: &Store, sql: String) -> Result<i64> {
    let sql = AssertSqlSafe(sql);
    Ok(match store {
        Store::Sqlite { folder } => {
            let mut file = file(folder).await?;
            sqlx::query_scalar(sql).fetch_one(&mut file).await?
        }
        Store::Postgres { query, .. } => {
            let mut server = PgConnection::connect(query).await?;
            sqlx::query_scalar(sql).fetch_one(&mut server).await?
        }
    })
}

async fn file(folder: &str) -> Result<SqliteConnection> {
    let options = SqliteConnectOptions::new().filename(format!("{folder}/query_service.db"));
    Ok(options.connect().await?)
}
