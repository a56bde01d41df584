//! The event store is restored from an older copy: no lost event is shown and no response of a lost command is repeated, no
//! new event is skipped, and the write side starts only after an operator has accepted the log.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::json;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use test_shop::{Connection as Http, Operation, Request, Store, until, until_within};

use super::kill::everything;
use crate::support::{Client, RequestResult, Shop, Topology, long, on, report, text};

/// The number of products of each kind in the short and the long version.
const PRODUCTS: (usize, usize) = (40, 2_000);
const SETTLE_TIMEOUT: Duration = Duration::from_secs(30);
const CREATE: &str =
    "mutation($input: CreateProductInput!) { createProduct(input: $input) { id } }";
const ACCEPT: &str = "ACCEPT_LOG=";
/// The projection of products must be rebuilt, because its rows were read. The checkpoints of the others may be lower.
const MIN_REBUILDS: u64 = 1;

#[tokio::test]
async fn an_event_store_restored_from_an_older_copy_on_sqlite() -> Result<()> {
    on(Topology::OneProcess, async |shop: &mut Shop| {
        restored(shop, "shop", &[None]).await
    })
    .await
}

/// The query-service keeps running while the event store is replaced.
#[tokio::test]
async fn an_event_store_restored_from_an_older_copy_on_postgres() -> Result<()> {
    let writers = [Some("client-service"), Some("command-service")];
    on(Topology::THREE_PROCESSES, async |shop: &mut Shop| {
        restored(shop, "command-service", &writers).await
    })
    .await
}

async fn restored(shop: &mut Shop, writer: &str, stopped: &[Option<&str>]) -> Result<()> {
    let many = if long() { PRODUCTS.1 } else { PRODUCTS.0 };
    let kept = create(shop, "Kept", many).await?;
    shop.system.kill(None).await?;
    let copy = Copy::of(shop.system.store()).await?;
    shop.system.start_again().await?;
    let lost = create(shop, "Lost", many).await?;
    let old_head = shop.head().await?;
    // Wait until the read side has shown them.
    ensure!(everything(shop).await?.len() == 2 * many);

    for binary in stopped {
        shop.system.kill(*binary).await?;
    }
    copy.restore().await?;
    let (status, log) = shop.system.start_expecting_failure(writer).await?;
    assert_eq!(status.code(), Some(1), "{log}");
    let accepts = accepts(&log)?;
    shop.system.set(writer, "ACCEPT_LOG", &accepts);
    shop.system.start_again().await?;

    let tries = position_is_rejected(shop, old_head).await?;
    // The same keys again: existing products are not created again, lost ones are, under the command ids of the first time, and so
    // with the same ids. That they are shown proves that they were.
    let kept_again = create(shop, "Kept", many).await?;
    let lost_again = create(shop, "Lost", many).await?;
    let new = create(shop, "New", many).await?;
    let repeated = kept
        .iter()
        .filter(|(name, id)| kept_again.get(*name) == Some(id));
    let repeated = repeated.count();
    let recreated = lost
        .iter()
        .filter(|(name, id)| lost_again.get(*name) == Some(id));
    let recreated = recreated.count();
    let mut expected: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, id) in kept.into_iter().chain(lost_again).chain(new) {
        expected.entry(name).or_default().push(id);
    }
    let shown = until_within(SETTLE_TIMEOUT, "the expected products", async || {
        let shown = everything(shop).await?;
        ensure!(shown == expected, "{} of {}", shown.len(), expected.len());
        Ok(shown)
    })
    .await?;
    let rebuilds = rebuilds(shop).await?;
    report(&format!(
        "restored event store: {many} products kept, {recreated} lost and created again, {many} new, {} shown; {repeated} \
         responses repeated; {rebuilds} read models rebuilt; start rejected once, position rejected after {tries} tries",
        shown.len(),
    ));
    assert_eq!(
        repeated, many,
        "responses from before the copy are repeated"
    );
    assert_eq!(recreated, many, "lost commands are executed again");
    ensure!(
        rebuilds >= MIN_REBUILDS,
        "only {rebuilds} read models were rebuilt"
    );
    Ok(())
}

/// Creates products, each under its own key, and returns the ids by name.
pub async fn create(shop: &Shop, kind: &str, many: usize) -> Result<BTreeMap<String, String>> {
    let mut client = Client::new(&[shop.system.gateway(0)?], 0);
    let mut made = BTreeMap::new();
    for number in 0..many {
        let name = format!("{kind} {number}");
        let input = json!({ "input": { "name": name, "price": 1, "stockQuantity": 3 } });
        match client.ask(CREATE, &input, Some(&name)).await {
            RequestResult::Done(product) => made.insert(name, text(&product, "id")?.to_owned()),
            other => bail!("{name}: {other}"),
        };
    }
    Ok(made)
}

