//! Damage planted in a store is found by `shop events verify`, which names its position.

use anyhow::{Context, Result};
use serde_json::Value;

use super::support::{Engine, Log, Store, log, position};
use crate::golden::check;
use crate::support::{printed, rejected};

/// Findings, each as kind and position; 0 without one.
type Findings = Vec<(String, u64)>;

/// Verifies a store. Returns what was found, in the order of the report.
fn verify(store: &Store) -> Result<Findings> {
    let output = store.shop(&["events", "verify", "-o", "json"]);
    let report: Value = serde_json::from_slice(&output.stdout)
        .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
    let findings = report["findings"].as_array().context("findings")?;
    assert_eq!(output.status.success(), findings.is_empty(), "{report}");
    assert_eq!(output.status.code(), Some(i32::from(!findings.is_empty())));
    let counts = report["counts"].as_object().context("counts")?;
    let counts = counts.values().filter_map(Value::as_u64);
    assert_eq!(counts.sum::<u64>(), findings.len() as u64, "{report}");
    let findings = findings.iter().map(|finding| {
        let kind = finding["kind"].as_str().unwrap_or_default().to_owned();
        (kind, finding["first"].as_u64().unwrap_or_default())
    });
    Ok(findings.collect())
}

/// Plants damage in a copy of the log, and expects exactly these findings.
async fn planted(log: &Log, engine: Engine, sql: &str, expected: &[(&str, u64)]) -> Result<Store> {
    let store = log.store(engine).await?;
    store.run(sql).await.with_context(|| sql.to_owned())?;
    let mut found = verify(&store)?;
    found.sort();
    let expected = expected.iter();
    let mut expected: Findings = expected
        .map(|(kind, position)| ((*kind).to_owned(), *position))
        .collect();
    expected.sort();
    assert_eq!(found, expected, "{engine:?}: {sql}");
    Ok(store)
}

/// The events that the damage concerns.
struct Places {
    /// In the middle of a stream, at the end of a commit.
    paid: u64,
    /// The next event of its stream.
    after_paid: u64,
    /// The first event of a commit with more events.
    first: u64,
    /// The next event of the stream of `first`.
    after_first: u64,
    /// The last event of the log.
    head: u64,
    /// The start of a saga.
    saga: u64,
    order: String,
}

impl Places {
    fn of(log: &Log) -> Result<Self> {
        let next = |event: &Value| -> Result<u64> {
            let version = event["version"].as_u64().map(|version| version + 1);
            let mut events = log.events.iter();
            let next = events.find(|other| {
                other["streamId"] == event["streamId"]
                    && other["streamType"] == event["streamType"]
                    && other["version"].as_u64() == version
            });
            Ok(position(next.context("a next version")?))
        };
        let paid = log.find("OrderPaymentProcessed", |_| true)?;
        let first = log.find("SagaStepCompleted", |event| {
            event["data"]["step"] == "reserve_inventory"
        })?;
        Ok(Self {
            paid: position(paid),
            after_paid: next(paid)?,
            first: position(first),
            after_first: next(first)?,
            head: log.head(),
            saga: position(log.find("SagaStarted", |_| true)?),
            order: paid["streamId"].as_str().context("an id")?.to_owned(),
        })
    }
}

