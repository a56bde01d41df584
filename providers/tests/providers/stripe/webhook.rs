//! The webhook for Stripe.

use std::sync::Arc;

use axum::Router;
use event_sourcing::clock::ManualClock;
use http::Request;
use http_body_util::{BodyExt, Full};
use providers::{Payments, Providers};
use sagas::OperationKey;
use tower::ServiceExt;

use super::signature::officially_signed;
use super::stage::{GOOD_CARD, WEBHOOK_SECRET, providers, providers_with};
use crate::fake_stripe::FakeStripe;
use crate::support::{Home, charge, key, noon, on_both_engines};

async fn post(router: &Router, signature: &str, body: &str) -> (u16, String) {
    let request = Request::post("/webhooks/stripe")
        .header("stripe-signature", signature)
        .body(axum::body::Body::new(Full::from(body.to_owned())))
        .expect("a request");
    let response = router.clone().oneshot(request).await.expect("an answer");
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.expect("a body");
    let text = String::from_utf8(body.to_bytes().to_vec()).expect("text");
    (status, text)
}

fn event(id: &str, object: &str) -> String {
    format!(r#"{{"id":"{id}","type":"x","data":{{"object":{object}}}}}"#)
}

fn hint(providers: &mut Providers) -> Option<OperationKey> {
    providers.hints.as_mut().expect("news").try_recv().ok()
}

async fn on_home(home: &Home) -> Providers {
    providers(home, "http://127.0.0.1:1", GOOD_CARD).await
}

#[tokio::test]
async fn an_event_is_a_hint_to_look_at_its_key_once() {
    on_both_engines(async |home| {
        let mut providers = on_home(home).await;
        let body = event(
            "evt_1",
            r#"{"object":"payment_intent","id":"pi_9","metadata":{"shop_key":"saga/pay/1"}}"#,
        );
        let signature = officially_signed(WEBHOOK_SECRET, &body).await;
        assert_eq!(post(&providers.webhooks, &signature, &body).await.0, 200);
        assert_eq!(hint(&mut providers), Some(key("saga/pay/1")));
        // Stripe sends events more than once, also after a restart.
        assert_eq!(post(&providers.webhooks, &signature, &body).await.0, 200);
        assert_eq!(hint(&mut providers), None);
        let mut restarted = on_home(home).await;
        assert_eq!(post(&restarted.webhooks, &signature, &body).await.0, 200);
        assert_eq!(hint(&mut restarted), None);
    })
    .await;
}

#[tokio::test]
async fn an_event_without_our_key_is_matched_by_its_intent() {
    on_both_engines(async |home| {
        let fake = FakeStripe::start().await;
        let mut providers = providers(home, &fake.url, GOOD_CARD).await;
        let payments: &Payments = &*providers.payments;
        let paid = payments.act(&key("mine"), &charge("o-1", 1_234)).await;
        let intent = paid.expect("paid").to_string();
        let body = event(
            "evt_1",
            &format!(r#"{{"object":"charge","payment_intent":"{intent}"}}"#),
        );
        let signature = officially_signed(WEBHOOK_SECRET, &body).await;
        assert_eq!(post(&providers.webhooks, &signature, &body).await.0, 200);
        assert_eq!(hint(&mut providers), Some(key("mine")));
        let body = event("evt_2", r#"{"object":"customer","id":"cus_1"}"#);
        let signature = officially_signed(WEBHOOK_SECRET, &body).await;
        assert_eq!(post(&providers.webhooks, &signature, &body).await.0, 200);
        assert_eq!(hint(&mut providers), None);
    })
    .await;
}

#[tokio::test]
async fn an_unsigned_or_too_large_event_is_rejected() {
    on_both_engines(async |home| {
        let mut providers = on_home(home).await;
        let body = event("evt_1", r#"{"metadata":{"shop_key":"k"}}"#);
        let signature = officially_signed(WEBHOOK_SECRET, &body).await;
        let forged = officially_signed("whsec_guessed", &body).await;
        for signature in ["", "t=1,v1=00", forged.as_str()] {
            let (status, text) = post(&providers.webhooks, signature, &body).await;
            assert_eq!(status, 400, "{signature}");
            assert!(!text.contains(WEBHOOK_SECRET));
        }
        let long = " ".repeat(300 * 1024);
        assert_eq!(post(&providers.webhooks, &signature, &long).await.0, 413);
        assert_eq!(hint(&mut providers), None);
        let clock = Arc::new(ManualClock::new(noon() + chrono::TimeDelta::seconds(301)));
        let mut late = providers_with(home, "http://127.0.0.1:1", GOOD_CARD, clock).await;
        assert_eq!(post(&late.webhooks, &signature, &body).await.0, 400);
        assert_eq!(hint(&mut late), None);
        // It was not stored as received either, so it is accepted when its time is valid.
        assert_eq!(post(&providers.webhooks, &signature, &body).await.0, 200);
        assert_eq!(hint(&mut providers), Some(key("k")));
    })
    .await;
}

/// PostgreSQL cannot even look for U+0000, so that Stripe would send such an event for three days.
#[tokio::test]
async fn an_event_with_an_id_that_stripe_does_not_have_is_rejected_or_no_hint() {
    on_both_engines(async |home| {
        let mut providers = on_home(home).await;
        let long = "e".repeat(256);
        for (id, intent, status) in [
            ("", "pi_1", 400),
            ("evt 1", "pi_1", 400),
            ("evt_\\u0000", "pi_1", 400),
            (&long, "pi_1", 400),
            (&long[1..], "pi_\\u0000", 200),
        ] {
            let intent = format!(r#"{{"object":"payment_intent","id":"{intent}"}}"#);
            let body = event(id, &intent);
            let signature = sign(&hmac_key(), &body);
            let (given, text) = post(&providers.webhooks, &signature, &body).await;
            assert_eq!(given, status, "{id}: {text}");
            assert_eq!(hint(&mut providers), None);
        }
    })
    .await;
}

#[tokio::test]
async fn an_event_is_repeated_if_the_queue_of_hints_is_full() {
    let home = Home::new(platform::config::Engine::Sqlite).await;
    let mut providers = on_home(&home).await;
    let secret = hmac_key();
    let mut rejected = None;
    for n in 0..2_000 {
        let body = event(&format!("evt_{n}"), r#"{"metadata":{"shop_key":"k"}}"#);
        let signature = sign(&secret, &body);
        if post(&providers.webhooks, &signature, &body).await.0 == 503 {
            rejected = Some((signature, body));
            break;
        }
    }
    let (signature, body) = rejected.expect("the hints' room is bounded");
    while hint(&mut providers).is_some() {}
    assert_eq!(post(&providers.webhooks, &signature, &body).await.0, 200);
    assert_eq!(hint(&mut providers), Some(key("k")));
}

fn hmac_key() -> hmac::Hmac<sha2::Sha256> {
    hmac::KeyInit::new_from_slice(WEBHOOK_SECRET.as_bytes()).expect("a key")
}

/// Signs faster than the Python library.
fn sign(secret: &hmac::Hmac<sha2::Sha256>, body: &str) -> String {
    use hmac::Mac;
    use std::fmt::Write;
    let seconds = noon().timestamp();
    let mut mac = secret.clone();
    mac.update(format!("{seconds}.{body}").as_bytes());
    let mut header = format!("t={seconds},v1=");
    for byte in mac.finalize().into_bytes() {
        write!(header, "{byte:02x}").expect("a string");
    }
    header
}
