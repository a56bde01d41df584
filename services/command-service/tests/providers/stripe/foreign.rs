//! Against localstripe, a fake of Stripe by other people: what is sent and read has Stripe's shape. It ignores
//! idempotency keys, so here nothing is repeated at Stripe that must not be done twice.

use std::path::Path;

use command_service::providers::{Failure, Standing, Undone};
use test_python::Script;

use crate::promises::{self, Charges};
use crate::stripe::stage::{GOOD_CARD, payments};
use crate::support::{charge, key, on_both_engines};

async fn localstripe() -> (Script, String) {
    let script =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/providers/foreign/serve_localstripe.py");
    let mut script = Script::start(&script, &[]).await.expect("localstripe");
    let url = script.line().await.expect("its URL");
    (script, url)
}

#[tokio::test]
async fn payments_keep_the_ports_promises() {
    on_both_engines(async |home| {
        let (_script, url) = localstripe().await;
        let payments = payments(home, &url, GOOD_CARD).await;
        promises::all(&Charges(&*payments)).await;
    })
    .await;
}

#[tokio::test]
async fn a_declined_card_is_a_refusal_that_lasts() {
    on_both_engines(async |home| {
        let (_script, url) = localstripe().await;
        let payments = payments(home, &url, "pm_card_chargeCustomerFail").await;
        let order = charge("o-1", 1_234);
        let refused = payments.charge(&key("a"), &order).await;
        let reason = "Your card was declined.".to_owned();
        assert_eq!(
            refused,
            Err(Failure::Refused {
                reason: reason.clone()
            })
        );
        assert_eq!(payments.charge(&key("a"), &order).await, refused);
        assert_eq!(
            payments.look_up(&key("a")).await,
            Ok(Standing::Refused { reason })
        );
        assert_eq!(payments.undo(&key("a"), &order).await, Ok(Undone::NOTHING));
        assert_eq!(payments.look_up(&key("a")).await, Ok(Standing::Undone));
    })
    .await;
}

#[tokio::test]
async fn a_key_that_is_not_accepted_cancels_no_order() {
    on_both_engines(async |home| {
        let (_script, url) = localstripe().await;
        let payments = payments(home, &format!("{url}/elsewhere"), GOOD_CARD).await;
        let failed = payments.charge(&key("a"), &charge("o-1", 1_234)).await;
        assert!(
            matches!(failed, Err(Failure::Transient { .. })),
            "{failed:?}"
        );
    })
    .await;
}
