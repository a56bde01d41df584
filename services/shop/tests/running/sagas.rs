//! `shop saga`, against a running shop; and a saga that is suspended because its payment cannot be refunded.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use serde_json::Value;
use test_shop::{Folder, Process};
use tokio::time::{Instant, sleep};

use crate::documents::Stage;
use crate::golden::check;
use crate::support::{Shop, open_with, printed, rejected, stocked};

const WAIT_TIMEOUT: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(20);
const NO_PAYMENTS: [(&str, &str); 2] = [
    ("PAYMENTS_URL", "simulated://?unavailable_rate=1"),
    ("SAGA_RETRY_MAX_MS", "1"),
];

/// Waits until a saga has this state.
async fn until(shop: &Shop, id: &str, state: &str) -> Result<Value> {
    let deadline = Instant::now() + WAIT_TIMEOUT;
    loop {
        let shown = printed(&shop.run(&["saga", "show", id, "--output", "json"]));
        let shown: Value = serde_json::from_str(&shown)?;
        if shown["state"] == state {
            return Ok(shown);
        }
        if Instant::now() > deadline {
            bail!("the saga does not become {state}: {shown}");
        }
        sleep(LOOK_EVERY).await;
    }
}

/// A shop with a suspended saga, and the ids of that saga and its order.
async fn suspended(folder: &Folder) -> Result<(Process, Shop, String, String)> {
    let mut before = open_with(folder, &[]).await?;
    stocked(&before, "Sencha", "19.90", 100).await?;
    let order = Shop::of(&before)?.confirmed_order()?;
    before.terminate().await?;
    let running = open_with(folder, &NO_PAYMENTS).await?;
    let cancel = ["order", "cancel", &order, "--reason", "changed my mind"];
    printed(&Shop::of(&running)?.run(&cancel));
    let shop = Shop::of(&running)?;
    let saga = until(&shop, &order, "suspended").await?;
    let saga = saga["sagaId"].as_str().unwrap_or_default().to_owned();
    Ok((running, shop, saga, order))
}

#[tokio::test]
async fn an_ended_saga_is_listed_and_shown() -> Result<()> {
    let folder = Folder::create()?;
    let running = open_with(&folder, &[]).await?;
    stocked(&running, "Sencha", "19.90", 100).await?;
    let order = Shop::of(&running)?.confirmed_order()?;
    let shop = Shop::of(&running)?;
    assert_eq!(printed(&shop.run(&["saga", "list"])), "No saga is open.\n");
    let none = ["saga", "list", "--step", "process_payment"];
    assert_eq!(printed(&shop.run(&none)), "No open saga matches.\n");
    let ended = ["saga", "list", "--state", "completed", "--state", "failed"];
    check("saga-list-ended.txt", &printed(&shop.run(&ended)));
    let old = [&ended[..], &["--older-than", "1h"]].concat();
    assert_eq!(printed(&shop.run(&old)), "No saga matches.\n");
    check(
        "saga-show.txt",
        &printed(&shop.run(&["saga", "show", &order])),
    );
    Shop::of(&running)?.confirmed_order()?;
    let first = [&ended[..], &["--limit", "1"]].concat();
    let output = printed(&shop.run(&first));
    let end = "\n\n1 saga, and there are more: see --limit.\n";
    assert!(output.ends_with(end), "{output}");
    Ok(())
}

#[tokio::test]
async fn a_compensated_saga_is_shown() -> Result<()> {
    let folder = Folder::create()?;
    let settings = [("SHIPPING_URL", "simulated://?fail_rate=1")];
    let running = open_with(&folder, &settings).await?;
    stocked(&running, "Sencha", "19.90", 100).await?;
    let place = [
        "order", "place", "--user", "ada", "--item", "Sencha=2", "--output", "json",
    ];
    let placed: Value = serde_json::from_str(&printed(&Shop::of(&running)?.run(&place)))?;
    let order = placed["id"].as_str().unwrap_or_default();
    let shop = Shop::of(&running)?;
    until(&shop, order, "compensated").await?;
    let shown = printed(&shop.run(&["saga", "show", order]));
    check("saga-show-compensated.txt", &shown);
    let names = [("01a22e16-8a36-7cff-8b4e-249d903d8955", order)];
    let stage = Stage {
        run: &|arguments| shop.run(arguments),
        names: &names,
    };
    stage.run_page("saga-pattern.md", async |_| Ok(())).await
}

