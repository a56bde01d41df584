//! `shop projections`, against a shop in which the projection `categories` is parked at an event of a newer binary.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use domain::category::Category;
use event_sourcing::Aggregate;
use serde_json::Value;
use test_shop::Folder;
use tokio::time::{Instant, sleep};

use crate::golden::check;
use crate::support::{Shop, open, printed, rejected};
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
