//! `shop events verify` next to a system that writes, on both engines: it needs no pause and finds nothing.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use test_shop::Store;

use super::load::{Counts, Load};
use crate::support::{Shop, Topology, binaries, long, on, report};

const WRITERS: usize = 64;
/// How often the log is verified in the short and the long version.
const VERIFICATIONS: (usize, usize) = (5, 50);
const ORDERS: usize = 6;

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_verified_under_load_on_sqlite() -> Result<()> {
    on(Topology::OneProcess, async |shop: &mut Shop| {
        verify_under_load(shop).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_verified_under_load_on_postgres() -> Result<()> {
    on(Topology::Services { each: 2 }, async |shop: &mut Shop| {
        verify_under_load(shop).await
    })
    .await
}

async fn verify_under_load(shop: &mut Shop) -> Result<()> {
    orders(shop).await?;
    let first = shop.system.gateway(0)?;
    let gateways = [first, shop.system.gateway(1).unwrap_or(first)];
    let load = Load::start(&gateways, WRITERS);
    let started = Instant::now();
    let start = shop.head().await?;
    let rounds = if long() {
        VERIFICATIONS.1
    } else {
        VERIFICATIONS.0
    };
    let mut verified = 0;
    for _ in 0..rounds {
        load.wait_for_more(100).await?;
        let head = shop.head().await?;
        let found = verify(shop.system.store().clone()).await?;
        let to = found["head"].as_i64().context("a head")?;
        ensure!(to >= head, "verified to {to}, the head was {head}");
        ensure!(found["events"] == to, "{found}");
        verified = to;
    }
    let end = shop.head().await?;
    let seconds = started.elapsed().as_secs_f64();
    let counts = Counts::of(&load.finish().await?);
    ensure!(
        end > verified,
        "nothing was written during the last verification"
    );
    ensure!(counts.failed + counts.unknown == 0, "{counts:?}");
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let rate = (end - start) as f64 / seconds;
    report(&format!(
        "verify under load: {rounds} times up to {verified} events in {seconds:.1} s, {} operations and {rate:.0} events \
         a second meanwhile",
        counts.ok
    ));
    Ok(())
}

/// Orders that are fulfilled and cancelled, so that sagas and stock are in the log too.
async fn orders(shop: &Shop) -> Result<()> {
    let mut session = shop.session()?;
    let product = json!({ "name": "Sencha", "price": "19.90", "stockQuantity": 1_000 });
    let product = session.create_product(product).await?;
    for number in 0..ORDERS {
        let order = session.place_order("ada", &[(&product, 2)]).await?;
        session.order_once(&order, "CONFIRMED").await?;
        if number % 2 == 0 {
            session.cancel_order(&order, "too many").await?;
            session.order_once(&order, "CANCELLED").await?;
        }
    }
    Ok(())
}

/// The report of a verification, which must find nothing.
async fn verify(store: Store) -> Result<Value> {
    let url = match store {
        Store::Postgres { events, .. } => events,
        Store::Sqlite { folder } => format!("sqlite://{folder}/event_store.db"),
    };
    let binary = binaries().await?.path("shop")?;
    let output = tokio::task::spawn_blocking(move || {
        Command::new(binary)
            .args([
                "events",
                "verify",
                "--output",
                "json",
                "--event-store-url",
                &url,
            ])
            .env_clear()
            .output()
    });
    let output = output.await??;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}: {text}{errors}", output.status);
    Ok(serde_json::from_str(&text)?)
}
