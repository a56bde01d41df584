//! Charges while Stripe fails: the money is taken once or not at all, and a look-up returns which.

use std::time::Duration;

use futures::FutureExt;
use platform::config::Engine;
use providers::{Payments, Providers};
use sagas::{CallError, OperationStatus};

use crate::fake_stripe::{FakeStripe, Fault, Money, On};
use crate::guarantees::{self, Charges};
use crate::stripe::stage::{GOOD_CARD, TRIES, payments, settings};
use crate::support::{Home, charge, clock, key, on_both_engines};

const ONCE: Money = Money {
    taken: 1_234,
    given_back: 0,
    captures: 1,
};

/// Charges until the outcome is known, with a look-up after each unknown one.
async fn charge_in_the_end(payments: &Payments, name: &str) -> Result<String, String> {
    let (name, order) = (key(name), charge("o-1", 1_234));
    for _ in 0..TRIES {
        match payments.act(&name, &order).await {
            Ok(paid) => return Ok(paid.to_string()),
            Err(CallError::Declined(reason)) => return Err(reason),
            Err(CallError::Transient { .. }) => {}
            Err(CallError::Unknown { .. }) => match payments.look_up(&name).await {
                Ok(OperationStatus::Done(paid)) => return Ok(paid.to_string()),
                Ok(OperationStatus::Declined(reason)) => return Err(reason),
                Ok(OperationStatus::Absent | OperationStatus::Pending) | Err(_) => {}
                Ok(OperationStatus::Compensated) => panic!("the charge was undone"),
            },
        }
    }
    panic!("no outcome after {TRIES} tries");
}

#[tokio::test]
async fn payments_fulfil_the_contract_of_the_port() {
    on_both_engines(async |home| {
        let fake = FakeStripe::start().await;
        let payments = payments(home, &fake.url, GOOD_CARD).await;
        guarantees::all(&Charges(&*payments)).await;
    })
    .await;
}

#[tokio::test]
async fn the_money_is_taken_once_whatever_fails_once() {
    on_both_engines(async |home| {
        for on in [On::Create, On::Confirm] {
            for fault in [
                Fault::FailBefore,
                Fault::FailAfter,
                Fault::Lose,
                Fault::Limit,
                Fault::Locked,
                Fault::InUse,
            ] {
                let fake = FakeStripe::start().await;
                let payments = payments(home, &fake.url, GOOD_CARD).await;
                fake.fault(on, fault.clone());
                let name = format!("{on:?}/{fault:?}");
                let paid = charge_in_the_end(&*payments, &name).await;
                assert!(paid.is_ok(), "{name}: {paid:?}");
                assert_eq!(fake.money(), ONCE, "{name}");
                // Another one is created only after a 500, which Stripe would replay.
                let is_repeated = matches!((on, fault), (On::Create, Fault::FailAfter));
                let intents = fake.intents();
                assert_eq!(
                    intents.len(),
                    1 + usize::from(is_repeated),
                    "{name}: {intents:?}"
                );
                let standing = payments.look_up(&key(&name)).await;
                assert!(
                    matches!(standing, Ok(OperationStatus::Done(_))),
                    "{name}: {standing:?}"
                );
            }
        }
    })
    .await;
}

