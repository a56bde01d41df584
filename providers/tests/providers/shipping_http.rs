//! Shipping over HTTP, by the protocol of `docs/providers.md`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use domain::fulfilment::Shipment;
use domain::value::TrackingNumber;
use platform::config::Engine;
use providers::shipping::{HttpShippingSettings, ShippingConfig};
use providers::{ProviderSettings, Providers, Secret, Shipping};
use sagas::{CallError, CompensationResult, OperationStatus};
use serde_json::json;
use test_python::Script;

use crate::fake_carrier::{FakeCarrier, Fault, TOKEN};
use crate::guarantees::{self, Shipments};
use crate::support::{Home, address, clock, key, shipment, soon};

async fn shipping_with(url: &str, token: &str) -> Arc<Shipping> {
    // Shipping over HTTP stores nothing in it.
    let home = Home::new(Engine::Sqlite).await;
    let settings = ProviderSettings {
        shipping: ShippingConfig::Http(HttpShippingSettings {
            base: url.to_owned(),
            token: Secret::parse(token),
            ca_file: None,
        }),
        ..ProviderSettings::default()
    };
    let providers = Providers::from_settings(&settings, &home.database().await, &clock());
    providers.expect("providers").shipping
}

async fn shipping(carrier: &FakeCarrier) -> Arc<Shipping> {
    shipping_with(&carrier.url, TOKEN).await
}

async fn over_tls(url: &str, ca_file: Option<PathBuf>) -> Result<TrackingNumber, CallError> {
    let home = Home::new(Engine::Sqlite).await;
    let settings = ProviderSettings {
        shipping: ShippingConfig::Http(HttpShippingSettings {
            base: url.to_owned(),
            token: None,
            ca_file,
        }),
        ..ProviderSettings::default()
    };
    let providers = Providers::from_settings(&settings, &home.database().await, &clock());
    let shipping = providers.expect("providers").shipping;
    shipping.act(&key("a"), &shipment("o-1", 3)).await
}

#[tokio::test]
async fn nothing_is_sent_to_a_carrier_with_an_untrusted_certificate() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().to_str().expect("a path");
    let script =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/providers/foreign/tls_carrier.py");
    let mut script = Script::start(&script, &[path]).await.expect("a carrier");
    let port = script.line().await.expect("its port");
    let url = format!("https://localhost:{port}");
    let stranger = soon("an answer", over_tls(&url, None)).await;
    assert!(
        matches!(stranger, Err(CallError::Transient { .. })),
        "{stranger:?}"
    );
    let trusted = soon(
        "an answer",
        over_tls(&url, Some(folder.path().join("ca.pem"))),
    )
    .await;
    assert_eq!(trusted.expect("arranged").as_str(), "TLS-1");
    // The certificate is for another name.
    let url = format!("https://127.0.0.1:{port}");
    let other = soon(
        "an answer",
        over_tls(&url, Some(folder.path().join("ca.pem"))),
    )
    .await;
    assert!(
        matches!(other, Err(CallError::Transient { .. })),
        "{other:?}"
    );
}

#[tokio::test]
async fn shipping_fulfils_the_contract_of_the_port() {
    let carrier = FakeCarrier::start().await;
    guarantees::all(&Shipments(&*shipping(&carrier).await)).await;
}

#[tokio::test]
async fn the_shipment_is_sent_according_to_the_protocol() {
    let carrier = FakeCarrier::start().await;
    let shipping = shipping(&carrier).await;
    let arranged = shipping
        .act(&key("saga/1?x=%2f"), &shipment("o-1", 3))
        .await;
    let tracking_number = arranged.expect("arranged");
    assert_eq!(
        carrier.last(),
        json!({
            "order_id": "o-1",
            "address": { "street": "1 High Street", "city": "Town", "postal_code": "12345" },
            "items": [{ "product_id": "tea", "quantity": 3 }],
        })
    );
    let status = shipping.look_up(&key("saga/1?x=%2f")).await;
    assert_eq!(status, Ok(OperationStatus::Done(tracking_number)));
    let fetched = Shipment {
        address: None,
        ..shipment("o-2", 1)
    };
    shipping.act(&key("b"), &fetched).await.expect("arranged");
    assert_eq!(carrier.last()["address"], json!(null));
}

#[tokio::test]
async fn each_status_is_mapped_to_an_error() {
    let carrier = FakeCarrier::start().await;
    let shipping = shipping(&carrier).await;
    let of = async |fault| {
        carrier.fault(fault);
        let name = key(&format!("known/{fault:?}").replace(['(', ')', ' '], ""));
        let answer = shipping.act(&name, &shipment("o-1", 3)).await;
        answer.expect_err("it fails")
    };
    for status in [429, 503] {
        let failure = of(Fault::Status(status)).await;
        assert!(
            matches!(failure, CallError::Transient { .. }),
            "{status}: {failure:?}"
        );
        assert_eq!(
            failure.retry_after(),
            Some(Duration::from_secs(3)),
            "{status}"
        );
    }
    for status in [400, 401, 403, 404] {
        let failure = of(Fault::Status(status)).await;
        assert!(
            matches!(failure, CallError::Transient { .. }),
            "{status}: {failure:?}"
        );
    }
    for status in [409, 422] {
        let failure = of(Fault::Status(status)).await;
        assert_eq!(failure, CallError::declined("no"), "{status}");
    }
    for fault in [
        Fault::Status(500),
        Fault::StatusAfter(500),
        Fault::StatusAfter(504),
        Fault::Lose,
        Fault::Garble,
    ] {
        let failure = of(fault).await;
        assert!(
            matches!(failure, CallError::Unknown { .. }),
            "{fault:?}: {failure:?}"
        );
    }
    let nobody = shipping_with("http://127.0.0.1:1", TOKEN).await;
    let failure = nobody.act(&key("a"), &shipment("o-1", 3)).await;
    assert!(
        matches!(failure, Err(CallError::Transient { .. })),
        "{failure:?}"
    );
}

