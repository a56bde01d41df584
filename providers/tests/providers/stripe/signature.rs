//! The signatures of webhooks, tested with those of Stripe's own library.

use std::path::Path;

use chrono::TimeDelta;
use providers::Secret;
use providers::payments::stripe::{SignatureError, TOLERANCE, verify};

use crate::stripe::stage::WEBHOOK_SECRET;
use crate::support::noon;

pub const BODY: &str = r#"{"id":"evt_1","data":{"object":{}}}"#;

/// A signature of Stripe's library, made at noon.
pub async fn officially_signed(secret: &str, body: &str) -> String {
    let script =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/providers/foreign/official_signature.py");
    let seconds = noon().timestamp().to_string();
    let header = test_python::run(&script, &[secret, &seconds, body]).await;
    header.expect("a signature").trim().to_owned()
}

#[tokio::test]
async fn a_signature_of_stripes_library_is_valid_for_five_minutes() {
    let secret = Secret::parse(WEBHOOK_SECRET).expect("a secret");
    let header = officially_signed(WEBHOOK_SECRET, BODY).await;
    let at = |offset| verify(&secret, &header, BODY.as_bytes(), noon() + offset);
    let tolerance = TimeDelta::from_std(TOLERANCE).expect("a duration");
    let second = TimeDelta::seconds(1);
    assert_eq!(tolerance.num_seconds(), 300);
    assert_eq!(at(TimeDelta::zero()), Ok(()));
    assert_eq!(at(tolerance), Ok(()));
    assert_eq!(at(-tolerance), Ok(()));
    assert_eq!(at(tolerance + second), Err(SignatureError::Stale));
    assert_eq!(at(-tolerance - second), Err(SignatureError::Stale));
}

#[tokio::test]
async fn another_body_time_or_secret_is_rejected() {
    let secret = Secret::parse(WEBHOOK_SECRET).expect("a secret");
    let header = officially_signed(WEBHOOK_SECRET, BODY).await;
    let verify = |header: &str, body: &str| verify(&secret, header, body.as_bytes(), noon());
    let (time, signature) = header.split_once(",v1=").expect("two parts");
    let mismatch = Err(SignatureError::Mismatch);
    assert_eq!(verify(&header, &BODY.replace("evt_1", "evt_2")), mismatch);
    let later = format!("t={},v1={signature}", noon().timestamp() + 1);
    assert_eq!(verify(&later, BODY), mismatch);
    let foreign = officially_signed("whsec_of_somebody_else", BODY).await;
    assert_eq!(verify(&foreign, BODY), mismatch);
    assert_eq!(verify(time, BODY), mismatch);
    assert_eq!(verify(&header.replace("v1=", "v0="), BODY), mismatch);
    assert_eq!(
        verify(&format!("{time},v1={}", &signature[..62]), BODY),
        mismatch
    );
    for malformed in ["", "v1=00", "t=noon,v1=00", "t", ","] {
        assert_eq!(
            verify(malformed, BODY),
            Err(SignatureError::Malformed),
            "{malformed}"
        );
    }
}

#[tokio::test]
async fn one_of_several_signatures_must_match() {
    let secret = Secret::parse(WEBHOOK_SECRET).expect("a secret");
    let header = officially_signed(WEBHOOK_SECRET, BODY).await;
    let (time, signature) = header.split_once(",v1=").expect("two parts");
    let zeros = "0".repeat(64);
    let several = format!("{time},v1={zeros},v1={signature},v0=x");
    assert_eq!(verify(&secret, &several, BODY.as_bytes(), noon()), Ok(()));
    let none = format!("{time},v1={zeros},v1={zeros}");
    let rejected = verify(&secret, &none, BODY.as_bytes(), noon());
    assert_eq!(rejected, Err(SignatureError::Mismatch));
}
