//! The simulated providers: the contract, and the configured behaviour.

use std::time::Duration;

use domain::value::Money;
use futures::FutureExt;
use providers::payments::{PaymentsConfig, SimulatedPayments};
use providers::simulated::{ProviderKind, Rate, Rng, SimulationConfig};
use providers::{ProviderSettings, Providers};
use sagas::{CallError, OperationStatus, StepProvider};

use crate::guarantees::{self, Charges, Shipments};
use crate::support::{charge, clock, eventually, key, on_both_engines, shipment, soon};

#[tokio::test]
async fn payments_fulfil_the_contract_of_the_port() {
    on_both_engines(async |home| {
        let payments = home.payments(SimulationConfig::default()).await;
        guarantees::all(&Charges(&payments)).await;
    })
    .await;
}

#[tokio::test]
async fn shipping_fulfils_the_contract_of_the_port() {
    on_both_engines(async |home| {
        let shipping = home.shipping(SimulationConfig::default()).await;
        guarantees::all(&Shipments(&shipping)).await;
    })
    .await;
}

#[tokio::test]
async fn actions_and_closed_keys_survive_a_restart() {
    on_both_engines(async |home| {
        let before = home.payments(SimulationConfig::default()).await;
        let paid = before.act(&key("a"), &charge("o-1", 500)).await;
        let paid = paid.expect("paid");
        before
            .undo(&key("b"), &charge("o-2", 500))
            .await
            .expect("closed");
        drop(before);
        let after = home.payments(SimulationConfig::default()).await;
        assert_eq!(
            after.look_up(&key("a")).await,
            Ok(OperationStatus::Done(paid))
        );
        let late = after.act(&key("b"), &charge("o-2", 500)).await;
        assert!(matches!(late, Err(CallError::Declined(_))), "{late:?}");
    })
    .await;
}

#[tokio::test]
async fn a_decline_is_stored_by_its_key() {
    on_both_engines(async |home| {
        let strict = SimulationConfig {
            decline_over: Some(Money::from_cents(10_000)),
            ..SimulationConfig::default()
        };
        let payments = home.payments(strict).await;
        let exact = payments.act(&key("exact"), &charge("o-1", 10_000)).await;
        assert!(exact.is_ok(), "{exact:?}");
        let declined = payments.act(&key("over"), &charge("o-2", 10_001)).await;
        let Err(CallError::Declined(reason)) = &declined else {
            panic!("{declined:?}");
        };
        assert!(reason.contains("100.01 is more than 100.00"), "{reason}");
        // Another configuration does not change the result of the same key.
        let lenient = home.payments(SimulationConfig::default()).await;
        let again = lenient.act(&key("over"), &charge("o-2", 10_001)).await;
        assert_eq!(again, declined);
        let status = lenient.look_up(&key("over")).await.expect("a standing");
        assert!(matches!(status, OperationStatus::Declined(_)));
        let undone = lenient.undo(&key("over"), &charge("o-2", 10_001)).await;
        assert!(!undone.expect("nothing to undo").had_effect);
    })
    .await;
}

#[tokio::test]
async fn a_shipment_is_declined_by_its_pieces() {
    on_both_engines(async |home| {
        let strict = SimulationConfig {
            decline_over: Some(Money::from_cents(300)),
            ..SimulationConfig::default()
        };
        let shipping = home.shipping(strict).await;
        assert!(shipping.act(&key("3"), &shipment("o", 3)).await.is_ok());
        let heavy = shipping.act(&key("4"), &shipment("o", 4)).await;
        assert!(matches!(heavy, Err(CallError::Declined(_))), "{heavy:?}");
    })
    .await;
}

#[tokio::test]
async fn a_call_that_times_out_has_taken_effect_and_its_repeat_answers() {
    on_both_engines(async |home| {
        let silent = SimulationConfig {
            timeout_rate: Rate::ALWAYS,
            ..SimulationConfig::default()
        };
        let payments = home.payments(silent).await;
        let (name, order) = (key("a"), charge("o-1", 500));
        {
            let mut call = std::pin::pin!(payments.act(&name, &order));
            let paid = eventually("the payment", async || {
                match payments.look_up(&name).await {
                    Ok(OperationStatus::Done(paid)) => Some(paid),
                    _ => None,
                }
            });
            tokio::select! {
                answer = call.as_mut() => panic!("it answered {answer:?}"),
                paid = paid => drop(paid),
            }
            assert_eq!(call.now_or_never(), None);
        }
        let again = soon("the repeat", payments.act(&name, &order)).await;
        assert!(again.is_ok(), "{again:?}");
    })
    .await;
}

