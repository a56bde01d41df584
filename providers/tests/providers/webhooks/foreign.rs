//! The official libraries of the specifications verify and read the requests.

use std::path::Path;

use chrono::TimeDelta;
use sagas::CallError;
use serde_json::{Value, json};
use test_python::Script;

use super::{NEXT_SECRET, SECRET, endpoint, event, publisher};
use crate::support::{noon, soon};

/// A receiver, with its clock at noon, that verifies with the library `standardwebhooks` and reads with `cloudevents`.
struct Official {
    script: Script,
    url: String,
}

impl Official {
    async fn start(secret: &str) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/providers/foreign/webhook_receiver.py");
        let seconds = noon().timestamp().to_string();
        let script = Script::start(&script, &[&seconds, secret]).await;
        let mut script = script.expect("a receiver");
        let port = script.line().await.expect("its port");
        let url = format!("http://127.0.0.1:{port}/hooks");
        Self { script, url }
    }

    async fn next(&mut self) -> Value {
        let line = self.script.line().await.expect("a delivery");
        serde_json::from_str(&line).expect("JSON")
    }
}

fn not_accepted() -> Result<(), CallError> {
    Err(CallError::transient(
        "the endpoint does not accept the event (401)",
    ))
}

#[tokio::test]
async fn the_official_libraries_verify_the_signature_and_read_the_event() {
    let mut official = Official::start(SECRET).await;
    let (publisher, _clock) = publisher(&endpoint(&official.url, ""));
    let event = event(17);
    let delivered = soon("an answer", publisher.deliver(&event)).await;
    assert_eq!(delivered, Ok(()));
    let received = official.next().await;
    assert_eq!(received["id"], event.event_id.to_string());
    let expected = json!({
        "specversion": "1.0",
        "id": event.event_id.to_string(),
        "source": "/shop",
        "type": "OrderCreated",
        "subject": "order/o-1",
        "time": "2030-01-01T12:00:00+00:00",
        "datacontenttype": "application/json",
        "sequence": "00000000000000000017",
        "partitionkey": "order/o-1",
        "schemaversion": 1,
    });
    assert_eq!(received["attributes"], expected);
    assert_eq!(received["data"], json!({ "total": 19.90, "city": "Köln" }));
}

#[tokio::test]
async fn both_secrets_verify_during_a_rotation_and_no_other() {
    let old = Official::start(SECRET).await;
    let new = Official::start(NEXT_SECRET).await;
    let both = |url: &str| {
        endpoint(url, "").replace(
            &format!("\"{SECRET}\""),
            &format!("[\"{NEXT_SECRET}\", \"{SECRET}\"]"),
        )
    };
    for official in [&old, &new] {
        let (publisher, _clock) = publisher(&both(&official.url));
        let delivered = soon("an answer", publisher.deliver(&event(1))).await;
        assert_eq!(delivered, Ok(()));
    }
    let (publisher, _clock) = publisher(&endpoint(&new.url, ""));
    let delivered = soon("an answer", publisher.deliver(&event(1))).await;
    assert_eq!(delivered, not_accepted());
}

#[tokio::test]
async fn an_attempt_has_its_own_timestamp() {
    let official = Official::start(SECRET).await;
    let (publisher, clock) = publisher(&endpoint(&official.url, ""));
    // The library accepts a difference of five minutes.
    clock.advance(TimeDelta::seconds(300));
    let delivered = soon("an answer", publisher.deliver(&event(1))).await;
    assert_eq!(delivered, Ok(()));
    clock.advance(TimeDelta::seconds(1));
    let delivered = soon("an answer", publisher.deliver(&event(1))).await;
    assert_eq!(delivered, not_accepted());
}
