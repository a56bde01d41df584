use anyhow::Result;
use serde_json::{Value, json};
use test_shop::{Folder, Operation, Process};

use crate::support::{CLIENT_HTTP, Shop, make_seen, open, printed};

fn seed(running: &Process, products: &str) -> Result<String> {
    let shop = Shop::of(running)?;
    Ok(printed(&shop.run(&["seed", "--products", products])))
}

async fn counts(running: &Process) -> Result<Value> {
    let document = "{ categoryStatistics { totalCount } productStatistics { totalCount } }";
    Operation::new(document)
        .data(running.address(CLIENT_HTTP)?)
        .await
}

fn of(categories: u32, products: u32) -> Value {
    json!({
        "categoryStatistics": { "totalCount": categories },
        "productStatistics": { "totalCount": products },
    })
}

#[tokio::test]
async fn a_second_run_changes_nothing_and_reports_it() -> Result<()> {
    let folder = Folder::create()?;
    let running = open(&folder).await?;
    let first = seed(&running, "60")?;
    assert!(
        first.starts_with("Created 8 categories and 60 products in "),
        "{first}"
    );
    assert_eq!(counts(&running).await?, of(8, 60));
    let second = seed(&running, "60")?;
    assert_eq!(
        second,
        "Nothing to do: all 8 categories and 60 products are there.\n"
    );
    assert_eq!(counts(&running).await?, of(8, 60));
    Ok(())
}

#[tokio::test]
async fn a_run_creates_only_what_is_missing() -> Result<()> {
    let folder = Folder::create()?;
    let running = open(&folder).await?;
    // A category that another client created in another spelling counts as existing.
    let own = Operation::new(r#"mutation { createCategory(input: { name: "TEA" }) { id } }"#);
    make_seen(&running, &own, "{ categoryStatistics { totalCount } }").await?;
    let first = seed(&running, "10")?;
    assert!(
        first.starts_with("Created 7 categories and 10 products in "),
        "{first}"
    );
    let second = seed(&running, "25")?;
    assert!(
        second.starts_with("Created 0 categories and 15 products in "),
        "{second}"
    );
    assert_eq!(counts(&running).await?, of(8, 25));
    Ok(())
}

#[tokio::test]
async fn zero_products_creates_only_the_categories() -> Result<()> {
    let folder = Folder::create()?;
    let running = open(&folder).await?;
    let first = seed(&running, "0")?;
    assert!(
        first.starts_with("Created 8 categories and 0 products in "),
        "{first}"
    );
    assert_eq!(counts(&running).await?, of(8, 0));
    Ok(())
}