#[tokio::test]
async fn each_failure_is_mapped_to_an_error() {
    on_both_engines(async |home| {
        let of = async |on, fault: Fault| {
            let fake = FakeStripe::start().await;
            let payments = payments(home, &fake.url, GOOD_CARD).await;
            let name = key(&format!("known/{on:?}/{fault:?}"));
            fake.fault(on, fault);
            payments
                .act(&name, &charge("o-1", 1_234))
                .await
                .expect_err("it fails")
        };
        // No money is taken by an intent that may have been created.
        for fault in [
            Fault::FailBefore,
            Fault::FailAfter,
            Fault::Lose,
            Fault::InUse,
        ] {
            let failure = of(On::Create, fault.clone()).await;
            assert!(
                matches!(failure, CallError::Transient { .. }),
                "{fault:?}: {failure:?}"
            );
            let failure = of(On::Confirm, fault.clone()).await;
            assert!(
                matches!(failure, CallError::Unknown { .. }),
                "{fault:?}: {failure:?}"
            );
        }
        let failure = of(On::Confirm, Fault::Locked).await;
        assert!(matches!(failure, CallError::Unknown { .. }), "{failure:?}");
        let failure = of(On::Confirm, Fault::Limit).await;
        assert_eq!(failure.retry_after(), Some(Duration::from_secs(7)));
        let unreachable = payments(home, "http://127.0.0.1:1", GOOD_CARD).await;
        let failure = unreachable
            .act(&key("unreachable"), &charge("o-1", 1_234))
            .await;
        assert!(
            matches!(failure, Err(CallError::Transient { .. })),
            "{failure:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_charge_resumes_after_a_crash_at_any_step() {
    on_both_engines(async |home| {
        for on in [On::Create, On::Confirm] {
            let fake = FakeStripe::start().await;
            let name = key(&format!("crash/{on:?}"));
            let (hold, came, _go) = Fault::hold();
            fake.fault(on, hold);
            {
                let before = payments(home, &fake.url, GOOD_CARD).await;
                let order = charge("o-1", 1_234);
                let mut call = before.act(&name, &order).fuse();
                tokio::select! {
                    answer = &mut call => panic!("it answered {answer:?}"),
                    () = came.notified() => {}
                }
            }
            // The process has crashed; Stripe has not executed the call, and never will.
            let after = payments(home, &fake.url, GOOD_CARD).await;
            fake.advance(25 * 60 * 60);
            assert_eq!(after.look_up(&name).await, Ok(OperationStatus::Absent));
            let paid = after.act(&name, &charge("o-1", 1_234)).await;
            assert!(paid.is_ok(), "{on:?}: {paid:?}");
            assert_eq!(fake.money(), ONCE, "{on:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_key_that_has_expired_at_stripe_is_not_charged_again() {
    on_both_engines(async |home| {
        let fake = FakeStripe::start().await;
        let payments = payments(home, &fake.url, GOOD_CARD).await;
        fake.fault(On::Confirm, Fault::Lose);
        let order = charge("o-1", 1_234);
        let lost = payments.act(&key("a"), &order).await;
        assert!(matches!(lost, Err(CallError::Unknown { .. })), "{lost:?}");
        fake.advance(25 * 60 * 60);
        let again = payments.act(&key("a"), &order).await;
        assert!(again.is_ok(), "{again:?}");
        assert_eq!(fake.money(), ONCE);
        assert_eq!(fake.calls(), ["create", "confirm", "look"]);
    })
    .await;
}

#[tokio::test]
async fn two_processes_with_one_key_take_the_money_once() {
    on_both_engines(async |home| {
        let fake = FakeStripe::start().await;
        let one = payments(home, &fake.url, GOOD_CARD).await;
        let two = payments(home, &fake.url, GOOD_CARD).await;
        for n in 0..10 {
            let name = format!("both/{n}");
            let (first, second) = tokio::join!(
                charge_in_the_end(&*one, &name),
                charge_in_the_end(&*two, &name)
            );
            assert_eq!(first.expect("paid"), second.expect("paid"));
        }
        assert_eq!(fake.money().captures, 10);
    })
    .await;
}

#[tokio::test]
async fn a_card_that_requires_authentication_is_declined_and_closed() {
    on_both_engines(async |home| {
        let fake = FakeStripe::start().await;
        let payments = payments(home, &fake.url, "pm_card_authenticationRequired").await;
        let declined = charge_in_the_end(&*payments, "a").await;
        assert!(declined.expect_err("declined").contains("approval"));
        assert_eq!(statuses(&fake), ["canceled"]);
    })
    .await;
}

#[tokio::test]
async fn a_payment_in_processing_is_pending() {
    on_both_engines(async |home| {
        let fake = FakeStripe::start().await;
        let payments = payments(home, &fake.url, "pm_slow").await;
        let open = payments.act(&key("a"), &charge("o-1", 1_234)).await;
        assert!(matches!(open, Err(CallError::Unknown { .. })), "{open:?}");
        assert_eq!(
            payments.look_up(&key("a")).await,
            Ok(OperationStatus::Pending)
        );
        fake.settle(&fake.intents()[0].0);
        let standing = payments.look_up(&key("a")).await;
        assert!(
            matches!(standing, Ok(OperationStatus::Done(_))),
            "{standing:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_rejected_secret_key_is_transient_and_not_shown() {
    let wrong = "sk_test_51thisisnotthekey";
    let home = Home::new(Engine::Sqlite).await;
    let fake = FakeStripe::start().await;
    let settings = settings(&fake.url, wrong, GOOD_CARD);
    let providers = Providers::from_settings(&settings, &home.database().await, &clock());
    let payments = providers.expect("providers").payments;
    let failure = payments.act(&key("a"), &charge("o-1", 1_234)).await;
    assert!(
        matches!(failure, Err(CallError::Transient { .. })),
        "{failure:?}"
    );
    let told = format!("{failure:?} {payments:?} {settings:?}");
    assert!(!told.contains(wrong), "{told}");
}

pub fn statuses(fake: &FakeStripe) -> Vec<String> {
    fake.intents()
        .into_iter()
        .map(|(_, status)| status)
        .collect()
}
