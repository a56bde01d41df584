//! `shop order`, against a running shop.

use anyhow::{Context, Result};
use serde_json::Value;
use sqlx::{Connection, SqliteConnection};
use test_shop::{Folder, Process};

use crate::golden::check;
use crate::support::{Shop, open_with, printed, rejected, stocked};

/// A shop with 100 Sencha at 19.90.
async fn shop_with_tea(folder: &Folder, settings: &[(&str, &str)]) -> Result<(Process, Shop)> {
    let running = open_with(folder, settings).await?;
    stocked(&running, "Sencha", "19.90", 100).await?;
    let shop = Shop::of(&running)?;
    Ok((running, shop))
}

/// The lines of `order follow`, sorted, without times and intermediate statuses: which changes are seen by the same poll
/// depends on timing.
fn story(text: &str) -> String {
    let lines = text.lines().filter_map(|line| line.split_once(" s  "));
    let mut lines: Vec<&str> = lines
        .map(|(_, change)| change.trim())
        .filter(|change| !change.ends_with("PROCESSING"))
        .collect();
    lines.sort_unstable();
    lines.join("\n") + "\n"
}

#[tokio::test]
async fn an_order_is_placed_followed_shown_shipped_and_delivered() -> Result<()> {
    let folder = Folder::create()?;
    let (_running, shop) = shop_with_tea(&folder, &[]).await?;
    let place = [
        "order",
        "place",
        "--user",
        "ada",
        "--item",
        "Sencha=3",
        "--street",
        "High Street 1",
        "--city",
        "Oxford",
        "--postal-code",
        "OX1",
    ];
    check("order-place.txt", &printed(&shop.run(&place)));
    let follow = [&place[..], &["--follow", "--output", "json"]].concat();
    let output = printed(&shop.run(&follow));
    let last: Value = serde_json::from_str(output.lines().last().unwrap_or_default())?;
    assert_eq!(last["status"], "CONFIRMED");
    assert_eq!(last["sagaState"]["state"], "completed");
    let id = last["id"].as_str().unwrap_or_default();

    let again = printed(&shop.run(&["order", "follow", id]));
    check("order-follow.txt", &story(&again));
    check(
        "order-show.txt",
        &printed(&shop.run(&["order", "show", id])),
    );
    check(
        "order-ship.txt",
        &printed(&shop.run(&["order", "ship", id])),
    );
    let delivered = printed(&shop.run(&["order", "deliver", id, "--output", "json"]));
    let delivered: Value = serde_json::from_str(&delivered)?;
    assert_eq!(delivered["status"], "DELIVERED");
    check(
        "order-cancel-rejected.txt",
        &rejected(&shop.run(&["order", "cancel", id]), 1),
    );
    Ok(())
}

#[tokio::test]
async fn orders_are_listed_by_user_and_state() -> Result<()> {
    let folder = Folder::create()?;
    let (_running, shop) = shop_with_tea(&folder, &[]).await?;
    assert_eq!(
        printed(&shop.run(&["order", "list"])),
        "No order matches.\n"
    );
    let first = shop.confirmed_order()?;
    let place = [
        "order", "place", "--user", "grace", "--item", "Sencha=1", "--follow",
    ];
    printed(&shop.run(&place));
    check("order-list.txt", &printed(&shop.run(&["order", "list"])));
    let listed = |arguments: &[&str]| -> Result<Vec<Value>> {
        let output =
            printed(&shop.run(&[&["order", "list", "--output", "json"], arguments].concat()));
        output
            .lines()
            .map(|line| Ok(serde_json::from_str(line)?))
            .collect()
    };
    let of_ada = listed(&["--user", "ada", "--status", "Confirmed"])?;
    assert_eq!(of_ada.len(), 1);
    assert_eq!(of_ada[0]["id"], first.as_str());
    assert_eq!(
        listed(&["--user", "ada", "--status", "failed"])?,
        [Value::Null; 0]
    );
    let older = listed(&["--limit", "1", "--offset", "1"])?;
    assert_eq!(older, of_ada);
    let cut = printed(&shop.run(&["order", "list", "--limit", "1"]));
    assert!(
        cut.ends_with("There may be more: see --limit and --offset.\n"),
        "{cut}"
    );
    Ok(())
}

#[tokio::test]
async fn an_ambiguous_product_name_is_rejected() -> Result<()> {
    let folder = Folder::create()?;
    let (running, shop) = shop_with_tea(&folder, &[]).await?;
    stocked(&running, "Sencha", "24.90", 5).await?;
    // Its name contains the text, so that the search finds it, but it is not equal.
    stocked(&running, "Sencha 2", "1", 5).await?;
    let place = ["order", "place", "--user", "ada", "--item", "Sencha=1"];
    let text = rejected(&shop.run(&place), 1);
    let expected = "order place: 2 products have the name \"Sencha\"; give the id of one: ";
    assert!(text.contains(expected), "{text}");
    assert!(
        text.contains("(19.90, 100 in stock)") && text.contains("(24.90, 5 in stock)"),
        "{text}"
    );
    let ids = text.split(&[' ', ','][..]).filter(|word| word.len() == 36);
    let ids: Vec<&str> = ids.collect();
    assert_eq!(ids.len(), 2, "{text}");
    let item = format!("{}=1", ids[1]);
    printed(&shop.run(&["order", "place", "--user", "ada", "--item", &item]));
    Ok(())
}

