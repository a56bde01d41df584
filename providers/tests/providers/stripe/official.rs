//! The fake is held to what Stripe's own client library makes of it, so that what is tested against it is true.

use std::path::Path;

use crate::fake_stripe::{FakeStripe, SECRET_KEY};

/// A run of fewer checks has not seen every rule.
const MIN_CHECKS: u32 = 40;

#[tokio::test]
async fn the_official_client_finds_stripes_rules_in_the_fake() {
    let fake = FakeStripe::start().await;
    let script =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/providers/foreign/official_client.py");
    let printed = test_python::run(&script, &[&fake.url, SECRET_KEY]).await;
    let printed = printed.expect("the official client is content");
    let checks = printed.split(' ').next().and_then(|text| text.parse().ok());
    assert!(
        checks.is_some_and(|checks: u32| checks >= MIN_CHECKS),
        "it said {printed:?}"
    );
}
