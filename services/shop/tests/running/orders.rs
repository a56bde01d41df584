//! `shop order`, against a shop that runs.

use anyhow::Result;
use serde_json::Value;
use test_shop::{Folder, Process};

use crate::golden::check;
use crate::support::{CLIENT_HTTP, Shop, open_with, printed, refused, stocked};

/// A shop that has 100 Sencha for 19.90, and its address.
async fn shop_with_tea(folder: &Folder, settings: &[(&str, &str)]) -> Result<(Process, Shop)> {
    let running = open_with(folder, settings).await?;
    stocked(&running, "Sencha", "19.90", 100).await?;
    let url = format!("http://{}", running.address(CLIENT_HTTP)?);
    Ok((running, Shop::at(&["--url", &url])))
}

/// The lines of a story, without the times and what a look may miss, in an order of their own: what is seen together
/// depends on when it was looked at.
fn story(text: &str) -> String {
    let lines = text.lines().filter_map(|line| line.split_once(" s  "));
    let mut lines: Vec<&str> = lines
        .map(|(_, news)| news.trim())
        .filter(|news| !news.ends_with("PROCESSING"))
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
    let follow = [&place[..], &["--follow", "--json"]].concat();
    let told = printed(&shop.run(&follow));
    let last: Value = serde_json::from_str(told.lines().last().unwrap_or_default())?;
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
    let delivered = printed(&shop.run(&["order", "deliver", id, "--json"]));
    let delivered: Value = serde_json::from_str(&delivered)?;
    assert_eq!(delivered["status"], "DELIVERED");
    check(
        "order-cancel-refused.txt",
        &refused(&shop.run(&["order", "cancel", id]), 1),
    );
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
    let told = String::from_utf8(output.stdout.clone())?;
    check("order-declined.txt", &story(&told));
    check("order-declined-error.txt", &refused(&output, 1));
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
    let told = refused(&output, 1);
    assert!(told.contains("was cancelled"), "{told}");
    let shown = printed(&shop.run(&["order", "show", &id, "--json"]));
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
        "order", "place", "--user", "ada", "--item", "Sencha=1", "--key", "mine", "--json",
    ];
    let first = printed(&shop.run(&place));
    assert_eq!(printed(&shop.run(&place)), first);
    // It was not asked for, which is something else than that there is none.
    assert!(!first.contains("sagaState"), "{first}");
    Ok(())
}

#[tokio::test]
async fn what_is_not_there_and_what_is_not_allowed_is_told() -> Result<()> {
    let folder = Folder::create()?;
    let (_running, shop) = shop_with_tea(&folder, &[]).await?;
    let cases: [(&[&str], &str); 6] = [
        (
            &["order", "place", "--user", "ada", "--item", "Green Tea=1"],
            "error: order place: no product has the id or the name \"Green Tea\"\n",
        ),
        (
            &["order", "place", "--user", "ada", "--item", "Sencha=0"],
            "error: order place: the shop refused createOrder: items[0].quantity must be 1 to 1000, got 0 \
             (VALIDATION_ERROR)\n",
        ),
        (
            &["order", "show", "nobody"],
            "error: order show: order nobody does not exist\n",
        ),
        (
            &["order", "follow", "nobody"],
            "error: order follow: order nobody does not exist\n",
        ),
        (
            &["order", "ship", "nobody"],
            "error: order ship: the shop refused shipOrder: order nobody does not exist (NOT_FOUND)\n",
        ),
        (
            &["order", "cancel", "no id"],
            "error: order cancel: the shop refused cancelOrder: orderId must be 1 to 64 letters, digits, \
             '-', '_' or '.', got \"no id\" (VALIDATION_ERROR)\n",
        ),
    ];
    for (arguments, expected) in cases {
        assert_eq!(refused(&shop.run(arguments), 1), expected);
    }
    Ok(())
}