#[tokio::test]
async fn damage_of_rows_is_found_on_both_engines() -> Result<()> {
    let log = log().await?;
    let at = Places::of(&log)?;
    let Places {
        paid,
        after_paid,
        first,
        after_first,
        head,
        saga,
        ..
    } = at;
    for engine in [Engine::Sqlite, Engine::Postgres] {
        assert_eq!(verify(&log.store(engine).await?)?, [], "a whole log");
        let update =
            |set: &str, position: u64| format!("UPDATE events SET {set} WHERE id = {position}");
        let deleted = format!("DELETE FROM events WHERE id = {paid}");
        let lost = [("missingPosition", paid), ("missingVersion", after_paid)];
        let store = planted(&log, engine, &deleted, &lost).await?;
        check("events-verify-damaged.txt", &table(&store));

        // The first event of a commit: the others belong to no commit.
        let deleted = format!("DELETE FROM events WHERE id = {first}");
        assert_eq!(after_first, first + 1);
        let lost = [
            ("missingPosition", first),
            ("missingVersion", after_first),
            ("eventWithoutCommit", first + 1),
        ];
        planted(&log, engine, &deleted, &lost).await?;

        let outside = update("id = -5", head);
        planted(&log, engine, &outside, &[("storage", 0)]).await?;

        let unknown = update("event_type = 'OfNextYear'", paid);
        planted(&log, engine, &unknown, &[("unknownEventType", paid)]).await?;
        let undecodable = update("event_data = '{}'", paid);
        planted(&log, engine, &undecodable, &[("undecodableData", paid)]).await?;
        let newer = update("schema_version = 99", paid);
        planted(&log, engine, &newer, &[("undecodableData", paid)]).await?;
        let foreign = update("event_id = '00000000-0000-0000-0000-000000000001'", paid);
        planted(&log, engine, &foreign, &[("foreignEvent", paid)]).await?;
        let gap = update("event_version = event_version + 1000", head);
        planted(&log, engine, &gap, &[("missingVersion", head)]).await?;

        let (metadata, time, order) = match engine {
            Engine::Sqlite => (
                "event_metadata = '{'",
                "created_at = 'yesterday'",
                "event_data = json_set(event_data, '$.subject', 'none')",
            ),
            Engine::Postgres => (
                "event_metadata = '\"damaged\"'",
                "created_at = 'infinity'",
                "event_data = jsonb_set(event_data, '{subject}', '\"none\"')",
            ),
        };
        let unreadable = [("unreadableEvent", paid)];
        planted(&log, engine, &update(metadata, paid), &unreadable).await?;
        planted(&log, engine, &update(time, paid), &unreadable).await?;
        planted(&log, engine, &update(order, saga), &[("orphan", saga)]).await?;
    }
    Ok(())
}

fn table(store: &Store) -> String {
    let output = store.shop(&["events", "verify"]);
    let reason = rejected(&output, 1);
    let log = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines = log.lines().filter(|line| !line.starts_with("Log "));
    lines.collect::<Vec<_>>().join("\n") + "\n" + &reason
}

/// With the unique indexes gone, versions and command ids can be doubled.
#[tokio::test]
async fn doubled_values_are_found_on_both_engines() -> Result<()> {
    let log = log().await?;
    let Places {
        paid,
        after_paid,
        head,
        ..
    } = Places::of(&log)?;
    let later = log.find("OrderShipped", |_| true)?;
    let later = position(later);
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let (streams, commands) = match engine {
            Engine::Sqlite => ("DROP INDEX events_stream", "DROP INDEX events_command"),
            Engine::Postgres => (
                "ALTER TABLE events DROP CONSTRAINT events_aggregate_type_aggregate_id_event_version_key",
                "DROP INDEX events_command_id_key",
            ),
        };
        let doubled = format!(
            "{streams}; UPDATE events SET event_version = event_version - 1 WHERE id = {paid}"
        );
        let mut found = vec![
            ("storage", 0),
            ("repeatedVersion", paid),
            ("missingVersion", after_paid),
        ];
        if engine == Engine::Postgres {
            // The server also names the event itself.
            found.push(("storage", paid));
        }
        planted(&log, engine, &doubled, &found).await?;

        let doubled = format!(
            "{commands}; UPDATE events SET command_id = (SELECT command_id FROM events WHERE id = 1) WHERE id = {later}"
        );
        let store = log.store(engine).await?;
        store.run(&doubled).await?;
        let found = verify(&store)?;
        assert!(
            found.contains(&("repeatedCommand".to_owned(), later)),
            "{found:?}"
        );
        assert!(found.contains(&("storage".to_owned(), 0)), "{found:?}");
        assert!(
            !found.iter().any(|(_, position)| *position == head),
            "{found:?}"
        );
    }
    let doubled = format!(
        "ALTER TABLE events DROP CONSTRAINT events_pkey;
         ALTER TABLE events DROP CONSTRAINT events_aggregate_type_aggregate_id_event_version_key;
         INSERT INTO events SELECT * FROM events WHERE id = {paid}"
    );
    let found = [
        ("storage", 0),
        ("storage", 0),
        ("storage", paid),
        ("storage", paid),
        ("repeatedPosition", paid),
        ("repeatedVersion", paid),
        ("foreignEvent", paid),
    ];
    planted(&log, Engine::Postgres, &doubled, &found).await?;
    Ok(())
}

