//! The SQL in the documentation runs on both engines and returns the documented results.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use test_shop::{Operation, Store, documents};

use crate::support::{Database, SHIP_ORDER, Shop, Topology, on, text};

const CREATE_PRODUCT: &str =
    "mutation($input: CreateProductInput!) { createProduct(input: $input) { id } }";

/// The request id in a query of a page.
const REQUEST_ID: &str = "the-request-id";

/// The old table that a page drops, and the one that the test creates in its place.
const OLD_TABLE: &str = "products_g1";
const OLD_TABLE_HERE: &str = "products_of_an_older_version";

#[tokio::test]
async fn the_documented_sql_runs_on_sqlite() -> Result<()> {
    on(Topology::OneProcess, run_all).await
}

#[tokio::test]
async fn the_documented_sql_runs_on_postgres() -> Result<()> {
    on(Topology::THREE_PROCESSES, run_all).await
}

async fn run_all(shop: &mut Shop) -> Result<()> {
    let mut session = shop.session()?;
    let input = json!({"input": {"name": "Sencha", "price": 19.90, "stockQuantity": 12}});
    let create = Operation::new(CREATE_PRODUCT)
        .with(input)
        .with_header("X-Request-Id", REQUEST_ID);
    let created = create.data(session.gateway).await?;
    let product = text(&created["createProduct"], "id")?;
    let order = session.place_order("mika", &[(product, 2)]).await?;
    session.order_once(&order, "CONFIRMED").await?;
    session.run(SHIP_ORDER, json!({ "id": order })).await?;
    let blocks = blocks()?;
    ensure!(
        blocks.len() >= 6,
        "the pages have only {} blocks",
        blocks.len()
    );
    for (page, sql) in blocks {
        let here = sql
            .replace("order-1", &order)
            .replace("01a2068f-27b9-78e0-9869-9b881f9dd42c", &order)
            .replace("sencha", product)
            .replace("4711", "1")
            .replace(OLD_TABLE, OLD_TABLE_HERE);
        let ran = run(shop.system.store(), &here).await;
        ran.with_context(|| format!("{} shows:\n{sql}", page.display()))?;
    }
    Ok(())
}

async fn run(store: &Store, sql: &str) -> Result<()> {
    let is_read_model = sql.contains("read_model_");
    if sql.starts_with("SELECT") {
        let mut database = if is_read_model {
            Database::query(store).await?
        } else {
            Database::events(store).await?
        };
        let rows = database.count(sql).await?;
        ensure!(rows > 0, "it finds nothing");
        return database.close().await;
    }
    ensure!(is_read_model, "only read models may be changed manually");
    let made = format!("CREATE TABLE {OLD_TABLE_HERE} (id text); {sql}");
    Database::rehearse(store, &made).await
}

/// The blocks of SQL, each with its page. Fails if a page has SQL outside of a block, which would not be tested.
fn blocks() -> Result<Vec<(PathBuf, String)>> {
    let mut blocks = Vec::new();
    for page in documents()? {
        let text = std::fs::read_to_string(&page)?;
        for (index, part) in text.split("```").enumerate() {
            let sql = part.strip_prefix("sql\n").filter(|_| index % 2 == 1);
            match sql {
                Some(sql) => blocks.push((page.clone(), sql.to_owned())),
                // Decisions quote statements of the code.
                None if page
                    .components()
                    .any(|part| part.as_os_str() == "decisions") => {}
                // Code of the tutorial, which is built and run.
                None if part.starts_with("rust\n") => {}
                None => {
                    let is_sql = part.contains("SELECT ") && part.contains(" FROM ");
                    ensure!(!is_sql, "{} has SQL outside of a block", page.display());
                }
            }
        }
    }
    Ok(blocks)
}
