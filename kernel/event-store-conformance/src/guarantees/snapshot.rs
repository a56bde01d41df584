//! A snapshot is replaced only by a newer one of its schema version, and removed if it does not belong to its stream.

use event_sourcing::{EventStore, Snapshot, StreamId, Version};
use serde_json::{Value, json};

use crate::Harness;
use crate::support::{moment, stream};

fn snapshot(stream: &StreamId, schema_version: u32, version: u64, state: &Value) -> Snapshot {
    Snapshot {
        stream: stream.clone(),
        version: Version(version),
        schema_version,
        state: state.to_string(),
        created_at: moment(),
    }
}

async fn loaded(
    store: &dyn EventStore,
    stream: &StreamId,
    schema_version: u32,
) -> Option<(u64, Value)> {
    let snapshot = store.load_snapshot(stream, schema_version).await;
    let snapshot = snapshot.expect("the store returns a result")?;
    assert_eq!(&snapshot.stream, stream);
    assert_eq!(snapshot.schema_version, schema_version);
    assert_eq!(snapshot.created_at, moment());
    let state = serde_json::from_str(&snapshot.state).expect("JSON state");
    Some((snapshot.version.0, state))
}

/// A snapshot of the same or a lower version does not replace the stored one; a higher one does.
pub async fn a_snapshot_is_replaced_by_a_higher_version_only(harness: &dyn Harness) {
    let (store, other) = (harness.open().await.events, harness.open().await.events);
    let (a, b) = (stream("a"), stream("b"));
    assert_eq!(loaded(&*store, &a, 1).await, None);

    let states = [
        (100, "first"),
        (200, "higher"),
        (200, "same"),
        (150, "lower"),
        (201, "last"),
    ];
    let expected = ["first", "higher", "higher", "higher", "last"];
    for ((version, state), expected) in states.into_iter().zip(expected) {
        let given = snapshot(
            &a,
            1,
            version,
            &json!({ "name": state, "text": "日本 🦀 \"" }),
        );
        store
            .save_snapshot(&given)
            .await
            .expect("the store returns a result");
        let (_, found) = loaded(&*other, &a, 1).await.expect("a snapshot");
        assert_eq!(
            found["name"], expected,
            "after {state} at version {version}"
        );
        assert_eq!(found["text"], "日本 🦀 \"");
    }
    assert_eq!(
        loaded(&*store, &a, 1).await.map(|(version, _)| version),
        Some(201)
    );
    assert_eq!(
        loaded(&*store, &b, 1).await,
        None,
        "another stream has none"
    );
}

/// Binaries with different schema versions do not replace each other's snapshots.
pub async fn each_schema_version_has_its_snapshot(harness: &dyn Harness) {
    let store = &*harness.open().await.events;
    let a = stream("a");
    for (schema_version, version) in [(2, 500), (1, 300), (3, 1), (1, 400)] {
        let given = snapshot(&a, schema_version, version, &json!([schema_version]));
        store
            .save_snapshot(&given)
            .await
            .expect("the store returns a result");
    }
    assert_eq!(loaded(store, &a, 1).await, Some((400, json!([1]))));
    assert_eq!(loaded(store, &a, 2).await, Some((500, json!([2]))));
    assert_eq!(loaded(store, &a, 3).await, Some((1, json!([3]))));
    assert_eq!(loaded(store, &a, 4).await, None);
}

/// After a snapshot that does not match its stream's events was removed, one of a lower version can be saved.
pub async fn a_removed_snapshot_can_be_replaced_by_a_lower_one(harness: &dyn Harness) {
    let (store, other) = (harness.open().await.events, harness.open().await.events);
    let (a, b) = (stream("a"), stream("b"));
    for (stream, schema_version) in [(&a, 1), (&a, 2), (&b, 1)] {
        let given = snapshot(stream, schema_version, 300, &json!("foreign"));
        let saved = store.save_snapshot(&given).await;
        saved.expect("the store returns a result");
    }
    let remove = async |version| {
        let removed = store.remove_snapshot(&a, 1, Version(version)).await;
        removed.expect("the store removes it");
    };
    for other_version in [299, 301] {
        remove(other_version).await;
        assert_eq!(loaded(&*other, &a, 1).await, Some((300, json!("foreign"))));
    }
    for _ in 0..2 {
        remove(300).await;
        assert_eq!(loaded(&*other, &a, 1).await, None);
    }
    for (stream, schema_version) in [(&a, 2), (&b, 1)] {
        let left = loaded(&*other, stream, schema_version).await;
        assert_eq!(left, Some((300, json!("foreign"))));
    }
    let given = snapshot(&a, 1, 100, &json!("own"));
    let saved = store.save_snapshot(&given).await;
    saved.expect("the store returns a result");
    assert_eq!(loaded(&*other, &a, 1).await, Some((100, json!("own"))));
}
