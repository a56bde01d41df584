//! The commands about events print what the documents show.

use std::process::Output;

use anyhow::{Context, Result};

use super::support::{Engine, Store, log, position};
use crate::documents::Stage;
use crate::support::shop;

#[tokio::test]
async fn the_commands_that_show_events_print_what_the_document_shows() -> Result<()> {
    let log = log().await?;
    let store = log.store(Engine::Sqlite).await?;
    let id = |event_type| -> Result<String> {
        let id = log.find(event_type, |_| true)?["streamId"].as_str();
        Ok(id.context("an id")?.to_owned())
    };
    let stock = format!("stock/{}", id("StockReserved")?);
    let order = id("OrderCreated")?;
    let stage = Stage {
        run: &|arguments| store.shop(arguments),
        names: &[("stock/ID", &stock), ("ID", &order)],
    };
    stage.run_page("event-sourcing.md", async |_| Ok(())).await
}

#[tokio::test]
async fn the_commands_that_verify_and_move_a_log_print_what_the_document_shows() -> Result<()> {
    let log = log().await?;
    let whole = log.store(Engine::Sqlite).await?;
    let damaged = log.store(Engine::Sqlite).await?;
    let paid = position(log.find("OrderPaymentProcessed", |_| true)?);
    let damage = format!("DELETE FROM events WHERE id = {paid}");
    damaged.run(&damage).await?;
    let server = Store::create(Engine::Postgres).await?;
    let file = log.folder.path().join("events.jsonl").display().to_string();
    let run = |arguments: &[&str]| -> Output {
        if arguments.contains(&"--event-store-url") {
            shop(arguments)
        } else if arguments.contains(&"verify") {
            damaged.shop(arguments)
        } else {
            whole.shop(arguments)
        }
    };
    let stage = Stage {
        run: &run,
        names: &[
            ("events.jsonl", &file),
            ("postgres://shop@db/events", &server.url()),
        ],
    };
    let page = "operations/event-log.md";
    stage.run_page(page, async |_| Ok(())).await
}
