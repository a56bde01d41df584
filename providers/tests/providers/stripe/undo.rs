//! Undos: at any time and with any failure, no money is held afterwards and none can be taken.

use std::sync::Arc;

use providers::Payments;
use sagas::{CallError, CompensationResult, OperationStatus};

use super::faults::statuses;
use super::stage::{GOOD_CARD, TRIES, payments};
use crate::fake_stripe::{FakeStripe, Fault, On};
use crate::support::{charge, key, on_both_engines, soon};

/// Undoes until it succeeds.
async fn undo_in_the_end(payments: &Payments, name: &str) -> CompensationResult {
    for _ in 0..TRIES {
        match payments.undo(&key(name), &charge("o-1", 1_234)).await {
            Ok(undone) => return undone,
            Err(CallError::Declined(reason)) => panic!("an undo was declined: {reason}"),
            Err(_) => {}
        }
    }
    panic!("no success after {TRIES} tries");
}

#[tokio::test]
async fn the_money_is_refunded_once_whatever_fails_once() {
    on_both_engines(async |home| {
        for fault in [
            Fault::FailBefore,
            Fault::FailAfter,
            Fault::Lose,
            Fault::Limit,
            Fault::Locked,
            Fault::InUse,
        ] {
            for on in [On::Look, On::Refund] {
                let fake = FakeStripe::start().await;
                let payments = payments(home, &fake.url, GOOD_CARD).await;
                let name = format!("{on:?}/{fault:?}");
                let paid = payments.act(&key(&name), &charge("o-1", 1_234)).await;
                paid.expect("paid");
                fake.fault(on, fault.clone());
                let undone = undo_in_the_end(&*payments, &name).await;
                assert!(
                    undone.had_effect && undone.reference.is_some(),
                    "{name}: {undone:?}"
                );
                let money = fake.money();
                assert_eq!((money.taken, money.given_back), (1_234, 1_234), "{name}");
                assert_eq!(undo_in_the_end(&*payments, &name).await, undone, "{name}");
                assert_eq!(fake.money(), money, "{name}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_manual_refund_counts_as_the_refund() {
    on_both_engines(async |home| {
        let fake = FakeStripe::start().await;
        let payments = payments(home, &fake.url, GOOD_CARD).await;
        let order = charge("o-1", 1_234);
        let paid = payments.act(&key("a"), &order).await.expect("paid");
        fake.refund_by_hand(paid.as_str());
        let undone = payments.undo(&key("a"), &order).await.expect("undone");
        assert!(undone.had_effect);
        assert_eq!(undone.reference.as_deref(), Some("re_000001"));
        assert_eq!(fake.money().given_back, 1_234);
    })
    .await;
}

/// An operator refunds between the undo's look-up and its refund.
#[tokio::test]
async fn concurrent_refunds_refund_once() {
    on_both_engines(async |home| {
        let fake = FakeStripe::start().await;
        let payments = payments(home, &fake.url, GOOD_CARD).await;
        let paid = payments.act(&key("a"), &charge("o-1", 1_234)).await;
        let (hold, came, go) = Fault::hold();
        fake.fault(On::Refund, hold);
        let undoing =
            tokio::spawn(async move { payments.undo(&key("a"), &charge("o-1", 1_234)).await });
        soon("the refund", came.notified()).await;
        fake.refund_by_hand(paid.expect("paid").as_str());
        go.notify_one();
        let undone = soon("the undo", undoing).await.expect("no panic");
        let undone = undone.expect("undone");
        assert!(undone.had_effect);
        assert_eq!(undone.reference.as_deref(), Some("re_000001"));
        assert_eq!(fake.money().given_back, 1_234);
    })
    .await;
}

/// The charge is held at one of its calls, undone, and continued: no money is held after any of them.
#[tokio::test]
async fn an_undo_overtakes_a_charge_at_each_of_its_calls() {
    on_both_engines(async |home| {
        for on in [On::Create, On::Confirm] {
            let fake = FakeStripe::start().await;
            let charging = payments(home, &fake.url, GOOD_CARD).await;
            let undoing = payments(home, &fake.url, GOOD_CARD).await;
            let name = format!("overtaken/{on:?}");
            let (hold, came, go) = Fault::hold();
            fake.fault(on, hold);
            let late = {
                let name = name.clone();
                tokio::spawn(async move { charging.act(&key(&name), &charge("o-1", 1_234)).await })
            };
            soon("the charge's call", came.notified()).await;
            let undone = undo_in_the_end(&*undoing, &name).await;
            assert!(!undone.had_effect, "{on:?}: {undone:?}");
            go.notify_one();
            let late = soon("the charge", late).await.expect("no panic");
            assert!(
                matches!(late, Err(CallError::Declined(_))),
                "{on:?}: {late:?}"
            );
            assert_eq!(fake.money().taken, 0, "{on:?}");
            assert!(
                statuses(&fake).iter().all(|status| status == "canceled"),
                "{on:?}"
            );
            assert_eq!(
                undoing.look_up(&key(&name)).await,
                Ok(OperationStatus::Compensated),
                "{on:?}"
            );
        }
    })
    .await;
}

/// The intent is confirmed right before the undo's cancellation.
#[tokio::test]
async fn a_charge_that_overtakes_the_undo_is_refunded() {
    on_both_engines(async |home| {
        let fake = FakeStripe::start().await;
        let payments = payments(home, &fake.url, GOOD_CARD).await;
        let (hold_confirm, confirming, confirm) = Fault::hold();
        let (hold_cancel, cancelling, cancel) = Fault::hold();
        fake.fault(On::Confirm, hold_confirm);
        fake.fault(On::Cancel, hold_cancel);
        let name = key("a");
        let paying = {
            let (payments, name) = (Arc::clone(&payments), name.clone());
            tokio::spawn(async move { payments.act(&name, &charge("o-1", 1_234)).await })
        };
        soon("the confirmation", confirming.notified()).await;
        let undoing =
            tokio::spawn(async move { payments.undo(&name, &charge("o-1", 1_234)).await });
        soon("the cancellation", cancelling.notified()).await;
        confirm.notify_one();
        let paid = soon("the charge", paying).await.expect("no panic");
        assert!(paid.is_ok(), "{paid:?}");
        cancel.notify_one();
        let undone = soon("the undo", undoing).await.expect("no panic");
        assert!(undone.expect("undone").had_effect);
        let money = fake.money();
        assert_eq!((money.taken, money.given_back), (1_234, 1_234));
    })
    .await;
}

#[tokio::test]
async fn an_undo_without_a_charge_needs_no_stripe() {
    on_both_engines(async |home| {
        let payments = payments(home, "http://127.0.0.1:1", GOOD_CARD).await;
        let undone = payments.undo(&key("a"), &charge("o-1", 1_234)).await;
        assert_eq!(undone, Ok(CompensationResult::NOTHING));
        assert_eq!(
            payments.look_up(&key("a")).await,
            Ok(OperationStatus::Compensated)
        );
    })
    .await;
}
