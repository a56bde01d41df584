//! `shop doctor`, for a shop that is well, one that is stopped, one with work that is stuck, and on a server with unsafe settings.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use domain::category::Category;
use event_sourcing::Aggregate;
use serde_json::Value;
use test_postgres::Cluster;
use test_shop::{Folder, Process, Start};
use tokio::time::{Instant, sleep};

use crate::documents::Stage;
use crate::golden::check;
use crate::support::{LISTENERS, SHOP, Shop, open_with, printed, shop_as, stocked};
use crate::unknown_event;

const WAIT_TIMEOUT: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Nothing listens there.
const NOWHERE: [(&str, &str); 5] = [
    ("CLIENT_HTTP_ADDR", "127.0.0.1:1"),
    ("COMMAND_GRPC_ADDR", "127.0.0.1:1"),
    ("COMMAND_METRICS_ADDR", "127.0.0.1:1"),
    ("QUERY_GRPC_ADDR", "127.0.0.1:1"),
    ("QUERY_METRICS_ADDR", "127.0.0.1:1"),
];

/// The addresses of a running shop, as the settings of its listeners.
fn addresses(running: &Process) -> Result<Vec<(&'static str, String)>> {
    let addresses = LISTENERS.iter();
    addresses
        .map(|listener| Ok((*listener, running.address(listener)?.to_string())))
        .collect()
}

fn borrowed<'a>(settings: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    let settings = settings.iter();
    settings
        .map(|(name, value)| (*name, value.as_str()))
        .collect()
}

/// Runs it with the data of `folder` and these settings.
fn doctor(folder: &Folder, settings: &[(&str, &str)], rest: &[&str]) -> Output {
    let data = folder.path().display().to_string();
    shop_as(&[&["doctor", "--data-dir", &data], rest].concat(), settings)
}

/// The checks that have this status.
fn with_status(output: &Output, status: &str) -> Result<Vec<Value>> {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let checks: Vec<Value> = text
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    Ok(checks
        .into_iter()
        .filter(|check| check["status"] == status)
        .collect())
}

/// The text with the folder and all numbers replaced, without the free space of this machine, and without what the services
/// report about each other, which changes with time.
fn shape(folder: &Folder, text: &str) -> String {
    let text = text.replace(&folder.path().display().to_string(), "FOLDER");
    let (before, disk) = text.split_once("disk:\n").unwrap_or((&text, ""));
    let (_, after) = disk.split_once("services:\n").unwrap_or_default();
    let after = after.lines().map(|line| match line.split_once(": grpc: ") {
        Some((start, _)) => format!("{start}: …\n"),
        None => format!("{line}\n"),
    });
    let text = format!("{before}services:\n{}", after.collect::<String>());
    let mut shape = String::new();
    for word in text.split_inclusive([' ', '\n']) {
        let bare = word.trim_end_matches([' ', '\n', ',']);
        let is_count = bare.parse::<f64>().is_ok() || bare.starts_with("127.0.0.1:");
        let is_unit = ["B", "kB", "MB", "GB", "TB"].contains(&bare);
        if is_count {
            shape.push_str(&word.replace(bare, "N"));
        } else if is_unit {
            shape.push_str(&word.replace(bare, "bytes"));
        } else {
            shape.push_str(word);
        }
    }
    shape
}

/// Repeats it until the checks that failed are these.
async fn until_failed(folder: &Folder, settings: &[(&str, &str)], expected: &[&str]) -> Result<()> {
    let deadline = Instant::now() + WAIT_TIMEOUT;
    loop {
        let output = doctor(folder, settings, &["--output", "json"]);
        let failed = with_status(&output, "failed")?;
        let names: Vec<&str> = failed
            .iter()
            .filter_map(|check| check["check"].as_str())
            .collect();
        let is_it = |name: &&str| names.iter().any(|found| found.starts_with(*name));
        if names.len() == expected.len() && expected.iter().all(is_it) {
            let code = i32::from(!names.is_empty());
            assert_eq!(output.status.code(), Some(code));
            return Ok(());
        }
        if Instant::now() > deadline {
            bail!("the failed checks are {failed:?}");
        }
        sleep(LOOK_EVERY).await;
    }
}

