//! Repeated SIGKILL under load: nothing acknowledged is lost, nothing rejected appears, and nothing exists twice.
//!
//! The page cache survives a killed process, so this does not test power cuts; durability then depends on the settings of
//! the adapters.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use serde_json::{Value, json};
use test_shop::until_within;

use super::load::{Counts, Load, Operation, OperationOutcome};
use crate::support::{Shop, Topology, on, report, text};

const WRITERS: usize = 16;
const KILLS: usize = 4;
/// Acknowledged operations between two kills.
const BETWEEN: u64 = 100;
/// With fewer acknowledged operations the test would be meaningless.
const MIN_OK: usize = 400;
/// Longer than the lease of a projection.
const TAKEOVER_TIMEOUT: Duration = Duration::from_secs(30);

#[tokio::test]
async fn nothing_acknowledged_is_lost_on_sqlite() -> Result<()> {
    on(Topology::OneProcess, async |shop: &mut Shop| {
        kill_under_load(shop, &[None]).await
    })
    .await
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_on_postgres() -> Result<()> {
    let targets = [
        Some("command-service"),
        Some("query-service"),
        Some("client-service"),
        None,
    ];
    on(Topology::Services { each: 2 }, async |shop: &mut Shop| {
        kill_under_load(shop, &targets).await
    })
    .await
}

async fn kill_under_load(shop: &mut Shop, targets: &[Option<&str>]) -> Result<()> {
    let first = shop.system.gateway(0)?;
    let gateways = [first, shop.system.gateway(1).unwrap_or(first)];
    let load = Load::start(&gateways, WRITERS);
    let mut killed = 0;
    for round in 0..KILLS {
        load.wait_for_more(BETWEEN).await?;
        killed += shop.system.kill(targets[round % targets.len()]).await?;
        shop.system.start_again().await?;
    }
    load.wait_for_more(BETWEEN).await?;
    let operations = load.finish().await?;
    let counts = Counts::of(&operations);
    report(&format!(
        "kill under load: {} ok, {} failed, {} unknown; {killed} processes killed",
        counts.ok, counts.failed, counts.unknown
    ));
    ensure!(
        counts.ok >= MIN_OK,
        "only {} operations were acknowledged",
        counts.ok
    );
    ensure!(killed >= KILLS, "only {killed} processes were killed");
    compare(&operations, &everything(shop).await?)
}

/// All products by name, read page by page through the API at the head.
pub(super) async fn everything(shop: &Shop) -> Result<BTreeMap<String, Vec<String>>> {
    everything_at(shop.system.gateway(0)?, shop.head().await?).await
}

/// All products by name, read page by page through a gateway at this position. After a read side was killed, this waits until
/// its lease has expired and another one has taken over.
pub async fn everything_at(
    gateway: SocketAddr,
    position: i64,
) -> Result<BTreeMap<String, Vec<String>>> {
    let position = position.to_string();
    let document = "query($page: Int!) { productsPaginated(page: $page, perPage: 500) { id name stockQuantity } }";
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for page in 1.. {
        let rows = until_within(
            TAKEOVER_TIMEOUT,
            "the read side is at the head",
            async || {
                test_shop::Operation::new(document)
                    .with(json!({ "page": page }))
                    .with_header("X-Min-Position", &position)
                    .data(gateway)
                    .await
            },
        )
        .await?;
        let Some(rows) = rows.pointer("/productsPaginated").and_then(Value::as_array) else {
            bail!("no list: {rows}");
        };
        for row in rows {
            assert_eq!(
                row.get("stockQuantity"),
                Some(&json!(3)),
                "a product is whole: {row}"
            );
            let ids = found.entry(text(row, "name")?.to_owned()).or_default();
            ids.push(text(row, "id")?.to_owned());
        }
        if rows.len() < 500 {
            break;
        }
    }
    Ok(found)
}

/// Fails if an outcome that a client saw contradicts what was found.
pub fn compare(operations: &[Operation], found: &BTreeMap<String, Vec<String>>) -> Result<()> {
    let mut sent = BTreeSet::new();
    let mut wrong = Vec::new();
    for operation in operations {
        sent.insert(operation.name.as_str());
        let ids = found
            .get(&operation.name)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let is_right = match (operation.outcome, &operation.id, ids) {
            (OperationOutcome::Ok, Some(id), [only]) => id == only,
            (OperationOutcome::Failed, _, []) | (OperationOutcome::Unknown, _, [] | [_]) => true,
            _ => false,
        };
        if !is_right {
            wrong.push(format!("{operation:?} is there as {ids:?}"));
        }
    }
    for name in found.keys() {
        if !sent.contains(name.as_str()) {
            wrong.push(format!("{name} was never sent"));
        }
    }
    if !wrong.is_empty() {
        bail!("{} contradictions:\n{}", wrong.len(), wrong.join("\n"));
    }
    Ok(())
}