#[tokio::test]
async fn a_lost_answer_is_found_by_its_key() {
    let carrier = FakeCarrier::start().await;
    let shipping = shipping(&carrier).await;
    for fault in [Fault::Lose, Fault::Garble, Fault::StatusAfter(500)] {
        let name = key(&format!("lost/{fault:?}"));
        let before = carrier.shipments();
        carrier.fault(fault);
        let lost = shipping.act(&name, &shipment("o-1", 3)).await;
        assert!(matches!(lost, Err(CallError::Unknown { .. })), "{lost:?}");
        let status = shipping.look_up(&name).await;
        assert!(matches!(status, Ok(OperationStatus::Done(_))), "{status:?}");
        shipping
            .act(&name, &shipment("o-1", 3))
            .await
            .expect("the first answer");
        assert_eq!(carrier.shipments(), before + 1);
        carrier.fault(fault);
        let lost = shipping.undo(&name, &shipment("o-1", 3)).await;
        assert!(matches!(lost, Err(CallError::Unknown { .. })), "{lost:?}");
        let undone = shipping.undo(&name, &shipment("o-1", 3)).await;
        assert!(undone.expect("undone").had_effect);
        assert_eq!(carrier.shipments(), before);
    }
}

#[tokio::test]
async fn an_unserved_address_is_declined_permanently() {
    let carrier = FakeCarrier::start().await;
    let shipping = shipping(&carrier).await;
    let nowhere = Shipment {
        address: Some(address("1", "Nowhere", "0")),
        ..shipment("o-1", 3)
    };
    let reason = "the address is unknown".to_owned();
    let declined = shipping.act(&key("a"), &nowhere).await;
    assert_eq!(declined, Err(CallError::Declined(reason.clone())));
    assert_eq!(shipping.act(&key("a"), &nowhere).await, declined);
    assert_eq!(
        shipping.look_up(&key("a")).await,
        Ok(OperationStatus::Declined(reason))
    );
    assert_eq!(
        shipping.undo(&key("a"), &nowhere).await,
        Ok(CompensationResult::NOTHING)
    );
}

#[tokio::test]
async fn the_carriers_answers_are_validated() {
    let carrier = FakeCarrier::start().await;
    let shipping = shipping(&carrier).await;
    carrier.set("pending", json!({ "state": "pending" }));
    assert_eq!(
        shipping.look_up(&key("pending")).await,
        Ok(OperationStatus::Pending)
    );
    for (name, number) in [
        ("empty", String::new()),
        ("line", "a\nb".to_owned()),
        ("long", "x".repeat(101)),
    ] {
        carrier.set(name, json!({ "state": "done", "tracking_number": number }));
        let failure = shipping.look_up(&key(name)).await;
        assert!(
            matches!(failure, Err(CallError::Unknown { .. })),
            "{name}: {failure:?}"
        );
    }
    let wordy = format!("no\r\n{}", "x".repeat(500));
    carrier.set("wordy", json!({ "state": "declined", "reason": wordy }));
    let Ok(OperationStatus::Declined(reason)) = shipping.look_up(&key("wordy")).await else {
        panic!("it is declined");
    };
    assert!(
        reason.starts_with("no xxx") && reason.len() == 200,
        "{reason}"
    );
    carrier.set("new", json!({ "state": "of a later version" }));
    let failure = shipping.look_up(&key("new")).await;
    assert!(
        matches!(failure, Err(CallError::Unknown { .. })),
        "{failure:?}"
    );
}

#[tokio::test]
async fn a_rejected_token_is_transient_and_not_shown() {
    let carrier = FakeCarrier::start().await;
    let wrong = "not-the-token-9876543210";
    let shipping = shipping_with(&carrier.url, wrong).await;
    let failure = shipping.act(&key("a"), &shipment("o-1", 3)).await;
    assert!(
        matches!(failure, Err(CallError::Transient { .. })),
        "{failure:?}"
    );
    let told = format!("{failure:?} {shipping:?}");
    assert!(!told.contains(wrong), "{told}");
}

#[tokio::test]
async fn the_token_is_masked_in_the_carriers_text() {
    let carrier = FakeCarrier::start().await;
    let shipping = shipping(&carrier).await;
    carrier.fault(Fault::Echo);
    let declined = shipping.act(&key("a"), &shipment("o-1", 3)).await;
    assert_eq!(declined, Err(CallError::declined("*** is new here")));
    let reason = format!("{TOKEN} again");
    carrier.set("b", json!({ "state": "declined", "reason": reason }));
    let status = shipping.look_up(&key("b")).await;
    let reason = "*** again".to_owned();
    assert_eq!(status, Ok(OperationStatus::Declined(reason)));
}