#[tokio::test]
async fn a_suspended_saga_is_listed_shown_resumed_and_resolved() -> Result<()> {
    let folder = Folder::create()?;
    let (_running, shop, saga, order) = suspended(&folder).await?;
    let list = [
        "saga",
        "list",
        "--state",
        "suspended",
        "--step",
        "refund_payment",
    ];
    check("saga-list.txt", &printed(&shop.run(&list)));
    check(
        "saga-show-suspended.txt",
        &printed(&shop.run(&["saga", "show", &saga])),
    );
    let listed: Value =
        serde_json::from_str(&printed(&shop.run(&["saga", "list", "--output", "json"])))?;
    assert_eq!(listed["orderId"], *order);
    assert_eq!(
        (&listed["state"], &listed["attempts"]),
        (&"suspended".into(), &10.into())
    );

    let retry = ["saga", "retry", &saga, "--reason", "is it back?"];
    check("saga-retry.txt", &printed(&shop.run(&retry)));
    until(&shop, &saga, "suspended").await?;
    let resume = [
        "saga",
        "resume",
        &saga,
        "--reason",
        "it is back",
        "--output",
        "json",
    ];
    let resumed: Value = serde_json::from_str(&printed(&shop.run(&resume)))?;
    assert_eq!(resumed["saga"]["state"], "running");
    until(&shop, &saga, "suspended").await?;
    let resolve = [
        "saga",
        "resolve",
        &saga,
        "--reason",
        "refunded by post",
        "--who",
        "grace",
    ];
    check("saga-resolve.txt", &printed(&shop.run(&resolve)));
    let shown = until(&shop, &saga, "completed").await?;
    let acts = shown["events"].as_array().into_iter().flatten();
    let acts: Vec<String> = acts
        .filter(|event| !event["who"].is_null())
        .map(|event| format!("{} {} {}", event["action"], event["who"], event["why"]))
        .collect();
    assert_eq!(
        acts,
        [
            r#""retry" "keeper" "is it back?""#,
            r#""resume" "keeper" "it is back""#,
            r#""resolve" "grace" "refunded by post""#,
            r#"null "grace" "refunded by post""#,
        ]
    );
    check(
        "saga-act-rejected.txt",
        &rejected(&shop.run(&["saga", "resume", &saga, "--reason", "late"]), 1),
    );
    Ok(())
}

#[tokio::test]
async fn the_commands_about_suspended_sagas_print_what_the_document_shows() -> Result<()> {
    let folder = Folder::create()?;
    let (_running, shop, saga, order) = suspended(&folder).await?;
    let names = [
        ("01a2068f-2987-7dbc-a13b-5c47da499bda", saga.as_str()),
        ("01a2068f-27b9-78e0-9869-9b881f9dd42c", order.as_str()),
    ];
    // After the command that resolves it the saga continues by itself.
    let settle = async |_: &str| {
        let deadline = Instant::now() + WAIT_TIMEOUT;
        loop {
            let shown = printed(&shop.run(&["saga", "show", &saga, "--output", "json"]));
            let shown: Value = serde_json::from_str(&shown)?;
            if shown["state"] != "running" {
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "the saga runs: {shown}");
            sleep(LOOK_EVERY).await;
        }
    };
    let stage = Stage {
        run: &|arguments| shop.run(arguments),
        names: &names,
    };
    stage.run_page("operations/sagas.md", settle).await
}

#[tokio::test]
async fn a_suspended_saga_is_closed() -> Result<()> {
    let folder = Folder::create()?;
    let (running, shop, saga, order) = suspended(&folder).await?;
    let follow = Shop::of(&running)?.run(&["order", "follow", &order]);
    let error = rejected(&follow, 1);
    assert!(error.contains("needs an operator"), "{error}");
    let again = printed(&Shop::of(&running)?.run(&["order", "cancel", &order]));
    assert!(again.contains("needs an operator"), "{again}");
    let close = [
        "saga",
        "resolve",
        &saga,
        "--close",
        "--reason",
        "the account is gone",
    ];
    check("saga-close.txt", &printed(&shop.run(&close)));
    until(&shop, &saga, "failed").await?;
    let follow = Shop::of(&running)?.run(&["order", "follow", &order]);
    let error = rejected(&follow, 1);
    assert!(error.contains("has failed"), "{error}");
    // Suspensions, resumptions and operators' decisions are in the log as well.
    let path = folder.path().display().to_string();
    let verified = printed(&crate::support::shop(&[
        "events",
        "verify",
        "--data-dir",
        &path,
    ]));
    assert!(verified.ends_with("Findings   none\n"), "{verified}");
    Ok(())
}

#[tokio::test]
async fn a_completed_saga_is_cancelled_by_another_one() -> Result<()> {
    let folder = Folder::create()?;
    let running = open_with(&folder, &[]).await?;
    stocked(&running, "Sencha", "19.90", 100).await?;
    let order = Shop::of(&running)?.confirmed_order()?;
    let shop = Shop::of(&running)?;
    let saga = until(&shop, &order, "completed").await?;
    let saga = saga["sagaId"].as_str().unwrap_or_default().to_owned();
    let cancel = ["saga", "cancel", &saga, "--reason", "a recall"];
    let output = printed(&shop.run(&cancel));
    assert!(
        output.starts_with(&format!("Order {order} is being cancelled.\n")),
        "{output}"
    );
    assert!(!output.contains(&saga), "{output}");
    let cancelled = until(&shop, &order, "completed").await?;
    assert_eq!(cancelled["type"], "cancel_order");
    Ok(())
}

#[tokio::test]
async fn an_invalid_command_is_rejected_with_a_reason() -> Result<()> {
    let folder = Folder::create()?;
    let running = open_with(&folder, &[]).await?;
    let shop = Shop::of(&running)?;
    let long = "x".repeat(1_001);
    let cases: [(&[&str], &str); 4] = [
        (
            &["saga", "show", "missing"],
            "error: saga show: there is neither a saga nor an order missing (NOT_FOUND)\n",
        ),
        (
            &["saga", "retry", "missing", "--reason", "why not"],
            "error: saga retry: saga missing does not exist (NOT_FOUND)\n",
        ),
        (
            &["saga", "cancel", "missing", "--reason", ""],
            "error: saga cancel: reason must have 1 to 1000 characters, got 0 (VALIDATION_ERROR)\n",
        ),
        (
            &["saga", "resolve", "missing", "--reason", &long],
            "error: saga resolve: reason must have at most 1000 characters, got 1001 (VALIDATION_ERROR)\n",
        ),
    ];
    for (arguments, expected) in cases {
        assert_eq!(rejected(&shop.run(arguments), 1), expected);
    }
    Ok(())
}
