//! Commands against a shop with authentication.

use anyhow::{Context, Result};
use serde_json::Value;
use test_shop::{Folder, Process};
use test_tokens::Secrets;

use crate::support::{Shop, open_with, printed, rejected, shop, shop_as};

/// A shop with authentication and a small catalogue.
async fn secured(folder: &Folder, secrets: &Secrets) -> Result<(Process, Shop)> {
    let running = open_with(folder, &secrets.settings()).await?;
    let commands = Shop::of(&running)?;
    printed(&commands.run_with(&["seed", "--products", "3"], &secrets.settings()[1..]));
    Ok((running, commands))
}

fn id(output: &str) -> Result<String> {
    let order: Value = serde_json::from_str(output.lines().last().unwrap_or_default())?;
    let id = order["id"].as_str().context("an order has an id")?;
    Ok(id.to_owned())
}

/// The first event of a type, as `events show` prints it.
fn first(folder: &Folder, event_type: &str) -> Result<Value> {
    let path = folder.path().display().to_string();
    let mut position = 0_u64;
    loop {
        position += 1;
        let at = position.to_string();
        let show = [
            "events",
            "show",
            &at,
            "--output",
            "json",
            "--data-dir",
            &path,
        ];
        // Fails after the last event.
        let event: Value = serde_json::from_str(&printed(&shop(&show)))?;
        if event["eventType"] == event_type {
            return Ok(event);
        }
    }
}

/// Who caused the first event of a type.
fn user_of(folder: &Folder, event_type: &str) -> Result<Value> {
    Ok(first(folder, event_type)?["metadata"]["user_id"].take())
}

/// A piece of the first product.
fn item(folder: &Folder) -> Result<String> {
    let created = first(folder, "ProductCreated")?;
    let id = created["data"]["product_id"].as_str();
    Ok(format!("{}=1", id.context("a product has an id")?))
}

#[tokio::test]
async fn commands_authenticate_by_the_secrets_of_the_shop() -> Result<()> {
    let (folder, secrets) = (Folder::create()?, Secrets::create()?);
    let (_running, commands) = secured(&folder, &secrets).await?;
    let settings = &secrets.settings()[1..];
    let item = item(&folder)?;
    let place = [
        "order", "place", "--user", "ada", "--item", &item, "--output", "json", "--follow",
    ];
    let order = id(&printed(&commands.run_with(&place, settings)))?;
    for command in [
        &["order", "show", &order][..],
        &["order", "list"],
        &["saga", "list"],
        &["saga", "show", &order],
        &["projections", "list"],
        &["handlers", "list"],
    ] {
        printed(&commands.run_with(command, settings));
    }
    let pause = ["handlers", "pause", "notifications", "--reason", "a test"];
    printed(&commands.run_with(&pause, settings));
    assert_eq!(user_of(&folder, "HandlerPaused")?, "keeper");
    let resume = [
        "handlers",
        "resume",
        "notifications",
        "--reason",
        "a test",
        "--who",
        "grace",
    ];
    printed(&commands.run_with(&resume, settings));
    assert_eq!(user_of(&folder, "HandlerResumed")?, "grace");
    assert_eq!(user_of(&folder, "ProductCreated")?, "keeper");
    Ok(())
}

#[tokio::test]
async fn commands_send_the_token_that_they_are_given() -> Result<()> {
    let (folder, secrets) = (Folder::create()?, Secrets::create()?);
    let (_running, commands) = secured(&folder, &secrets).await?;
    let token = shop_as(&["token", "--user", "ada"], &[secrets.token_setting()]);
    let token = printed(&token).trim().to_owned();
    let file = secrets.file("token", &format!("{token}\n"))?;
    let item = item(&folder)?;
    for setting in [("SHOP_TOKEN", token.as_str()), ("SHOP_TOKEN_FILE", &file)] {
        let place = [
            "order", "place", "--user", "ada", "--item", &item, "--output", "json",
        ];
        let order = id(&printed(&commands.run_with(&place, &[setting])))?;
        printed(&commands.run_with(&["order", "show", &order], &[setting]));
        printed(&commands.run_with(&["order", "list", "--user", "ada"], &[setting]));
        for denied in [
            &["order", "list"][..],
            &["order", "list", "--user", "bob"],
            &["order", "place", "--user", "bob", "--item", &item],
            &["order", "ship", &order],
        ] {
            let error = rejected(&commands.run_with(denied, &[setting]), 1);
            assert!(error.contains("(FORBIDDEN)"), "{denied:?}: {error}");
            assert_eq!(error.lines().count(), 1, "{error}");
        }
    }
    // A token of the environment is in the place of one that the secret could make.
    let settings = [("SHOP_TOKEN", token.as_str()), secrets.token_setting()];
    rejected(&commands.run_with(&["order", "list"], &settings), 1);
    for wrong in ["x", "a.b.c"] {
        let error = rejected(
            &commands.run_with(&["order", "list"], &[("SHOP_TOKEN", wrong)]),
            1,
        );
        assert!(error.contains("SHOP_TOKEN"), "{error}");
    }
    let both = [("SHOP_TOKEN", token.as_str()), ("SHOP_TOKEN_FILE", &file)];
    let error = rejected(&commands.run_with(&["order", "list"], &both), 2);
    assert!(error.contains("SHOP_TOKEN_FILE is"), "{error}");
    assert!(!error.contains(&token), "{error}");
    let missing = [("SHOP_TOKEN_FILE", "/nonexistent/token")];
    let error = rejected(&commands.run_with(&["order", "list"], &missing), 2);
    assert!(
        error.contains("SHOP_TOKEN_FILE is \"/nonexistent/token\""),
        "{error}"
    );
    Ok(())
}

#[tokio::test]
async fn without_credentials_commands_fail_and_name_the_settings() -> Result<()> {
    let (folder, secrets) = (Folder::create()?, Secrets::create()?);
    let (_running, commands) = secured(&folder, &secrets).await?;
    let wrong = secrets.file("wrong", "the secret of another shop's services")?;
    let pause = ["handlers", "pause", "notifications", "--reason", "a test"];
    for (command, setting) in [
        (&["order", "list"][..], "SHOP_TOKEN"),
        (&["order", "show", "o"], "SHOP_TOKEN"),
        (&["seed", "--products", "5"], "SHOP_TOKEN"),
        (&["saga", "list"], "SERVICE_SECRET_FILE"),
        (&["projections", "list"], "SERVICE_SECRET_FILE"),
        (&["handlers", "list"], "SERVICE_SECRET_FILE"),
        (&pause, "SERVICE_SECRET_FILE"),
    ] {
        let other = ["AUTH_JWT_SECRET_FILE", "SERVICE_SECRET_FILE"].map(|name| (name, &*wrong));
        for given in [&[][..], &other] {
            let error = rejected(&commands.run_with(command, given), 1);
            assert!(error.contains(setting), "{command:?}: {error}");
            assert_eq!(error.lines().count(), 1, "{error}");
        }
    }
    printed(&commands.run_with(&["healthcheck"], &[]));
    Ok(())
}
