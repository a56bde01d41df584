//! A log of real traffic, and event stores of both engines that hold it.

use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use test_postgres::TestDatabase;
use test_shop::{Folder, Operation, Process};

use crate::support::{CLIENT_HTTP, Shop, make_seen, open, printed, shop, stocked};

/// The engines that a store can be on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

/// An empty event store.
#[derive(Debug)]
pub enum Store {
    Sqlite(Folder),
    Postgres(TestDatabase),
}

impl Store {
    pub async fn create(engine: Engine) -> Result<Self> {
        Ok(match engine {
            Engine::Sqlite => Self::Sqlite(Folder::create()?),
            Engine::Postgres => Self::Postgres(test_postgres::database().await),
        })
    }

    pub fn path(&self) -> Option<PathBuf> {
        match self {
            Self::Sqlite(folder) => Some(folder.path().join("event_store.db")),
            Self::Postgres(_) => None,
        }
    }

    pub fn url(&self) -> String {
        match self {
            Self::Sqlite(folder) => {
                let path = folder.path().join("event_store.db");
                format!("sqlite://{}", path.display())
            }
            Self::Postgres(database) => database.url.clone(),
        }
    }

    /// Runs statements.
    pub async fn run(&self, sql: &str) -> Result<()> {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        match self {
            Self::Sqlite(_) => {
                let mut connection = SqliteConnection::connect(&self.url()).await?;
                sql.execute(&mut connection).await?;
                connection.close().await?;
            }
            Self::Postgres(database) => {
                let mut connection = PgConnection::connect(&database.url).await?;
                sql.execute(&mut connection).await?;
                connection.close().await?;
            }
        }
        Ok(())
    }

    /// Runs a command of `shop events` or `shop snapshots` on this store.
    pub fn shop(&self, arguments: &[&str]) -> std::process::Output {
        shop(&[arguments, &["--event-store-url", &self.url()]].concat())
    }
}

/// An exported log.
#[derive(Debug)]
pub struct Log {
    pub folder: Folder,
    pub file: String,
    /// Each event as `shop events tail` prints it.
    pub events: Vec<Value>,
}

/// The log of a shop that has served orders: one is shipped, one is cancelled after its confirmation.
pub async fn log() -> Result<Log> {
    let folder = Folder::create()?;
    let mut running = open(&folder).await?;
    traffic(&running).await?;
    assert!(running.terminate().await?.success());
    exported(folder)
}

/// A category with a product, a shipped order and a cancelled one. Returns the shipped order.
pub async fn traffic(running: &Process) -> Result<String> {
    let category = r#"mutation { createCategory(input: { name: "Tea" }) { id } }"#;
    let gateway = running.address(CLIENT_HTTP)?;
    let made = Operation::new(category).data(gateway).await?;
    let category = made["createCategory"]["id"].as_str().context("an id")?;
    stocked(running, "Sencha", "19.90", 12).await?;
    let product = "mutation($input: CreateProductInput!) { createProduct(input: $input) { id } }";
    let input = serde_json::json!({
        "name": "Teapot", "price": "45.00", "stockQuantity": 3, "categoryId": category
    });
    let product = Operation::new(product).with(serde_json::json!({ "input": input }));
    make_seen(running, &product, "{ productStatistics { totalCount } }").await?;
    let shop = Shop::of(running)?;
    let shipped = shop.confirmed_order()?;
    printed(&shop.run(&["order", "ship", &shipped]));
    let cancelled = shop.confirmed_order()?;
    printed(&shop.run(&["order", "cancel", &cancelled, "--reason", "too many"]));
    test_shop::until("the end of the cancellation", async || {
        let shown = printed(&shop.run(&["order", "show", &cancelled, "--output", "json"]));
        let shown: Value = serde_json::from_str(&shown)?;
        let saga = &shown["sagaState"];
        anyhow::ensure!(
            shown["status"] == "CANCELLED" && saga["state"] == "completed",
            "{shown}"
        );
        Ok(())
    })
    .await?;
    Ok(shipped)
}

fn exported(folder: Folder) -> Result<Log> {
    let path = folder.path().display().to_string();
    let file = folder.path().join("log.jsonl").display().to_string();
    printed(&shop(&["events", "export", "--data-dir", &path, &file]));
    let tail = [
        "events",
        "tail",
        "--data-dir",
        &path,
        "--after",
        "0",
        "-o",
        "json",
    ];
    let events = printed(&shop(&tail));
    let events = events.lines().map(serde_json::from_str);
    Ok(Log {
        folder,
        file,
        events: events.collect::<Result<_, _>>()?,
    })
}

impl Log {
    /// A new store with the events of this log.
    pub async fn store(&self, engine: Engine) -> Result<Store> {
        let store = Store::create(engine).await?;
        printed(&store.shop(&["events", "import", &self.file]));
        Ok(store)
    }

    /// The first event of this type, that `wanted` accepts.
    pub fn find(&self, event_type: &str, wanted: impl Fn(&Value) -> bool) -> Result<&Value> {
        let mut events = self.events.iter();
        let found = events.find(|event| event["eventType"] == event_type && wanted(event));
        found.with_context(|| format!("the log has a {event_type}"))
    }

    pub fn head(&self) -> u64 {
        self.events.len() as u64
    }
}

pub fn position(event: &Value) -> u64 {
    event["position"].as_u64().unwrap_or_default()
}
