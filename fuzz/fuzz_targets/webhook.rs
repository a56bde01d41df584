//! Stripe's webhooks: only a body with its own signature in the header, and not too old, is believed; what an event is about
//! can be stored and sent.
#![no_main]

use std::fmt::Write;
use std::sync::LazyLock;

use chrono::TimeDelta;
use event_sourcing::testing::at;
use fuzz_targets::split_choice;
use fuzz_targets::tokens::parts;
use libfuzzer_sys::fuzz_target;
use providers::Secret;
use providers::payments::stripe::{Event, EventSubject, SignatureError, TOLERANCE, verify};
use ring::hmac;
use sagas::OperationKey;

const SECRET: &str = "whsec_of_the_fuzz_targets";

static STRIPE: LazyLock<Secret> = LazyLock::new(|| Secret::parse(SECRET).expect("a secret"));

/// The signature of a body at a time, in hexadecimal digits.
fn signature(time: &str, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let message = [time.as_bytes(), b".", body].concat();
    let mut digits = String::new();
    for byte in hmac::sign(&key, &message).as_ref() {
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

/// A header that the fuzzer made is not believed unless it has the signature, which it cannot make.
fn any_header(data: &[u8]) {
    let (header, body) = parts(data);
    let Ok(header) = std::str::from_utf8(header) else {
        return;
    };
    assert!(verify(&STRIPE, header, body, at(0)).is_err());
}

/// Next to the right signature, a header may have anything that does not replace the time.
fn signed(more: &[u8], body: &[u8]) {
    let now = at(0);
    let time = now.timestamp().to_string();
    let right = signature(&time, body);
    let more = String::from_utf8_lossy(more);
    if more.split(',').any(|part| part.trim().starts_with("t=")) {
        return;
    }
    for header in [
        format!("t={time},v1={right},{more}"),
        format!("{more},v1={},t={time}", right.to_uppercase()),
    ] {
        assert_eq!(verify(&STRIPE, &header, body, now), Ok(()), "{header}");
        let late = now + TimeDelta::from_std(TOLERANCE).expect("minutes") + TimeDelta::seconds(1);
        assert_eq!(
            verify(&STRIPE, &header, body, late),
            Err(SignatureError::Stale)
        );
        let longer = [body, b" "].concat();
        let mismatch = Err(SignatureError::Mismatch);
        assert_eq!(verify(&STRIPE, &header, &longer, now), mismatch);
    }
}

fn event(body: &[u8]) {
    let Some(event) = Event::parse(body) else {
        return;
    };
    assert!(!event.id().contains('\0'));
    match event.subject() {
        EventSubject::Key(key) => assert_eq!(OperationKey::try_new(key.as_str()), Ok(key)),
        EventSubject::Intent(intent) => assert!(!intent.contains('\0')),
        EventSubject::Other => {}
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((choice, rest)) = split_choice(data) else {
        return;
    };
    match choice % 3 {
        0 => any_header(rest),
        1 => {
            let (more, body) = parts(rest);
            signed(more, body);
        }
        _ => event(rest),
    }
});
