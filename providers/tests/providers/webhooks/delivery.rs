//! One delivery: the request, and the result of each answer.

use std::path::Path;
use std::time::Duration;

use chrono::TimeDelta;
use sagas::CallError;
use test_python::Script;

use super::receiver::{Behaviour, Receiver};
use super::{NEXT_SECRET, SECRET, endpoint, event, publisher};
use crate::support::{noon, soon};

const DELIVERED: Behaviour = Behaviour::Status(204);

async fn deliver(text: &str) -> Result<(), CallError> {
    let (publisher, _clock) = publisher(text);
    soon("an answer", publisher.deliver(&event(17))).await
}

#[tokio::test]
async fn an_event_is_posted_as_a_cloud_event() {
    let receiver = Receiver::start(DELIVERED).await;
    let url = format!("{}/a%2Fb?key=a%20b&key=c", receiver.url);
    let text = format!(
        "source = \"https://shop.example/eu\"\n{}",
        endpoint(&url, "")
    );
    assert_eq!(deliver(&text).await, Ok(()));
    let request = &receiver.received()[0];
    assert_eq!(
        request.uri.to_string(),
        "/hooks/a%2Fb?key=a%20b&key=c",
        "the receiver's own"
    );
    assert_eq!(
        request.header("content-type"),
        "application/cloudevents+json"
    );
    let id = event(17).event_id;
    let expected = format!(
        "{{\"specversion\":\"1.0\",\"id\":\"{id}\",\"source\":\"https://shop.example/eu\",\
         \"type\":\"OrderCreated\",\"subject\":\"order/o-1\",\"time\":\"2030-01-01T12:00:00.000000Z\",\
         \"datacontenttype\":\"application/json\",\"sequence\":\"00000000000000000017\",\
         \"partitionkey\":\"order/o-1\",\"schemaversion\":1,\
         \"data\":{{\"total\":19.90,\"city\":\"Köln\"}}}}"
    );
    assert_eq!(std::str::from_utf8(&request.body), Ok(expected.as_str()));
    assert_eq!(request.header("webhook-id"), id.to_string());
    let seconds = noon().timestamp().to_string();
    assert_eq!(request.header("webhook-timestamp"), seconds);
}

#[tokio::test]
async fn attempts_for_an_event_have_one_id_and_one_body_and_their_own_time_and_signature() {
    let receiver = Receiver::start(Behaviour::Status(500)).await;
    let (publisher, clock) = publisher(&endpoint(&receiver.url, ""));
    assert!(publisher.deliver(&event(1)).await.is_err());
    clock.advance(TimeDelta::seconds(90));
    receiver.behave(DELIVERED);
    assert_eq!(publisher.deliver(&event(1)).await, Ok(()));
    let requests = receiver.received();
    let [first, second] = &requests[..] else {
        panic!("{requests:?}");
    };
    assert_eq!(first.header("webhook-id"), second.header("webhook-id"));
    assert_eq!(first.body, second.body);
    let seconds = |of: &super::receiver::Received| {
        let text = of.header("webhook-timestamp").to_owned();
        text.parse::<i64>().expect("seconds")
    };
    assert_eq!(seconds(second) - seconds(first), 90);
    assert_ne!(
        first.header("webhook-signature"),
        second.header("webhook-signature")
    );
}

#[tokio::test]
async fn all_secrets_sign_during_a_rotation() {
    let receiver = Receiver::start(DELIVERED).await;
    let one = endpoint(&receiver.url, "");
    assert_eq!(deliver(&one).await, Ok(()));
    let both = one.replace(
        &format!("\"{SECRET}\""),
        &format!("[\"{NEXT_SECRET}\", \"{SECRET}\"]"),
    );
    assert_eq!(deliver(&both).await, Ok(()));
    let requests = receiver.received();
    let old = requests[0].header("webhook-signature");
    let signatures: Vec<_> = requests[1].header("webhook-signature").split(' ').collect();
    assert_eq!(signatures.len(), 2);
    assert!(signatures[0].starts_with("v1,") && signatures[0] != old);
    assert_eq!(signatures[1], old);
}