/// A row that the adapter cannot return fails neither the verification nor the rest of the log.
#[tokio::test]
async fn a_row_that_cannot_be_returned_is_named() -> Result<()> {
    let log = log().await?;
    let Places {
        paid, after_paid, ..
    } = Places::of(&log)?;
    let sql = format!(
        "ALTER TABLE events ALTER aggregate_type DROP NOT NULL;
         UPDATE events SET aggregate_type = NULL WHERE id = {paid}"
    );
    let found = [("unreadablePosition", paid), ("missingVersion", after_paid)];
    planted(&log, Engine::Postgres, &sql, &found).await?;
    Ok(())
}

/// The events of a damaged page are named, and the others are verified.
#[tokio::test]
async fn a_damaged_page_of_a_file_is_reported() -> Result<()> {
    const PAGE: usize = 4096;
    let log = log().await?;
    let store = log.store(Engine::Sqlite).await?;
    let path = store.path().context("a file")?;
    let mut file = std::fs::read(&path)?;
    // The id of an event is in its row, and in no index.
    let id = log.events[0]["eventId"].as_str().context("an id")?;
    let texts = file.windows(id.len()).enumerate();
    let pages = texts.filter(|(_, text)| *text == id.as_bytes());
    let mut pages = pages.map(|(place, _)| place / PAGE * PAGE);
    // Only a leaf of a table, which has this number: another page may hold what is left of the row from before a split.
    let page = pages.find(|page| file[*page] == 0x0d);
    let page = page.context("the first event's row")?;
    file[page..page + PAGE].fill(0xff);
    std::fs::write(&path, file)?;
    let output = store.shop(&["events", "verify", "-o", "json"]);
    let reason = rejected(&output, 1);
    let report: Value = serde_json::from_slice(&output.stdout).context(reason)?;
    let findings = report["findings"].as_array().context("findings")?;
    let of_kind = |kind: &str| findings.iter().find(|finding| finding["kind"] == kind);
    let storage = of_kind("storage").context("the file's own check")?;
    let detail = storage["detail"].as_str().unwrap_or_default();
    assert!(detail.starts_with("the file is damaged"), "{report}");
    let rows = of_kind("unreadablePosition").context("the rows of the page")?;
    assert_eq!(rows["first"], 1, "{report}");
    let last = rows["last"].as_u64().context("several rows")?;
    assert_eq!(report["events"], log.head() - last, "{report}");
    Ok(())
}

#[tokio::test]
async fn snapshots_that_do_not_match_their_stream_are_found_on_both_engines() -> Result<()> {
    let log = log().await?;
    let Places { order, paid, .. } = Places::of(&log)?;
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let snapshot = |id: &str, version: u64, event_id: &str| {
            let state = format!(r#"{{"event_id":"{event_id}","state":{{}}}}"#);
            format!(
                "INSERT INTO snapshots (aggregate_type, aggregate_id, schema_version, version, created_at, state)
                 VALUES ('order', '{id}', 1, {version}, '2026-11-30T00:00:00Z', '{state}')"
            )
        };
        let other = "00000000-0000-0000-0000-000000000001";
        let paid = log.events.iter().find(|event| position(event) == paid);
        let paid = paid
            .and_then(|event| event["eventId"].as_str())
            .context("an id")?;
        planted(&log, engine, &snapshot(&order, 2, paid), &[]).await?;
        let foreign = [("foreignSnapshot", 0)];
        for (id, version, event_id) in [
            ("none", 1, other),
            (order.as_str(), 4711, other),
            (order.as_str(), 2, other),
        ] {
            planted(&log, engine, &snapshot(id, version, event_id), &foreign).await?;
        }
        // An index of the log: its version is a position.
        let index = snapshot("open", log.head() + 1, other).replace("'order'", "'saga_index'");
        planted(&log, engine, &index, &foreign).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_whole_log_is_verified_next_to_a_running_shop() -> Result<()> {
    let log = log().await?;
    let path = log.folder.path().display().to_string();
    let _running = crate::support::open(&log.folder).await?;
    let verified = printed(&crate::support::shop(&[
        "events",
        "verify",
        "--data-dir",
        &path,
    ]));
    assert!(verified.ends_with("Findings   none\n"), "{verified}");
    Ok(())
}
