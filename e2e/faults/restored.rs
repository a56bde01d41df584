//! The event store is restored from an older copy: nothing of the lost part is shown or repeated, nothing new is
//! skipped, and the write side starts only after an operator has accepted it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::json;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use test_shop::{Connection as Http, Operation, Request, Store, until, until_within};

use super::kill::everything;
use crate::support::{Client, Known, Shop, Topology, long, on, say, text};

/// Products of each kind in the short version and in the long one.
const PRODUCTS: (usize, usize) = (40, 2_000);
const SETTLES_WITHIN: Duration = Duration::from_secs(30);
const CREATE: &str =
    "mutation($input: CreateProductInput!) { createProduct(input: $input) { id } }";
const ACCEPT: &str = "ACCEPT_LOG=";
/// The products, whose rows were seen. The checkpoints of the others need not have come so far.
const MIN_REBUILDS: u64 = 1;

#[tokio::test]
async fn an_event_store_restored_from_an_older_copy_on_sqlite() -> Result<()> {
    on(Topology::OneProcess, async |shop: &mut Shop| {
        restored(shop, "shop", &[None]).await
    })
    .await
}

/// The query-service runs on while its event store is replaced.
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
    // The read side has shown them.
    ensure!(everything(shop).await?.len() == 2 * many);

    for binary in stopped {
        shop.system.kill(*binary).await?;
    }
    copy.restore().await?;
    let (status, log) = shop.system.start_in_vain(writer).await?;
    assert_eq!(status.code(), Some(1), "{log}");
    let accepts = accepts(&log)?;
    shop.system.set(writer, "ACCEPT_LOG", &accepts);
    shop.system.start_again().await?;

    let refused = position_is_refused(shop, old_head).await?;
    // The same keys again: what is there is not made again, what was lost is made anew.
    let kept_again = create(shop, "Kept", many).await?;
    let lost_again = create(shop, "Lost", many).await?;
    let new = create(shop, "New", many).await?;
    let repeated = kept
        .iter()
        .filter(|(name, id)| kept_again.get(*name) == Some(id));
    let repeated = repeated.count();
    let made_anew = lost
        .iter()
        .filter(|(name, id)| lost_again.get(*name) != Some(id));
    let made_anew = made_anew.count();
    let mut expected: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, id) in kept.into_iter().chain(lost_again).chain(new) {
        expected.entry(name).or_default().push(id);
    }
    let shown = until_within(SETTLES_WITHIN, "the products that are there", async || {
        let shown = everything(shop).await?;
        ensure!(shown == expected, "{} of {}", shown.len(), expected.len());
        Ok(shown)
    })
    .await?;
    let rebuilds = rebuilds(shop).await?;
    say(&format!(
        "restored event store: {many} products kept, {made_anew} lost and made anew, {many} new, {} shown; {repeated} \
         answers repeated; {rebuilds} read models rebuilt; refused once, position refused after {refused} tries",
        shown.len(),
    ));
    assert_eq!(repeated, many, "answers from before the copy are repeated");
    assert_eq!(made_anew, many, "answers of lost commands are forgotten");
    ensure!(
        rebuilds >= MIN_REBUILDS,
        "only {rebuilds} read models were rebuilt"
    );
    Ok(())
}

/// Makes products under keys of their own, and gives the ids by name.
async fn create(shop: &Shop, kind: &str, many: usize) -> Result<BTreeMap<String, String>> {
    let mut client = Client::new(&[shop.system.gateway(0)?], 0);
    let mut made = BTreeMap::new();
    for number in 0..many {
        let name = format!("{kind} {number}");
        let input = json!({ "input": { "name": name, "price": 1, "stockQuantity": 3 } });
        match client.ask(CREATE, &input, Some(&name)).await {
            Known::Done(product) => made.insert(name, text(&product, "id")?.to_owned()),
            other => bail!("{name}: {other}"),
        };
    }
    Ok(made)
}

/// What the refused start says that an operator must give.
fn accepts(log: &str) -> Result<String> {
    let (_, rest) = log
        .split_once(ACCEPT)
        .with_context(|| format!("the refusal does not say how it is accepted:\n{log}"))?;
    let end = rest.find(|c: char| c.is_whitespace() || c == ':' || c == '"');
    Ok(rest[..end.unwrap_or(rest.len())].to_owned())
}

/// A position that the restored log does not have is a bad request, as soon as the read side answers. Gives the tries.
async fn position_is_refused(shop: &Shop, position: i64) -> Result<u32> {
    let gateway = shop.system.gateway(0)?;
    let mut tries = 0;
    until("the refusal of a lost position", async || {
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

/// How many read models were built anew, as the metrics of the read side say.
async fn rebuilds(shop: &Shop) -> Result<u64> {
    let mut connection = Http::open(shop.system.query_metrics()?).await?;
    let reply = connection.send(&Request::get("/metrics")).await?;
    let body = String::from_utf8_lossy(&reply.body).into_owned();
    let counted = body
        .lines()
        .filter(|line| line.starts_with("projection_rebuilds_total{"))
        .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok());
    Ok(counted.sum())
}

/// The event store as it was.
enum Copy {
    Files { original: PathBuf, copy: PathBuf },
    Database { url: String, copy: String },
}

impl Copy {
    /// Copies the event store, which no process may use meanwhile.
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
                // The sessions of killed processes end a moment later.
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

/// Copies a SQLite database that no process has open, with the log that a killed one left.
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
        // The shared memory is an index of the log, and made anew from it.
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
fn the_acceptance_is_read_from_the_refusal() -> Result<()> {
    let log =
        "error: resume at the event store: … start once with ACCEPT_LOG=0199-aa@25: customers";
    assert_eq!(accepts(log)?, "0199-aa@25");
    assert!(accepts("error: in use").is_err());
    Ok(())
}
