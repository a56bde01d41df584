//! `shop projections pause` and `rebuild`, and what follows a rebuild.

use anyhow::{Context, Result};
use serde_json::Value;
use test_shop::{Folder, Operation, until};

use crate::golden::check;
use crate::support::{CLIENT_HTTP, Shop, open, printed, rejected, stocked};

async fn with_products(folder: &Folder) -> Result<(test_shop::Process, Shop)> {
    let running = open(folder).await?;
    for name in ["Assam", "Sencha"] {
        stocked(&running, name, "7.50", 10).await?;
    }
    let shop = Shop::of(&running)?;
    Ok((running, shop))
}

fn shown(shop: &Shop, name: &str) -> Result<Value> {
    let shown = shop.run(&["projections", "show", name, "--output", "json"]);
    Ok(serde_json::from_str(&printed(&shown))?)
}

#[tokio::test]
async fn a_projection_is_rebuilt_swapped_reverted_and_dropped() -> Result<()> {
    let folder = Folder::create()?;
    let (_running, shop) = with_products(&folder).await?;
    let run = |arguments: &[&str]| shop.run(&[&["projections"], arguments].concat());
    let rebuild = ["rebuild", "products", "--reason", "an audit"];
    check("projections-rebuild.txt", &printed(&run(&rebuild)));
    check(
        "projections-show-rebuild.txt",
        &printed(&run(&["show", "products"])),
    );
    check(
        "projections-swap.txt",
        &printed(&run(&["swap", "products"])),
    );
    assert_eq!(shown(&shop, "products")?["generation"], 2);
    check("projections-list-rebuild.txt", &printed(&run(&["list"])));
    check(
        "projections-rebuild-rejected.txt",
        &rejected(&run(&rebuild), 1),
    );
    check(
        "projections-revert.txt",
        &printed(&run(&["revert", "products"])),
    );
    assert_eq!(shown(&shop, "products")?["generation"], 1);
    check(
        "projections-drop.txt",
        &printed(&run(&["drop", "products"])),
    );
    assert_eq!(shown(&shop, "products")?["rebuild"], Value::Null);

    let automatic = run(&[
        "rebuild", "products", "--reason", "again", "--who", "grace", "--swap", "--output", "json",
    ]);
    let automatic: Value = serde_json::from_str(&printed(&automatic))?;
    assert_eq!(automatic["state"], "swapped");
    assert_eq!(automatic["who"], "grace");
    assert_eq!(
        (&automatic["generation"], &automatic["previousGeneration"]),
        (&3.into(), &1.into())
    );
    assert_eq!(automatic["report"]["changed"], 0);
    assert_eq!(automatic["report"]["rebuiltRows"], 2);
    Ok(())
}

#[tokio::test]
async fn a_detached_rebuild_is_aborted() -> Result<()> {
    let folder = Folder::create()?;
    let (_running, shop) = with_products(&folder).await?;
    let run = |arguments: &[&str]| shop.run(&[&["projections"], arguments].concat());
    let detached = run(&[
        "rebuild", "products", "--reason", "an audit", "--detach", "--output", "json",
    ]);
    let detached: Value = serde_json::from_str(&printed(&detached))?;
    assert_eq!(detached["generation"], 2);
    // It may have been compared by then, so only the state is certain.
    let aborted = printed(&run(&["abort", "products"]));
    assert!(aborted.contains("aborted"), "{aborted}");
    let cases: [(&[&str], &str); 5] = [
        (
            &["swap", "products"],
            "error: projections swap: the rebuild of products is aborted, so it cannot be swapped (CONFLICT)\n",
        ),
        (
            &["drop", "products"],
            "error: projections drop: the rebuild of products is aborted, so it cannot be dropped (CONFLICT)\n",
        ),
        (
            &["swap", "orders"],
            "error: projections swap: there is no rebuild of orders (NOT_FOUND)\n",
        ),
        (
            &["rebuild", "carts", "--reason", "why not"],
            "error: projections rebuild: there is no such projection (NOT_FOUND)\n",
        ),
        (
            &["rebuild", "orders", "--reason", ""],
            "error: projections rebuild: reason must have 1 to 1000 characters, got 0 (VALIDATION_ERROR)\n",
        ),
    ];
    for (arguments, expected) in cases {
        assert_eq!(rejected(&run(arguments), 1), expected);
    }
    Ok(())
}

#[tokio::test]
async fn a_paused_projection_keeps_its_rows_until_it_is_resumed() -> Result<()> {
    let folder = Folder::create()?;
    let (running, shop) = with_products(&folder).await?;
    let run = |arguments: &[&str]| shop.run(&[&["projections"], arguments].concat());
    let pause = ["pause", "products", "--reason", "an inspection"];
    check("projections-pause.txt", &printed(&run(&pause)));
    until("a pause", async || {
        anyhow::ensure!(shown(&shop, "products")?["state"] == "paused");
        Ok(())
    })
    .await?;
    check("projections-pause-again.txt", &printed(&run(&pause)));
    // Its position may be before or after the event that paused it.
    let paused = printed(&run(&["show", "products"]));
    for expected in [
        "paused by keeper: an inspection",
        "shop projections resume products --reason REASON",
    ] {
        assert!(paused.contains(expected), "{paused}");
    }

    let gateway = running.address(CLIENT_HTTP)?;
    let create = "mutation { createProduct(input: { name: \"Gyokuro\", price: \"9.00\", stockQuantity: 1 }) { name } }";
    let created = Operation::new(create).send(gateway).await?;
    let position = created.position.context("a position")?;
    let count = Operation::new("{ productStatistics { totalCount } }");
    let rows = count.data(gateway).await?;
    assert_eq!(rows["productStatistics"]["totalCount"], 2);
    let later = count.with_header("x-min-position", &position);
    let stalled = later.data(gateway).await.expect_err("paused");
    let expected = "the read side is stopped below the position";
    assert!(stalled.to_string().contains(expected), "{stalled}");

    let resume = ["resume", "products", "--reason", "inspected"];
    check("projections-resume-paused.txt", &printed(&run(&resume)));
    until("the new product", async || {
        let rows = later.data(gateway).await?;
        anyhow::ensure!(rows["productStatistics"]["totalCount"] == 3, "{rows}");
        Ok(())
    })
    .await
}