#[tokio::test]
async fn a_shop_that_is_well_and_the_same_when_it_is_stopped() -> Result<()> {
    let folder = Folder::create()?;
    let mut running = open_with(&folder, &[]).await?;
    stocked(&running, "Sencha", "19.90", 100).await?;
    let settings = addresses(&running)?;
    let settings = borrowed(&settings);
    until_failed(&folder, &settings, &[]).await?;
    let output = printed(&doctor(&folder, &settings, &[]));
    check("doctor.txt", &shape(&folder, &output));
    running.terminate().await?;
    let stopped = printed(&doctor(&folder, &NOWHERE, &[]));
    check("doctor-stopped.txt", &shape(&folder, &stopped));
    Ok(())
}

#[tokio::test]
async fn a_parked_projection_and_a_suspended_saga_fail() -> Result<()> {
    let folder = Folder::create()?;
    unknown_event::append(&folder, Category::stream("tea"), "CategoryOfNextYear").await?;
    let mut before = open_with(&folder, &[]).await?;
    stocked(&before, "Sencha", "19.90", 100).await?;
    let order = Shop::of(&before)?.confirmed_order()?;
    before.terminate().await?;
    let no_payments = [
        ("PAYMENTS_URL", "simulated://?unavailable_rate=1"),
        ("SAGA_RETRY_MAX_MS", "1"),
    ];
    let running = open_with(&folder, &no_payments).await?;
    printed(&Shop::of(&running)?.run(&["order", "cancel", &order, "--reason", "changed my mind"]));
    let settings = addresses(&running)?;
    let settings = borrowed(&settings);
    let expected = ["gateway", "read side", "categories", "saga "];
    until_failed(&folder, &settings, &expected).await?;
    let output = doctor(&folder, &settings, &[]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    check("doctor-stuck.txt", &shape(&folder, &text));
    let data = folder.path().display().to_string();
    let stage = Stage {
        run: &|arguments| shop_as(&[arguments, &["--data-dir", &data]].concat(), &settings),
        names: &[("data/event_store.db", &format!("{data}/event_store.db"))],
    };
    stage
        .run_page("operations/doctor.md", async |_| Ok(()))
        .await?;
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(error, "error: doctor: 4 checks failed\n");
    Ok(())
}

#[tokio::test]
async fn damaged_files_and_open_permissions_are_found() -> Result<()> {
    let folder = Folder::create()?;
    let mut running = open_with(&folder, &[]).await?;
    running.terminate().await?;
    let file = folder.path().join("command_service.db");
    let mut bytes = std::fs::read(&file)?;
    bytes
        .get_mut(4_096..8_192)
        .context("a second page")?
        .fill(0xff);
    std::fs::write(&file, bytes)?;
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o644))?;
    let output = doctor(&folder, &NOWHERE, &["--output", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let failed = with_status(&output, "failed")?;
    let content = failed
        .iter()
        .any(|check| check["check"] == "command database: content");
    assert!(content, "{failed:?}");
    let warnings = with_status(&output, "warning")?;
    let permissions = warnings
        .iter()
        .find(|check| check["check"] == "command database: permissions");
    assert_eq!(permissions.context("a warning")?["found"], "0644");
    Ok(())
}

#[tokio::test]
async fn unsafe_settings_of_a_server_fail_and_no_password_is_shown() -> Result<()> {
    let unsafe_settings = [
        ("fsync", "off"),
        ("full_page_writes", "off"),
        ("synchronous_commit", "off"),
        ("default_transaction_isolation", "repeatable read"),
    ];
    let server = Cluster::start_with(&unsafe_settings).await;
    let (events, command, query) = (
        server.database().await,
        server.database().await,
        server.database().await,
    );
    let with_password = events.url.replace("postgres@", "postgres:SECRET@");
    let settings = [
        ("EVENT_STORE_URL", with_password.as_str()),
        ("COMMAND_DATABASE_URL", command.url.as_str()),
        ("QUERY_DATABASE_URL", query.url.as_str()),
    ];
    let folder = Folder::create()?;
    let start = Start {
        listeners: LISTENERS.to_vec(),
        ..Start::default().with(settings)
    };
    let running = Process::serve(Path::new(SHOP), &start).await?;
    let places = addresses(&running)?;
    let settings = [&borrowed(&places)[..], &settings[..]].concat();
    let output = doctor(&folder, &settings, &["--output", "json"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!text.contains("SECRET"), "{text}");
    let names = |checks: Vec<Value>| -> Vec<String> {
        let names = checks.iter().filter_map(|check| check["check"].as_str());
        names.map(str::to_owned).collect()
    };
    let failed = names(with_status(&output, "failed")?);
    for database in ["event store", "command database"] {
        for setting in ["fsync", "full_page_writes"] {
            let name = format!("{database}: {setting}");
            assert!(failed.contains(&name), "{failed:?}");
        }
    }
    let warnings = names(with_status(&output, "warning")?);
    for expected in [
        "event store: synchronous_commit",
        "event store: isolation",
        "query database: fsync",
    ] {
        assert!(warnings.iter().any(|name| name == expected), "{warnings:?}");
    }
    let fine = names(with_status(&output, "ok")?);
    for expected in [
        "event store: log",
        "event store: writable",
        "command database: schema",
    ] {
        assert!(fine.iter().any(|name| name == expected), "{fine:?}");
    }

    drop(running);
    server.become_replica().await;
    let output = doctor(&folder, &settings, &["--output", "json"]);
    let failed = names(with_status(&output, "failed")?);
    assert!(
        failed.iter().any(|name| name == "event store: writable"),
        "{failed:?}"
    );
    Ok(())
}

#[tokio::test]
async fn an_event_store_that_lost_events_is_found() -> Result<()> {
    let folder = Folder::create()?;
    let mut running = open_with(&folder, &[]).await?;
    stocked(&running, "Sencha", "19.90", 100).await?;
    test_shop::until("the event handler", async || {
        let shown = printed(&Shop::of(&running)?.run(&["handlers", "list", "--output", "json"]));
        let shown: Value = serde_json::from_str(&shown)?;
        if shown["lag"] == 0 && shown["position"] != 0 {
            return Ok(());
        }
        bail!("{shown}")
    })
    .await?;
    running.terminate().await?;
    let path = folder.path().join("event_store.db");
    let url = format!("sqlite://{}", path.display());
    let mut connection = <sqlx::SqliteConnection as sqlx::Connection>::connect(&url).await?;
    sqlx::query("DELETE FROM events WHERE id = (SELECT max(id) FROM events)")
        .execute(&mut connection)
        .await?;
    sqlx::Connection::close(connection).await?;
    let output = doctor(&folder, &NOWHERE, &["--output", "json"]);
    let failed = with_status(&output, "failed")?;
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert_eq!(failed[0]["check"], "command database: log");
    Ok(())
}

#[tokio::test]
async fn invalid_settings_are_checks_that_fail() -> Result<()> {
    let folder = Folder::create()?;
    let settings = [
        &NOWHERE[..],
        &[("POOL_SIZE", "many"), ("COMMAND_DATABASE_URL", "mysql://h")],
    ]
    .concat();
    let output = doctor(&folder, &settings, &["--output", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let failed = with_status(&output, "failed")?;
    assert_eq!(failed.len(), 2, "{failed:?}");
    let unknown = with_status(&output, "unknown")?;
    assert!(
        unknown.iter().any(|check| check["check"] == "databases"),
        "{unknown:?}"
    );
    Ok(())
}