#[tokio::test]
async fn a_sent_call_arrives_although_its_caller_was_dropped() {
    on_both_engines(async |home| {
        let slow = SimulationConfig {
            latency: Duration::from_millis(50),
            ..SimulationConfig::default()
        };
        let payments = home.payments(slow).await;
        let order = charge("o-1", 500);
        // Polled once, so that it is sent, and dropped.
        let gone = payments.act(&key("a"), &order).now_or_never();
        assert_eq!(gone, None);
        eventually("the delayed payment", async || {
            let status = payments.look_up(&key("a")).await;
            matches!(status, Ok(OperationStatus::Done(_))).then_some(())
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn a_stop_waits_for_calls_in_flight() {
    on_both_engines(async |home| {
        let slow = SimulationConfig {
            latency: Duration::from_millis(50),
            ..SimulationConfig::default()
        };
        let settings = ProviderSettings {
            payments: PaymentsConfig::Simulated(slow),
            ..ProviderSettings::default()
        };
        let providers = Providers::from_settings(&settings, &home.database().await, &clock());
        let providers = providers.expect("providers");
        let gone = providers
            .payments
            .act(&key("a"), &charge("o-1", 500))
            .now_or_never();
        assert_eq!(gone, None);
        soon("the stop", providers.finished()).await;
        let after = home.payments(SimulationConfig::default()).await;
        let status = after.look_up(&key("a")).await;
        assert!(matches!(status, Ok(OperationStatus::Done(_))), "{status:?}");
    })
    .await;
}

#[tokio::test]
async fn a_delayed_action_is_declined_after_its_undo() {
    on_both_engines(async |home| {
        let slow = home
            .payments(SimulationConfig {
                latency: Duration::from_secs(3),
                ..SimulationConfig::default()
            })
            .await;
        let quick = home.payments(SimulationConfig::default()).await;
        let (name, order) = (key("a"), charge("o-1", 500));
        let mut delayed = std::pin::pin!(slow.act(&name, &order));
        assert_eq!(delayed.as_mut().now_or_never(), None);
        let undone = quick.undo(&name, &order).await.expect("closed");
        assert!(!undone.had_effect);
        let late = soon("the delayed charge", delayed).await;
        assert!(matches!(late, Err(CallError::Declined(_))), "{late:?}");
        assert_eq!(quick.look_up(&name).await, Ok(OperationStatus::Compensated));
    })
    .await;
}

#[tokio::test]
async fn an_unavailable_provider_has_no_effect() {
    on_both_engines(async |home| {
        let away = SimulationConfig {
            unavailable_rate: Rate::ALWAYS,
            ..SimulationConfig::default()
        };
        let payments = home.payments(away).await;
        let failed = payments.act(&key("a"), &charge("o-1", 500)).await;
        let asked = payments.look_up(&key("a")).await;
        for failure in [failed.err(), asked.err()] {
            assert!(
                matches!(failure, Some(CallError::Transient { .. })),
                "{failure:?}"
            );
        }
        let back = home.payments(SimulationConfig::default()).await;
        assert_eq!(back.look_up(&key("a")).await, Ok(OperationStatus::Absent));
    })
    .await;
}

#[tokio::test]
async fn the_same_seed_declines_the_same_actions() {
    on_both_engines(async |home| {
        let third = SimulationConfig {
            fail_rate: Rate::new(0.3).expect("a rate"),
            ..SimulationConfig::default()
        };
        let mut runs = Vec::new();
        for run in 0..2 {
            let provider = home.provider(ProviderKind::PAYMENT, third.clone(), 7).await;
            let payments = SimulatedPayments::new(provider);
            let mut declined = Vec::new();
            for n in 0..60 {
                let name = key(&format!("run-{run}/{n}"));
                let answer = payments.act(&name, &charge("o-1", 500)).await;
                declined.push(answer.is_err());
            }
            runs.push(declined);
        }
        assert_eq!(runs[0], runs[1]);
        let share = runs[0].iter().filter(|declined| **declined).count();
        assert!((9..=27).contains(&share), "{share} of 60");
    })
    .await;
}

#[test]
fn the_rates_0_and_1_are_exact() {
    let rng = Rng::seeded(1);
    assert!((0..1_000).all(|_| rng.hits(Rate::ALWAYS)));
    assert!((0..1_000).all(|_| !rng.hits(Rate::NEVER)));
    assert_eq!(Rate::new(1.1), None);
    assert_eq!(Rate::new(f64::NAN), None);
}
