//! `shop config`: values, where they come from, and no secrets.

use std::process::{Command, Output};

use crate::golden::check;

fn config(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_shop"))
        .arg("config")
        .args(arguments)
        .env_clear()
        .envs(variables.iter().copied())
        .output()
        .expect("the binary runs")
}

#[track_caller]
fn printed(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn the_defaults_match_their_golden_file() {
    check("config.txt", &printed(&config(&[], &[])));
}

#[test]
fn each_source_is_named_and_secrets_are_hidden() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("shop.toml");
    std::fs::write(&file, "[pool]\nsize = 4\n[data]\ndir = \"/srv/shop\"\n").expect("a file");
    let file = file.display().to_string();
    let variables = [
        (
            "EVENT_STORE_URL",
            "postgres://me:hunter2@db/shop?options[search_path]=a",
        ),
        ("PAYMENTS_URL", "stripe+https://api.stripe.com"),
        ("STRIPE_SECRET_KEY", "sk_test_hunter2"),
        ("STRIPE_WEBHOOK_SECRET", "whsec_hunter2"),
        ("POOL_SIZE", "5"),
    ];
    let arguments = ["--config", &file, "--migrate", "off", "--output", "json"];
    let output = printed(&config(&arguments, &variables));
    assert!(!output.contains("hunter2"), "{output}");
    let from_file = format!("the settings file {file}");
    for (name, value, from) in [
        ("DATA_DIR", "/srv/shop", from_file.as_str()),
        (
            "EVENT_STORE_URL",
            "postgres://me:***@db/shop?options[search_path]=***",
            "the environment",
        ),
        (
            "COMMAND_DATABASE_URL",
            "sqlite:///srv/shop/command_service.db",
            "the data folder",
        ),
        ("POOL_SIZE", "5", "the environment"),
        ("MIGRATE", "off", "a flag"),
        ("STRIPE_SECRET_KEY", "***", "the environment"),
        ("START_TIMEOUT_MS", "60000", "the default"),
    ] {
        let line = output
            .lines()
            .find(|line| line.contains(&format!("\"name\":\"{name}\"")));
        let line = line.expect("every setting is there");
        let setting: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let shown = setting["value"].as_str().unwrap_or_default();
        // A parameter whose name is no known one is hidden as well.
        let shown = shown.replace("?***=***", "?options[search_path]=***");
        assert_eq!(
            (shown.as_str(), setting["from"].as_str()),
            (value, Some(from)),
            "{name}"
        );
    }
}

#[test]
fn what_a_start_would_reject_is_reported_together() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("shop.toml");
    std::fs::write(&file, "[pool]\nsise = 4\n").expect("a file");
    let file = file.display().to_string();
    let variables = [("LOG_FORMAT", "xml"), ("CLIENT_HTTP_ADDR", "0.0.0.0:0")];
    let output = config(&["--config", &file], &variables);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    for expected in [
        "there is no setting POOL_SISE",
        "LOG_FORMAT is \"xml\"",
        "INSECURE=true",
    ] {
        assert!(errors.contains(expected), "{errors}");
    }
    assert_eq!(errors.lines().count(), 3, "{errors}");
}