/// Another connection holds the write lock of the read side's database, so that the read side lags behind the log.
#[tokio::test]
async fn a_placed_order_exists_for_the_next_command_while_the_read_side_lags() -> Result<()> {
    let folder = Folder::create()?;
    let settings = [
        ("CLIENT_READ_TIMEOUT_MS", "100"),
        ("CLIENT_READ_TRIES", "1"),
    ];
    let (_running, shop) = shop_with_tea(&folder, &settings).await?;
    let file = folder.path().join("query_service.db");
    let mut holder = SqliteConnection::connect(&format!("sqlite://{}", file.display())).await?;
    let busy = "PRAGMA busy_timeout = 30000; BEGIN IMMEDIATE";
    sqlx::raw_sql(busy).execute(&mut holder).await?;
    let place = [
        "order", "place", "--user", "ada", "--item", "Sencha=1", "--output", "json",
    ];
    let placed: Value = serde_json::from_str(&printed(&shop.run(&place)))?;
    let id = placed["id"].as_str().context("an id")?;
    let text = rejected(&shop.run(&["order", "show", id]), 1);
    assert!(!text.contains("does not exist"), "{text}");
    assert!(text.contains("SERVICE_UNAVAILABLE"), "{text}");
    sqlx::raw_sql("ROLLBACK").execute(&mut holder).await?;
    let shown = printed(&shop.run(&["order", "show", id, "--output", "json"]));
    let shown: Value = serde_json::from_str(&shown)?;
    assert_eq!(shown["id"], id);
    Ok(())
}

/// A slow step is named on standard error while nothing changes.
#[tokio::test]
async fn following_an_order_prints_what_it_waits_for() -> Result<()> {
    let folder = Folder::create()?;
    let settings = [("PAYMENTS_URL", "simulated://?latency_ms=4500")];
    let (_running, shop) = shop_with_tea(&folder, &settings).await?;
    let place = [
        "order", "place", "--user", "ada", "--item", "Sencha=1", "--follow", "--output", "json",
    ];
    let output = shop.run(&place);
    let text = String::from_utf8(output.stderr.clone())?;
    printed(&output);
    let expected = "… waits for process_payment of order, which is running";
    let lines: Vec<&str> = text.lines().collect();
    assert!((1..=3).contains(&lines.len()), "{text}");
    assert!(lines.iter().all(|line| line.ends_with(expected)), "{text}");
    Ok(())
}

#[tokio::test]
async fn an_order_that_cannot_be_paid_ends_with_1() -> Result<()> {
    let folder = Folder::create()?;
    let settings = [("PAYMENTS_URL", "simulated://?decline_over=50")];
    let (_running, shop) = shop_with_tea(&folder, &settings).await?;
    let output = shop.run(&[
        "order", "place", "--user", "ada", "--item", "Sencha=3", "--follow",
    ]);
    let text = String::from_utf8(output.stdout.clone())?;
    check("order-declined.txt", &story(&text));
    check("order-declined-error.txt", &rejected(&output, 1));
    Ok(())
}

#[tokio::test]
async fn a_confirmed_order_is_cancelled_and_followed_to_its_end() -> Result<()> {
    let folder = Folder::create()?;
    let (_running, shop) = shop_with_tea(&folder, &[]).await?;
    let id = shop.confirmed_order()?;
    let cancel = ["order", "cancel", &id, "--reason", "changed my mind"];
    check("order-cancel.txt", &printed(&shop.run(&cancel)));
    let output = shop.run(&["order", "follow", &id]);
    let text = rejected(&output, 1);
    assert!(text.contains("was cancelled"), "{text}");
    let shown = printed(&shop.run(&["order", "show", &id, "--output", "json"]));
    let shown: Value = serde_json::from_str(&shown)?;
    assert_eq!(shown["status"], "CANCELLED");
    assert_eq!(shown["sagaState"]["type"], "cancel_order");
    Ok(())
}

#[tokio::test]
async fn the_same_key_orders_once() -> Result<()> {
    let folder = Folder::create()?;
    let (_running, shop) = shop_with_tea(&folder, &[]).await?;
    let place = [
        "order", "place", "--user", "ada", "--item", "Sencha=1", "--key", "mine", "--output",
        "json",
    ];
    let first = printed(&shop.run(&place));
    assert_eq!(printed(&shop.run(&place)), first);
    // Not requested is absent, which differs from null: no saga.
    assert!(!first.contains("sagaState"), "{first}");
    Ok(())
}

#[tokio::test]
async fn unknown_ids_and_invalid_values_are_reported() -> Result<()> {
    let folder = Folder::create()?;
    let (_running, shop) = shop_with_tea(&folder, &[]).await?;
    let cases: [(&[&str], &str); 6] = [
        (
            &["order", "place", "--user", "ada", "--item", "Green Tea=1"],
            "error: order place: no product has the id or the name \"Green Tea\"\n",
        ),
        (
            &["order", "place", "--user", "ada", "--item", "Sencha=0"],
            "error: order place: the shop rejected createOrder: items[0].quantity must be 1 to 1000, got 0 \
             (VALIDATION_ERROR)\n",
        ),
        (
            &["order", "show", "missing"],
            "error: order show: order missing does not exist\n",
        ),
        (
            &["order", "follow", "missing"],
            "error: order follow: order missing does not exist\n",
        ),
        (
            &["order", "ship", "missing"],
            "error: order ship: the shop rejected shipOrder: order missing does not exist (NOT_FOUND)\n",
        ),
        (
            &["order", "cancel", "no id"],
            "error: order cancel: the shop rejected cancelOrder: orderId must be 1 to 64 letters, digits, \
             '-', '_' or '.', got \"no id\" (VALIDATION_ERROR)\n",
        ),
    ];
    for (arguments, expected) in cases {
        assert_eq!(rejected(&shop.run(arguments), 1), expected);
    }
    Ok(())
}
