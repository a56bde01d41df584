//! Validates the fake with Stripe's own client library, so that tests with the fake are meaningful.

use std::path::Path;

use crate::fake_stripe::{FakeStripe, SECRET_KEY};

/// Fewer checks would not cover every rule.
const MIN_CHECKS: u32 = 40;

#[tokio::test]
async fn the_official_client_confirms_the_rules_of_the_fake() {
    let fake = FakeStripe::start().await;
    let script =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/providers/foreign/official_client.py");
    let printed = test_python::run(&script, &[&fake.url, SECRET_KEY]).await;
    let printed = printed.expect("the official client succeeds");
    let checks = printed.split(' ').next().and_then(|text| text.parse().ok());
    assert!(
        checks.is_some_and(|checks: u32| checks >= MIN_CHECKS),
        "the client printed {printed:?}"
    );
}
