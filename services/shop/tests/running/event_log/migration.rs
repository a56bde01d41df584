//! `shop events export` and `import`: a log moves between engines, and a shop continues on the copy.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use test_shop::{Folder, Operation, Process};

use super::support::{Engine, Log, Store, log, position};
use crate::support::{CLIENT_HTTP, SHOP, Shop, open, printed, rejected, shop, start};

/// The lines of an export without the checksum, and with JSON compared by value, since PostgreSQL stores it in its own
/// form.
fn values(file: &str) -> Result<Vec<Value>> {
    let text = std::fs::read_to_string(file)?;
    let mut values = Vec::new();
    for line in text.lines() {
        let mut value: Value = serde_json::from_str(line)?;
        for field in ["data", "metadata"] {
            if let Some(text) = value.get(field).and_then(Value::as_str) {
                value[field] = serde_json::from_str(text)?;
            }
        }
        values.push(value);
    }
    values.pop();
    Ok(values)
}

fn export(store: &Store, log: &Log, name: &str) -> String {
    let file = log.folder.path().join(name).display().to_string();
    printed(&store.shop(&["events", "export", &file]));
    file
}

#[tokio::test]
async fn a_log_is_copied_to_postgres_and_back() -> Result<()> {
    let log = log().await?;
    let server = log.store(Engine::Postgres).await?;
    let from_server = export(&server, &log, "server.jsonl");
    let file = Store::create(Engine::Sqlite).await?;
    printed(&file.shop(&["events", "import", &from_server]));
    let from_file = export(&file, &log, "file.jsonl");
    assert_eq!(values(&log.file)?, values(&from_server)?);
    assert_eq!(values(&log.file)?, values(&from_file)?);
    // A copy on the same engine is the same byte by byte.
    let again = log.store(Engine::Sqlite).await?;
    let again = export(&again, &log, "again.jsonl");
    assert_eq!(std::fs::read(&again)?, std::fs::read(&log.file)?);
    printed(&server.shop(&["events", "verify"]));
    printed(&file.shop(&["events", "verify"]));
    // Standard output has the same lines; an existing file is not replaced.
    let output = server.shop(&["events", "export"]);
    assert_eq!(printed(&output), std::fs::read_to_string(&from_server)?);
    let reason = rejected(&server.shop(&["events", "export", &from_server]), 1);
    assert!(reason.contains("File exists"), "{reason}");
    Ok(())
}

/// Reads, sagas and repeated requests work on the copy, and the read models continue.
#[tokio::test]
async fn a_shop_continues_on_the_copy() -> Result<()> {
    let folder = Folder::create()?;
    let mut running = open(&folder).await?;
    let shipped = super::support::traffic(&running).await?;
    let document = r#"mutation { createCategory(input: { name: "Cups" }) { id } }"#;
    let once = Operation::new(document).with_header("Idempotency-Key", "cups");
    let made = once.data(running.address(CLIENT_HTTP)?).await?;
    assert!(running.terminate().await?.success());
    let path = folder.path().display().to_string();
    let file = folder.path().join("log.jsonl").display().to_string();
    printed(&shop(&["events", "export", "--data-dir", &path, &file]));
    let server = Store::create(Engine::Postgres).await?;
    printed(&server.shop(&["events", "import", &file]));

    let moved = start(&folder).with([("EVENT_STORE_URL", server.url())]);
    let mut running = Process::serve(Path::new(SHOP), &moved).await?;
    let moved = Shop::of(&running)?;
    let order = printed(&moved.run(&["order", "deliver", &shipped, "--output", "json"]));
    let order: Value = serde_json::from_str(&order)?;
    assert_eq!(order["status"], "DELIVERED");
    let repeated = once.data(running.address(CLIENT_HTTP)?).await?;
    assert_eq!(repeated, made, "the same response");
    moved.confirmed_order()?;
    let building = printed(&moved.run(&["projections", "list"]));
    assert!(!building.contains("building"), "{building}");

    // The shop's leases show that it runs.
    let reason = rejected(&server.shop(&["events", "import", &file]), 1);
    assert!(reason.contains("a shop uses it"), "{reason}");
    printed(&server.shop(&["events", "verify"]));
    assert!(running.terminate().await?.success());
    // The old file no longer continues the log.
    let reason = rejected(&shop(&["events", "import", "--data-dir", &path, "none"]), 1);
    assert!(reason.contains("No such file"), "{reason}");
    Ok(())
}