/// The value of `ACCEPT_LOG` that the failed start asks for.
fn accepts(log: &str) -> Result<String> {
    let (_, rest) = log
        .split_once(ACCEPT)
        .with_context(|| format!("the error does not name ACCEPT_LOG:\n{log}"))?;
    let end = rest.find(|c: char| c.is_whitespace() || c == ':' || c == '"');
    Ok(rest[..end.unwrap_or(rest.len())].to_owned())
}

/// A position above the restored log's end is a bad request, as soon as the read side answers. Returns the number of tries.
async fn position_is_rejected(shop: &Shop, position: i64) -> Result<u32> {
    let gateway = shop.system.gateway(0)?;
    let mut tries = 0;
    until("the rejection of a lost position", async || {
        tries += 1;
        let answer = Operation::new("{ categoryStatistics { totalCount } }")
            .with_header("X-Min-Position", &position.to_string())
            .send(gateway)
            .await?;
        ensure!(answer.code() == Some("BAD_REQUEST"), "{}", answer.body);
        Ok(())
    })
    .await?;
    Ok(tries)
}

/// The number of rebuilt read models, from the metrics of the read side.
pub async fn rebuilds(shop: &Shop) -> Result<u64> {
    let mut connection = Http::open(shop.system.query_metrics()?).await?;
    let reply = connection.send(&Request::get("/metrics")).await?;
    let body = String::from_utf8_lossy(&reply.body).into_owned();
    let counted = body
        .lines()
        .filter(|line| line.starts_with("projection_rebuilds_total{"))
        .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok());
    Ok(counted.sum())
}

/// A copy of the event store.
enum Copy {
    Files { original: PathBuf, copy: PathBuf },
    Database { url: String, copy: String },
}

impl Copy {
    /// Copies the event store, which no process may use at the same time.
    async fn of(store: &Store) -> Result<Self> {
        match store {
            Store::Sqlite { folder } => {
                let original = Path::new(folder).join("event_store.db");
                let copy = Path::new(folder).join("../event_store.copy");
                copy_files(&original, &copy)?;
                Ok(Self::Files { original, copy })
            }
            Store::Postgres { events, .. } => {
                let name = database_of(events)?;
                let copy = format!("{name}_copy");
                // Retried, because the sessions of killed processes end with a delay.
                until("the end of all sessions", async || {
                    let sql = format!("CREATE DATABASE {copy} TEMPLATE {name}");
                    administer(events, &[sql]).await
                })
                .await?;
                Ok(Self::Database {
                    url: events.clone(),
                    copy,
                })
            }
        }
    }

    async fn restore(&self) -> Result<()> {
        match self {
            Self::Files { original, copy } => copy_files(copy, original),
            Self::Database { url, copy } => {
                let name = database_of(url)?;
                let drop = format!("DROP DATABASE {name} WITH (FORCE)");
                let create = format!("CREATE DATABASE {name} TEMPLATE {copy}");
                let discard = format!("DROP DATABASE {copy}");
                administer(url, &[drop, create, discard]).await
            }
        }
    }
}

/// Copies a SQLite database that no process has open, including the write-ahead log that a killed process left.
fn copy_files(from: &Path, to: &Path) -> Result<()> {
    let with = |path: &Path, suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    for suffix in ["", "-wal", "-shm"] {
        let (from, to) = (with(from, suffix), with(to, suffix));
        if to.exists() {
            std::fs::remove_file(&to)?;
        }
        // The -shm file is an index of the write-ahead log and is rebuilt from it.
        if from.exists() && suffix != "-shm" {
            std::fs::copy(&from, &to)?;
        }
    }
    Ok(())
}

fn database_of(url: &str) -> Result<String> {
    let options: PgConnectOptions = url.parse()?;
    Ok(options.get_database().context("no database")?.to_owned())
}

/// Runs statements on the server, outside of the database of `url`.
async fn administer(url: &str, statements: &[String]) -> Result<()> {
    let options: PgConnectOptions = url.parse()?;
    let mut connection = options.database("postgres").connect().await?;
    for statement in statements {
        sqlx::raw_sql(AssertSqlSafe(statement.as_str()))
            .execute(&mut connection)
            .await
            .with_context(|| statement.clone())?;
    }
    connection.close().await?;
    Ok(())
}

#[test]
fn the_value_of_accept_log_is_read_from_the_error() -> Result<()> {
    let log =
        "error: check the event store's log: … start once with ACCEPT_LOG=0199-aa@25: customers";
    assert_eq!(accepts(log)?, "0199-aa@25");
    assert!(accepts("error: in use").is_err());
    Ok(())
}
