//! `shop events`, next to a shop that writes and after it stopped.

use anyhow::Result;
use domain::category::Category;
use event_sourcing::Aggregate;
use serde_json::Value;
use test_shop::Folder;

use crate::golden::check;
use crate::support::{open, printed, rejected, shop, stocked};
use crate::unknown_event;

#[tokio::test]
async fn an_event_is_shown_as_it_is_stored() -> Result<()> {
    let folder = Folder::create()?;
    let mut running = open(&folder).await?;
    stocked(&running, "Sencha", "19.90", 12).await?;
    let path = folder.path().display().to_string();
    let show =
        |arguments: &[&str]| shop(&[&["events", "show", "--data-dir", &path], arguments].concat());
    check("events-show.txt", &printed(&show(&["1"])));
    let event: Value = serde_json::from_str(&printed(&show(&["1", "--output", "json"])))?;
    assert_eq!(event["eventType"], "ProductCreated");
    assert_eq!(event["data"]["name"], "Sencha");
    assert_eq!(event["metadata"]["operation"], "create_product");
    check("events-show-missing.txt", &rejected(&show(&["4711"]), 1));
    assert!(running.terminate().await?.success());
    check("events-show.txt", &printed(&show(&["1"])));
    Ok(())
}

/// The events of an order, by each way of asking for them.
#[tokio::test]
async fn an_order_is_printed_with_its_sagas_and_stock() -> Result<()> {
    let log = super::support::log().await?;
    let path = log.folder.path().display().to_string();
    let cancelled = log.find("OrderCancellationRequested", |_| true)?;
    let order = cancelled["streamId"].as_str().unwrap_or_default();
    let events = |arguments: &[&str]| {
        printed(&shop(
            &[&["events"], arguments, &["--data-dir", &path]].concat(),
        ))
    };
    let tail = |arguments: &[&str]| events(&[&["tail"], arguments].concat());
    let story = tail(&["--order", order, "-n", "100"]);
    check("events-tail-order.txt", &story);
    // The last ones, and all after a position, are parts of the same.
    let lines: Vec<&str> = story.lines().collect();
    let last = tail(&["--order", order, "-n", "3"]);
    assert_eq!(last.lines().collect::<Vec<_>>(), lines[lines.len() - 3..]);
    assert_eq!(tail(&["--order", order, "--after", "0"]), story);

    let stream = format!("order/{order}");
    check("events-stream.txt", &events(&["stream", &stream]));
    assert_eq!(tail(&["--stream", &stream]), events(&["stream", &stream]));
    let both = ["--type", "OrderCreated", "--type", "OrderCancelled"];
    let both = tail(&[&["--order", order], &both[..]].concat());
    assert_eq!(both.lines().count(), 2, "{both}");
    let request = cancelled["metadata"]["correlation_id"]
        .as_str()
        .unwrap_or_default();
    let of_request = tail(&["--correlation-id", request, "-n", "100"]);
    assert!(
        of_request.lines().count() > 2 && of_request.contains("OrderCancelled"),
        "{of_request}"
    );
    let all = tail(&["-n", "100000"]);
    assert_eq!(all.lines().count(), log.events.len());

    let position = cancelled["position"].to_string();
    check("events-show-order.txt", &events(&["show", &position]));
    let none = shop(&["events", "stream", "order/none", "--data-dir", &path]);
    assert!(rejected(&none, 1).contains("it has no events"));
    let invalid = shop(&["events", "stream", "order", "--data-dir", &path]);
    assert!(rejected(&invalid, 2).contains("a stream's type and id"));
    Ok(())
}

/// What is stored is shown, whether this binary knows the type or not.
#[tokio::test]
async fn an_event_of_a_newer_binary_is_shown() -> Result<()> {
    let folder = Folder::create()?;
    unknown_event::append(&folder, Category::stream("tea"), "CategoryOfNextYear").await?;
    let path = folder.path().display().to_string();
    let shown = printed(&shop(&["events", "show", "1", "--data-dir", &path]));
    assert!(shown.contains("CategoryOfNextYear"), "{shown}");
    Ok(())
}
