//! `shop snapshots`, on both engines.

use anyhow::{Context, Result};
use serde_json::Value;

use super::support::{Engine, log};
use crate::golden::check;
use crate::support::{open, printed, rejected, shop};

#[tokio::test]
async fn snapshots_are_listed_shown_and_deleted() -> Result<()> {
    let log = log().await?;
    let stock = log.find("StockReserved", |_| true)?;
    let id = stock["streamId"].as_str().context("an id")?;
    let event = stock["eventId"].as_str().context("an id")?;
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let store = log.store(engine).await?;
        let mut values = Vec::new();
        for (id, schema) in [(id, 1), (id, 2), ("other", 2)] {
            let state = format!(r#"{{"event_id":"{event}","state":{{"on_hand":7}}}}"#);
            values.push(format!(
                "('stock', '{id}', {schema}, 2, '2026-11-30T00:00:00Z', '{state}')"
            ));
        }
        let columns = "aggregate_type, aggregate_id, schema_version, version, created_at, state";
        let values = values.join(", ");
        store
            .run(&format!(
                "INSERT INTO snapshots ({columns}) VALUES {values}"
            ))
            .await?;

        let list = printed(&store.shop(&["snapshots", "list", "-o", "json"]));
        let groups: Vec<Value> = list
            .lines()
            .map(serde_json::from_str)
            .collect::<Result<_, _>>()?;
        let groups: Vec<_> = groups
            .iter()
            .map(|group| (&group["schemaVersion"], &group["isUsed"], &group["count"]))
            .collect();
        let expected = [
            (1.into(), false.into(), 1.into()),
            (2.into(), true.into(), 2.into()),
        ];
        let expected: Vec<(&Value, &Value, &Value)> =
            expected.iter().map(|(a, b, c)| (a, b, c)).collect();
        assert_eq!(groups, expected);
        let stream = format!("stock/{id}");
        let shown = printed(&store.shop(&["snapshots", "show", &stream]));
        check("snapshots-show.txt", &shown);

        let delete = |arguments: &[&str]| {
            let all = [&["snapshots", "delete"], arguments].concat();
            printed(&store.shop(&all))
        };
        let other = delete(&["--type", "order", "--schema-version", "2"]);
        assert_eq!(other, "0 snapshots were deleted.\n");
        assert_eq!(
            delete(&["--schema-version", "1"]),
            "1 snapshot was deleted.\n"
        );
        assert_eq!(delete(&["--stream", &stream]), "1 snapshot was deleted.\n");
        let list = printed(&store.shop(&["snapshots", "list"]));
        // The other engine stores the state in a form of its own, with another length.
        if engine == Engine::Sqlite {
            check("snapshots-list.txt", &list);
        }
        assert_eq!(delete(&["--all"]), "1 snapshot was deleted.\n");
        let reason = rejected(&store.shop(&["snapshots", "show", &stream]), 1);
        assert!(reason.contains("it has no snapshot"), "{reason}");
        rejected(&store.shop(&["snapshots", "delete"]), 2);
        printed(&store.shop(&["events", "verify"]));
    }
    Ok(())
}

/// A file has one writing process.
#[tokio::test]
async fn snapshots_of_a_file_are_not_deleted_while_a_shop_runs() -> Result<()> {
    let folder = test_shop::Folder::create()?;
    let running = open(&folder).await?;
    let path = folder.path().display().to_string();
    let list = printed(&shop(&["snapshots", "list", "--data-dir", &path]));
    assert!(list.starts_with("STREAM TYPE"), "{list}");
    let delete = shop(&["snapshots", "delete", "--all", "--data-dir", &path]);
    let reason = rejected(&delete, 1);
    let process = format!("is in use by process {}", running.id());
    assert!(reason.contains(&process), "{reason}");
    Ok(())
}
