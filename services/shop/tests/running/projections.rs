//! `shop projections`, against a shop in which the projection `categories` is parked at an event of a newer binary.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use domain::category::Category;
use domain::order::Order;
use event_sourcing::Aggregate;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};
use test_shop::Folder;
use tokio::time::{Instant, sleep};

use crate::documents::Stage;
use crate::golden::check;
use crate::support::{Shop, open, printed, rejected, stocked};
use crate::unknown_event;

const WAIT_TIMEOUT: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Waits until `categories` has this state and all other projections are at the end of the log.
async fn until(shop: &Shop, state: &str) -> Result<()> {
    let deadline = Instant::now() + WAIT_TIMEOUT;
    loop {
        let listed = printed(&shop.run(&["projections", "list", "--output", "json"]));
        let listed = listed.lines().map(serde_json::from_str);
        let listed: Vec<Value> = listed.collect::<Result<_, _>>()?;
        let has_state = |projection: &Value| {
            let is_categories = projection["name"] == "categories";
            let expected = if is_categories { state } else { "following" };
            projection["state"] == expected && (expected == "parked" || projection["lag"] == 0)
        };
        if !listed.is_empty() && listed.iter().all(has_state) {
            return Ok(());
        }
        if Instant::now() > deadline {
            bail!("categories does not become {state}: {listed:?}");
        }
        sleep(LOOK_EVERY).await;
    }
}

#[tokio::test]
async fn a_parked_projection_is_listed_shown_resumed_and_skipped() -> Result<()> {
    let folder = Folder::create()?;
    unknown_event::append(&folder, Category::stream("tea"), "CategoryOfNextYear").await?;
    let running = open(&folder).await?;
    let shop = Shop::of(&running)?;
    let run = |arguments: &[&str]| shop.run(&[&["projections"], arguments].concat());
    until(&shop, "parked").await?;
    check("projections-list.txt", &printed(&run(&["list"])));
    check(
        "projections-show-parked.txt",
        &printed(&run(&["show", "categories"])),
    );
    let resume = ["resume", "categories", "--reason", "is it upgraded?"];
    check("projections-resume.txt", &printed(&run(&resume)));
    until(&shop, "parked").await?;

    let skip = |position| {
        let reason = "it is not needed";
        [
            "skip",
            "categories",
            position,
            "--reason",
            reason,
            "--who",
            "grace",
        ]
    };
    check(
        "projections-skip-rejected.txt",
        &rejected(&run(&skip("2")), 1),
    );
    check("projections-skip.txt", &printed(&run(&skip("1"))));
    until(&shop, "following").await?;
    check(
        "projections-show.txt",
        &printed(&run(&["show", "categories"])),
    );
    let again = rejected(&run(&skip("1")), 1);
    assert!(again.contains("categories is not parked"), "{again}");
    let shown = printed(&run(&["show", "categories", "--output", "json"]));
    let shown: Value = serde_json::from_str(&shown)?;
    assert_eq!(shown["state"], "following");
    let decisions = shown["decisions"].as_array().context("decisions")?;
    let decided: Vec<_> = decisions
        .iter()
        .map(|decision| {
            (
                &decision["action"],
                &decision["who"],
                &decision["skippedPosition"],
            )
        })
        .collect();
    let text = |text: &str| Value::from(text);
    assert_eq!(
        decided,
        [
            (&text("resume"), &text("keeper"), &Value::Null),
            (&text("skip"), &text("grace"), &Value::from(1)),
        ]
    );
    Ok(())
}

/// Changes the price of the first product in the rows that are read.
async fn damage(folder: &Folder, generation: u32) -> Result<()> {
    let file = folder.path().join("query_service.db");
    let url = format!("sqlite://{}", file.display());
    let mut database = SqliteConnection::connect(&url).await?;
    let change = format!(
        "UPDATE products_g{generation} SET price_cents = 1 WHERE id = (SELECT min(id) FROM products_g{generation})"
    );
    sqlx::query(AssertSqlSafe(change))
        .execute(&mut database)
        .await?;
    database.close().await?;
    Ok(())
}

#[tokio::test]
async fn the_commands_about_projections_print_what_the_document_shows() -> Result<()> {
    let folder = Folder::create()?;
    let gift = Order::stream("01a2068f-27b9-78e0-9869-9b881f9dd42c");
    unknown_event::append(&folder, gift, "OrderGiftWrapped").await?;
    let running = open(&folder).await?;
    stocked(&running, "Sencha", "7.50", 12).await?;
    let shop = Shop::of(&running)?;
    let rebuild = [
        "projections",
        "rebuild",
        "products",
        "--swap",
        "--reason",
        "a test",
    ];
    printed(&shop.run(&rebuild));
    let is = async |state: &str| {
        test_shop::until("the state of orders", async || {
            let shown = shop.run(&["projections", "show", "orders", "--output", "json"]);
            let shown: Value = serde_json::from_str(&printed(&shown))?;
            ensure!(shown["state"] == state, "{shown}");
            Ok(())
        })
        .await
    };
    let settle = async |command: &str| {
        if command.contains("rebuild products") {
            printed(&shop.run(&["projections", "drop", "products"]));
            return damage(&folder, 2).await;
        }
        let parked = [
            "list",
            "show orders",
            "resume orders --reason \"the",
            "skip orders",
        ];
        if parked.iter().any(|parked| command.contains(parked)) {
            is("parked").await?;
        }
        Ok(())
    };
    let stage = Stage {
        run: &|arguments| shop.run(arguments),
        names: &[("4711", "1"), ("grace: a price", "keeper: a price")],
    };
    stage.run_page("operations/projections.md", settle).await
}

#[tokio::test]
async fn an_invalid_decision_is_rejected_with_a_reason() -> Result<()> {
    let folder = Folder::create()?;
    let running = open(&folder).await?;
    let shop = Shop::of(&running)?;
    let unknown = "error: projections show: there is no projection carts; see shop projections list (NOT_FOUND)\n";
    let cases: [(&[&str], &str); 3] = [
        (&["show", "carts"], unknown),
        (
            &["skip", "orders", "1", "--reason", "why not"],
            "error: projections skip: orders is not parked (CONFLICT)\n",
        ),
        (
            &["resume", "orders", "--reason", ""],
            "error: projections resume: reason must have 1 to 1000 characters, got 0 (VALIDATION_ERROR)\n",
        ),
    ];
    for (arguments, expected) in cases {
        let arguments = [&["projections"], arguments].concat();
        assert_eq!(rejected(&shop.run(&arguments), 1), expected);
    }
    Ok(())
}
