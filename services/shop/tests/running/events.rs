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
    assert_eq!(event["event_type"], "ProductCreated");
    assert_eq!(event["data"]["name"], "Sencha");
    assert_eq!(event["metadata"]["operation"], "create_product");
    check("events-show-missing.txt", &rejected(&show(&["4711"]), 1));
    assert!(running.terminate().await?.success());
    check("events-show.txt", &printed(&show(&["1"])));
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