#[tokio::test]
async fn an_interrupted_import_continues() -> Result<()> {
    let log = log().await?;
    // The last event of a commit.
    let half = position(log.find("OrderPaymentProcessed", |_| true)?);
    let inside = half - 1;
    let path = log.folder.path().display().to_string();
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let store = Store::create(engine).await?;
        let first = log.folder.path().join(format!("{engine:?}.jsonl"));
        let first = first.display().to_string();
        let to = inside.to_string();
        let export = ["events", "export", "--data-dir", &path, "--to", &to, &first];
        printed(&shop(&export));
        printed(&store.shop(&["events", "import", &first]));
        for (present, imported) in [(half, log.head() - half), (log.head(), 0)] {
            let output = printed(&store.shop(&["events", "import", &log.file, "-o", "json"]));
            let output: Value = serde_json::from_str(&output)?;
            assert_eq!(output["present"], json!(present), "{output}");
            assert_eq!(output["imported"], json!(imported), "{output}");
            assert_eq!(output["head"], json!(log.head()), "{output}");
        }
        printed(&store.shop(&["events", "verify"]));
    }
    Ok(())
}

/// Nothing of a file that was cut, changed or damaged is written.
#[tokio::test]
async fn a_file_that_is_not_whole_is_rejected() -> Result<()> {
    let log = log().await?;
    let text = std::fs::read_to_string(&log.file)?;
    let lines: Vec<&str> = text.lines().collect();
    let count = lines.len();
    let whole = |lines: &[&str]| lines.join("\n") + "\n";
    let trailer_of = |lines: &[&str]| -> Result<String> {
        use sha2::Digest;
        let digest = sha2::Sha256::digest(whole(lines));
        let hash = format!("{:x}", bytes::Bytes::copy_from_slice(&digest));
        let events = lines.len() - 1;
        let trailer = json!({ "events": events, "sha256": hash });
        Ok(whole(&[lines, &[&trailer.to_string()]].concat()))
    };
    let without_one = [&lines[..9], &lines[10..count - 1]].concat();
    let cases = [
        (whole(&lines[..count - 1]), "it was cut"),
        (text[..text.len() / 2].to_owned(), "it was cut"),
        (
            text.replacen("19.90", "19.91", 1)
                .replacen("Sencha", "Bancha", 1),
            "the file was changed",
        ),
        (
            whole(&[&lines[..9], &lines[10..]].concat()),
            "the trailer counts",
        ),
        (
            trailer_of(&without_one)?,
            "the file is damaged; nothing was written",
        ),
        (
            whole(&[&lines[..], &lines[3..4]].concat()),
            "after the trailer",
        ),
        (whole(&lines[1..]), "it is no export"),
    ];
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let store = Store::create(engine).await?;
        for (content, expected) in &cases {
            let file = log.folder.path().join("bad.jsonl");
            std::fs::write(&file, content)?;
            let file = file.display().to_string();
            let reason = rejected(&store.shop(&["events", "import", &file]), 1);
            assert!(reason.contains(expected), "{expected}: {reason}");
        }
        printed(&store.shop(&["events", "import", &log.file]));
    }
    Ok(())
}

#[tokio::test]
async fn another_log_and_a_store_in_use_are_rejected() -> Result<()> {
    let log = log().await?;
    let folder = Folder::create()?;
    let mut running = open(&folder).await?;
    crate::support::stocked(&running, "Sencha", "19.90", 12).await?;
    let path = folder.path().display().to_string();
    let import = ["events", "import", &log.file, "--data-dir", &path];
    let reason = rejected(&shop(&import), 1);
    let process = format!("is in use by process {}", running.id());
    assert!(reason.contains(&process), "{reason}");
    assert!(running.terminate().await?.success());
    let reason = rejected(&shop(&import), 1);
    assert!(reason.contains("the store holds the log"), "{reason}");

    // The same log with another event.
    let store = log.store(Engine::Sqlite).await?;
    let changed =
        "UPDATE events SET event_data = json_set(event_data, '$.name', 'Other') WHERE id = 3";
    store.run(changed).await?;
    let reason = rejected(&store.shop(&["events", "import", &log.file]), 1);
    assert!(reason.contains("another event at position 3"), "{reason}");

    let late = log.folder.path().join("late.jsonl").display().to_string();
    let source = log.folder.path().display().to_string();
    let export = [
        "events",
        "export",
        "--data-dir",
        &source,
        "--after",
        "5",
        &late,
    ];
    printed(&shop(&export));
    let empty = Store::create(Engine::Sqlite).await?;
    let reason = rejected(&empty.shop(&["events", "import", &late]), 1);
    assert!(reason.contains("the file starts at position 6"), "{reason}");
    let beyond = ["events", "export", "--data-dir", &source, "--to", "100000"];
    let reason = rejected(&shop(&beyond), 1);
    reason.find("are not in the log").context(reason.clone())?;
    Ok(())
}
