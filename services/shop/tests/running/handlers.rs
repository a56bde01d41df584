//! `shop handlers`, against a shop in which the notifications of one order are parked.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use domain::order::Order;
use event_sourcing::Aggregate;
use serde_json::Value;
use test_shop::{Folder, Process};
use tokio::time::{Instant, sleep};

use crate::documents::Stage;
use crate::golden::check;
use crate::support::{Shop, open, printed, rejected};
use crate::unknown_event;

const WAIT_TIMEOUT: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Waits until the state of the notifications satisfies a predicate.
async fn until(shop: &Shop, like: impl Fn(&Value) -> bool) -> Result<Value> {
    let deadline = Instant::now() + WAIT_TIMEOUT;
    loop {
        let shown = printed(&shop.run(&["handlers", "show", "notifications", "--output", "json"]));
        let shown: Value = serde_json::from_str(&shown)?;
        if like(&shown) {
            return Ok(shown);
        }
        if Instant::now() > deadline {
            bail!("timeout: {shown}");
        }
        sleep(LOOK_EVERY).await;
    }
}

fn is_running(shown: &Value) -> bool {
    shown["state"] == "running" && shown["lag"] == 0
}

/// A shop in which the notifications of the order `gift` are parked at position 1.
async fn parked(folder: &Folder) -> Result<(Process, Shop)> {
    let mut before = open(folder).await?;
    until(&Shop::of(&before)?, is_running).await?;
    before.terminate().await?;
    unknown_event::append(folder, Order::stream("gift"), "OrderGiftWrapped").await?;
    let running = open(folder).await?;
    let shop = Shop::of(&running)?;
    until(&shop, is_parked).await?;
    Ok((running, shop))
}

fn is_parked(shown: &Value) -> bool {
    shown["parkedStreams"] == 1 && is_running(shown)
}

#[tokio::test]
async fn the_commands_about_event_handlers_print_what_the_document_shows() -> Result<()> {
    let folder = Folder::create()?;
    let (_running, shop) = parked(&folder).await?;
    let names = [
        ("order/0192f3c1", "order/gift"),
        ("OrderConfirmed", "OrderGiftWrapped"),
        (
            "the mail server does not answer",
            "unknown event type \"OrderGiftWrapped\"",
        ),
    ];
    let stage = Stage {
        run: &|arguments| shop.run(arguments),
        names: &names,
    };
    let page = "operations/event-handlers.md";
    stage.run_page(page, async |_| Ok(())).await
}

#[tokio::test]
async fn a_parked_stream_is_listed_shown_resumed_and_skipped() -> Result<()> {
    let folder = Folder::create()?;
    let (_running, shop) = parked(&folder).await?;
    let run = |arguments: &[&str]| shop.run(&[&["handlers"], arguments].concat());
    check("handlers-list.txt", &printed(&run(&["list"])));
    check(
        "handlers-show-parked.txt",
        &printed(&run(&["show", "notifications"])),
    );
    let because = ["--reason", "a test", "--who", "grace"];
    let act = |arguments: &[&str]| run(&[arguments, &because].concat());
    let pause = act(&["pause", "notifications"]);
    check("handlers-pause.txt", &printed(&pause));
    until(&shop, |shown| shown["state"] == "paused").await?;
    let resume = act(&["resume", "notifications"]);
    check("handlers-resume.txt", &printed(&resume));
    until(&shop, is_parked).await?;

    let elsewhere = act(&["skip", "notifications", "order/gift", "99"]);
    let elsewhere = rejected(&elsewhere, 1);
    assert!(elsewhere.contains("position must be 1"), "{elsewhere}");
    let unknown = rejected(&run(&["show", "letters"]), 1);
    assert!(unknown.contains("there are notifications"), "{unknown}");
    let skip = act(&["skip", "notifications", "order/gift", "1"]);
    check("handlers-skip.txt", &printed(&skip));
    let shown = until(&shop, |shown| shown["parkedStreams"] == 0).await?;
    check(
        "handlers-show.txt",
        &printed(&run(&["show", "notifications"])),
    );
    let decisions = shown["decisions"].as_array().context("decisions")?;
    let decided: Vec<_> = decisions
        .iter()
        .map(|decision| decision["action"].as_str())
        .collect();
    assert_eq!(decided, [Some("pause"), Some("resume"), Some("skip")]);
    // Only the event of a newer binary is unknown, and not those decisions.
    let path = folder.path().display().to_string();
    let verify = ["events", "verify", "-o", "json", "--data-dir", &path];
    let verify = crate::support::shop(&verify);
    rejected(&verify, 1);
    let report: Value = serde_json::from_slice(&verify.stdout)?;
    let counts = serde_json::json!({ "unknownEventType": 1 });
    assert_eq!(report["counts"], counts, "{report}");
    Ok(())
}
