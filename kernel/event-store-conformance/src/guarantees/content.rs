//! Events are read as they were stored.

use std::collections::BTreeMap;

use event_sourcing::commit::MAX_COMMIT_EVENTS;
use event_sourcing::event::MAX_EVENT_BYTES;
use event_sourcing::{
    Commit, EncodedEvent, ExpectedVersion, Metadata, NewEvent, Position, StoreError, StreamId,
    Version, Write,
};
use serde_json::{Value, json};

use crate::Harness;
use crate::support::{
    accepted, command, commit, event, moment, read_stream, stream, version, whole_log, write,
};

/// Parses JSON. A store may store it in another format, which need not preserve white space.
fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON data")
}

fn unusual_data() -> Vec<Value> {
    vec![
        json!({}),
        json!({ "text": "Grüße, 日本語, 🦀, e\u{301}, \u{202e}right to left" }),
        json!({ "quotes": "\" ' ` \\ \\\\ / $1 ? ; -- % _ {} []", "lines": "a\r\n\tb\u{1}\u{7f}" }),
        json!({ "numbers": [0, -1, i64::MIN, i64::MAX, u64::MAX, 0.1, -2.5] }),
        json!({ "nested": { "empty": [], "none": null, "yes": true, "": { "ключ": "значение" } } }),
        json!(["an", "array"]),
        json!("text alone"),
        Value::Null,
    ]
}

fn metadata() -> Metadata {
    let trace = [
        ("traceparent", "00-0af7-b7ad-01"),
        ("tracestate", "ключ=🦀"),
    ];
    Metadata {
        correlation_id: Some("request \"7\" 日本".to_owned()),
        causation_id: Some("command\\7".to_owned()),
        user_id: Some("ada@example.org 🦀".to_owned()),
        operation: Some("öffnen \"7\"".into()),
        trace: BTreeMap::from(trace.map(|(key, value)| (key.to_owned(), value.to_owned()))),
    }
}

/// Names, ids, schema version, data, metadata and time of an event are read as they were written, with any characters.
pub async fn an_event_is_read_as_it_was_stored(harness: &dyn Harness) {
    let store = &*harness.open().await.events;
    let odd = StreamId::new("Типы '\"", "id ? $1 \" ' \\ 🦀 日本 / %_");
    let near = StreamId::new("Типы '\"", "ID ? $1 \" ' \\ 🦀 日本 / %_");
    let events: Vec<_> = (1..)
        .zip(unusual_data())
        .map(|(schema_version, data)| NewEvent {
            event: EncodedEvent {
                event_type: "Ereignis '🦀'",
                schema_version,
                data: data.to_string(),
            },
            metadata: if schema_version == 1 {
                Metadata::default()
            } else {
                metadata()
            },
        })
        .collect();
    let written = Write {
        stream: odd.clone(),
        expected: ExpectedVersion::NoStream,
        events: events.clone(),
    };
    accepted(store, commit(command(1), vec![written])).await;
    assert_eq!(
        version(store, &near).await,
        Version::NONE,
        "ids differ by case"
    );

    let stored = read_stream(store, &odd, 100).await;
    assert_eq!(stored.len(), events.len());
    for (index, (stored, given)) in stored.iter().zip(&events).enumerate() {
        let place = index as u64 + 1;
        assert_eq!((stored.position.0, stored.version.0), (place, place));
        assert_eq!(stored.stream, odd);
        assert_eq!(stored.event_id, command(1).event_id(index));
        assert_eq!(stored.command_id, (index == 0).then_some(command(1)));
        assert_eq!(stored.event_type, given.event.event_type);
        assert_eq!(stored.schema_version, given.event.schema_version);
        assert_eq!(json(&stored.data), json(&given.event.data));
        assert_eq!(stored.metadata, given.metadata);
        assert_eq!(stored.recorded_at, moment(), "including microseconds");
    }
    assert_eq!(
        whole_log(store).await,
        stored,
        "the log and the stream have the same events"
    );
    let other = commit(command(2), vec![write(&near, ExpectedVersion::NoStream, 1)]);
    let receipt = accepted(store, other).await;
    assert_eq!(receipt.versions, [(near, Version(1))]);
}

/// The largest commit is one commit: adjacent positions, one command id, one receipt.
pub async fn a_commit_holds_a_thousand_events(harness: &dyn Harness) {
    let store = &*harness.open().await.events;
    let (a, b) = (stream("a"), stream("b"));
    let half = MAX_COMMIT_EVENTS / 2;
    let writes = vec![
        write(&a, ExpectedVersion::NoStream, half),
        write(&b, ExpectedVersion::NoStream, half),
    ];
    let receipt = accepted(store, commit(command(1), writes)).await;
    let count = MAX_COMMIT_EVENTS as u64;
    assert_eq!(
        (receipt.first, receipt.last),
        (Position(1), Position(count))
    );
    let versions = [(a, Version(count / 2)), (b, Version(count / 2))];
    assert_eq!(receipt.versions, versions);

    let log = whole_log(store).await;
    assert_eq!(log.len(), MAX_COMMIT_EVENTS);
    for (index, event) in log.iter().enumerate() {
        assert_eq!(event.position.0, index as u64 + 1);
        assert_eq!(event.command_id.is_some(), index == 0);
        assert_eq!(event.event_id, command(1).event_id(index));
        assert_eq!(json(&event.data), json!({ "n": index % half }));
    }
    let status = store
        .command_status(command(1), &[])
        .await
        .expect("the status");
    let found = status.receipt.expect("a receipt");
    assert_eq!(
        (found.last, found.versions),
        (receipt.last, receipt.versions)
    );
}

/// An event of the maximum size is accepted, with any time.
pub async fn a_large_event_is_read_completely(harness: &dyn Harness) {
    let store = &*harness.open().await.events;
    let a = stream("a");
    let text = "x".repeat(MAX_EVENT_BYTES - 2);
    let written = Write {
        stream: a.clone(),
        expected: ExpectedVersion::NoStream,
        events: vec![event("Large", format!("\"{text}\""))],
    };
    let early = chrono::DateTime::from_timestamp_micros(1).expect("a moment");
    let commit = Commit::try_new(command(1), early, vec![written], None).expect("a commit");
    let receipt = accepted(store, commit).await;
    assert_eq!(receipt.recorded_at, early);
    let stored = read_stream(store, &a, 1).await;
    assert_eq!(json(&stored[0].data), Value::String(text));
    assert_eq!(stored[0].recorded_at, early);
}

/// A name with U+0000, which some engines cannot store, is either stored unchanged or rejected permanently. It is never
/// confused with another name.
pub async fn a_name_with_nul_is_not_confused_with_another(harness: &dyn Harness) {
    let store = &*harness.open().await.events;
    let (plain, odd) = (stream("a"), stream("a\0b"));
    accepted(
        store,
        commit(
            command(1),
            vec![write(&plain, ExpectedVersion::NoStream, 2)],
        ),
    )
    .await;
    let batch = [commit(
        command(2),
        vec![write(&odd, ExpectedVersion::NoStream, 1)],
    )];
    match store.append(&batch).await {
        Ok(answers) => {
            assert!(
                answers[0].is_ok(),
                "it is a separate stream, got {answers:?}"
            );
            let stored = read_stream(store, &odd, 10).await;
            assert_eq!(stored.len(), 1);
            assert_eq!(stored[0].stream, odd);
        }
        Err(error) => assert!(matches!(error, StoreError::Failed { .. }), "{error}"),
    }
    assert_eq!(version(store, &plain).await, Version(2));
    assert_eq!(read_stream(store, &plain, 10).await.len(), 2);
}