#[tokio::test]
async fn each_status_is_mapped_to_a_result() {
    let receiver = Receiver::start(DELIVERED).await;
    let (publisher, _clock) = publisher(&endpoint(&receiver.url, ""));
    let not_accepted = |code| {
        let reason = format!("the endpoint does not accept the event ({code})");
        Err(CallError::transient(reason))
    };
    let failed = |code| Err(CallError::unknown(format!("the endpoint failed ({code})")));
    let busy = |code| {
        let reason = format!("the endpoint cannot take the event now ({code})");
        Err(CallError::transient(reason))
    };
    for (status, expected) in [
        (200, Ok(())),
        (202, Ok(())),
        (204, Ok(())),
        (400, not_accepted(400)),
        (401, not_accepted(401)),
        (404, not_accepted(404)),
        (408, not_accepted(408)),
        (410, Err(CallError::declined("the endpoint is gone (410)"))),
        (422, not_accepted(422)),
        (429, busy(429)),
        (500, failed(500)),
        (502, failed(502)),
        (503, busy(503)),
        (504, failed(504)),
    ] {
        receiver.behave(Behaviour::Status(status));
        let delivered = publisher.deliver(&event(1)).await;
        assert_eq!(delivered, expected, "{status}");
    }
}

#[tokio::test]
async fn the_retry_after_of_a_receiver_is_returned() {
    let receiver = Receiver::start(DELIVERED).await;
    let (publisher, _clock) = publisher(&endpoint(&receiver.url, ""));
    for status in [429, 503, 500, 404] {
        receiver.behave(Behaviour::RetryAfter(status, 120));
        let failure = publisher.deliver(&event(1)).await.expect_err("it fails");
        assert_eq!(
            failure.retry_after(),
            Some(Duration::from_mins(2)),
            "{status}"
        );
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let receiver = Receiver::start(DELIVERED).await;
    let text = endpoint(&receiver.url, "");
    for (index, status) in [301, 302, 303, 307, 308].into_iter().enumerate() {
        receiver.behave(Behaviour::Redirect(status));
        let reason = format!("the endpoint redirects ({status}), which is not followed");
        assert_eq!(deliver(&text).await, Err(CallError::transient(reason)));
        assert_eq!(receiver.received().len(), index + 1);
    }
}

#[tokio::test]
async fn a_timeout_is_unknown() {
    let receiver = Receiver::start(Behaviour::Silent).await;
    let delivered = deliver(&endpoint(&receiver.url, "timeout_ms = 50")).await;
    let reason = "the endpoint did not answer within 50 ms";
    assert_eq!(delivered, Err(CallError::unknown(reason)));
}

#[tokio::test]
async fn an_unreachable_endpoint_is_transient() {
    let delivered = deliver(&endpoint("http://127.0.0.1:1/hooks", "")).await;
    let reason = "the provider cannot be reached";
    assert_eq!(delivered, Err(CallError::transient(reason)));
}

#[tokio::test]
async fn the_body_after_a_success_is_ignored() {
    let receiver = Receiver::start(Behaviour::Endless).await;
    assert_eq!(deliver(&endpoint(&receiver.url, "")).await, Ok(()));
}

#[tokio::test]
async fn an_event_without_a_subscription_is_not_sent() {
    let receiver = Receiver::start(DELIVERED).await;
    let text = endpoint(&receiver.url, "");
    let (publisher, _clock) = publisher(&text.replace("\"all\"", "[\"ProductCreated\"]"));
    assert!(publisher.selects("ProductCreated") && !publisher.selects("OrderCreated"));
    assert_eq!(publisher.deliver(&event(1)).await, Ok(()));
    assert!(receiver.received().is_empty());
}

#[tokio::test]
async fn all_events_means_the_known_types() {
    let receiver = Receiver::start(DELIVERED).await;
    let (publisher, _clock) = publisher(&endpoint(&receiver.url, ""));
    let mut internal = event(1);
    internal.event_type = "SagaStarted".to_owned();
    assert_eq!(publisher.deliver(&internal).await, Ok(()));
    assert!(receiver.received().is_empty());
}

#[tokio::test]
async fn data_that_is_not_json_is_never_sent() {
    let receiver = Receiver::start(DELIVERED).await;
    let (publisher, _clock) = publisher(&endpoint(&receiver.url, ""));
    let mut broken = event(1);
    broken.data = "{".to_owned();
    let delivered = publisher.deliver(&broken).await;
    let reason = "the stored data of the event are not JSON";
    assert_eq!(delivered, Err(CallError::transient(reason)));
    assert!(receiver.received().is_empty());
}

#[tokio::test]
async fn an_endpoint_behind_tls_is_trusted_by_its_authority() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().to_str().expect("a path");
    let script =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/providers/foreign/tls_carrier.py");
    let mut script = Script::start(&script, &[path]).await.expect("a server");
    let port = script.line().await.expect("its port");
    let url = format!("https://localhost:{port}/hooks");
    let stranger = deliver(&endpoint(&url, "")).await;
    assert!(
        matches!(stranger, Err(CallError::Transient { .. })),
        "{stranger:?}"
    );
    let trusted = endpoint(&url, &format!("ca_file = \"{path}/ca.pem\""));
    assert_eq!(deliver(&trusted).await, Ok(()));
}
