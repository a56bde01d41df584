//! A provider that says how long it wants to be left alone is left alone for so long.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use event_sourcing::Clock;
use sagas::event::FailureKind;
use sagas::{
    EngineConfig, MAX_RETRY_AFTER, OperatorAction, RetryPolicy, SagaEvent, SagaOutcome, SagaState,
};

use crate::support::{Effect, Node, TestCluster, add, gate, step};
use crate::trip::{Booking, ErrandSaga, Travel};

/// By how much the tries are spread behind the end of a wait, at most.
const SPREAD: Duration = RetryPolicy::DEFAULT.min;

/// A process whose own pauses are shorter than what providers ask for.
fn hasty<S: Travel>(town: &TestCluster, owner: &str) -> Node {
    let config = EngineConfig {
        longest_pause: Duration::from_secs(1),
        lease: Duration::from_secs(3),
        ..EngineConfig::new(owner)
    };
    let desk = Arc::clone(&town.desk);
    town.start(config, |builder| add::<S>(builder, desk))
}

/// Waits until a step waits, and tells for how long and until when.
async fn pause<S: Travel>(town: &TestCluster, name: &str) -> (Duration, DateTime<Utc>) {
    let waits = |state: &SagaState<S>| step(state, name).retry_at.is_some();
    let state = town.until::<S>("trip-1", waits).await;
    let due = step(&state, name).retry_at.unwrap();
    let pause = due - state.run().unwrap().updated_at;
    (pause.to_std().unwrap(), due)
}

#[track_caller]
fn assert_is_about(pause: Duration, wait: Duration) {
    assert!((wait..=wait + SPREAD).contains(&pause), "{pause:?}");
}

#[tokio::test(start_paused = true)]
async fn a_step_is_not_tried_again_before_its_provider_wants_to_be_asked() {
    let town = TestCluster::new();
    let wait = Duration::from_secs(20);
    town.desk.set("flight", Effect::Busy(wait));
    let node = hasty::<Booking>(&town, "one");
    town.begin::<Booking>("trip-1").await;
    assert_is_about(pause::<Booking>(&town, "flight").await.0, wait);
    town.desk.set("flight", Effect::Good);
    assert_eq!(
        town.ended::<Booking>("trip-1").await,
        SagaOutcome::Completed
    );
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_wait_survives_a_crash() {
    let town = TestCluster::new();
    let wait = Duration::from_secs(20);
    town.desk.set("flight", Effect::Busy(wait));
    let one = hasty::<Booking>(&town, "one");
    town.begin::<Booking>("trip-1").await;
    let (pause, due) = pause::<Booking>(&town, "flight").await;
    assert_is_about(pause, wait);
    one.abort().await;
    town.desk.set("flight", Effect::Good);
    let two = hasty::<Booking>(&town, "two");
    town.asked_times("act trip-1/flight", 2).await;
    assert!(
        town.clock.now() >= due,
        "{} is before {due}",
        town.clock.now()
    );
    assert_eq!(
        town.ended::<Booking>("trip-1").await,
        SagaOutcome::Completed
    );
    two.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_compensation_waits_as_well() {
    let town = TestCluster::new();
    let wait = Duration::from_secs(90);
    let gate = gate();
    town.desk.set("hotel", Effect::Gated(Arc::clone(&gate)));
    let node = hasty::<Booking>(&town, "one");
    town.begin::<Booking>("trip-1").await;
    town.asked("act trip-1/hotel").await;
    town.desk.set("flight", Effect::Busy(wait));
    town.act::<Booking>("trip-1", OperatorAction::Cancel)
        .await
        .unwrap();
    gate.add_permits(1);
    assert_is_about(pause::<Booking>(&town, "flight").await.0, wait);
    town.desk.set("flight", Effect::Good);
    assert_eq!(
        town.ended::<Booking>("trip-1").await,
        SagaOutcome::Compensated
    );
    assert_eq!(town.desk.count("undo trip-1/flight"), 2);
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_does_not_even_tell_what_became_of_a_call_is_left_alone_too() {
    let town = TestCluster::new();
    let wait = Duration::from_secs(10);
    town.desk.set("flight", Effect::Gated(gate()));
    let node = hasty::<Booking>(&town, "one");
    town.begin::<Booking>("trip-1").await;
    town.asked("act trip-1/flight").await;
    town.desk.set("flight", Effect::Busy(wait));
    town.asked("look trip-1/flight").await;
    assert_is_about(pause::<Booking>(&town, "flight").await.0, wait);
    // Neither does the ledger tell more than is known.
    let events = town.events::<Booking>("trip-1").await;
    let failed = events.iter().rev().find_map(|event| match event {
        SagaEvent::StepFailed(failed) => Some(failed.outcome),
        _ => None,
    });
    assert_eq!(failed, Some(FailureKind::Unknown));
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_wait_behind_the_deadline_of_the_step_ends_its_tries() {
    let town = TestCluster::new();
    town.desk
        .set("flight", Effect::Busy(Duration::from_secs(31)));
    let node = hasty::<Booking>(&town, "one");
    let begun = town.clock.now();
    town.begin::<Booking>("trip-1").await;
    assert_eq!(
        town.ended::<Booking>("trip-1").await,
        SagaOutcome::Compensated
    );
    assert_eq!(town.desk.count("act trip-1/flight"), 1);
    let passed = (town.clock.now() - begun).to_std().unwrap();
    assert!(passed < Duration::from_secs(25), "{passed:?}");
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn no_wait_is_endless_and_a_person_can_end_it() {
    let town = TestCluster::new();
    town.desk.set("refund", Effect::Busy(Duration::MAX));
    let node = hasty::<ErrandSaga>(&town, "one");
    town.begin::<ErrandSaga>("trip-1").await;
    assert_is_about(
        pause::<ErrandSaga>(&town, "refund").await.0,
        MAX_RETRY_AFTER,
    );
    town.desk.set("refund", Effect::Good);
    let before = town.clock.now();
    town.act::<ErrandSaga>("trip-1", OperatorAction::Retry)
        .await
        .unwrap();
    assert_eq!(
        town.ended::<ErrandSaga>("trip-1").await,
        SagaOutcome::Completed
    );
    assert!(town.clock.now() - before < TimeDelta::minutes(1));
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_never_happened_needs_no_undo_however_little_the_provider_tells() {
    // Nothing of it is ever sent: the first try is turned away, and every question after it as well, or not answered.
    for deed in [Effect::Busy(Duration::from_secs(1)), Effect::Mute] {
        let town = TestCluster::new();
        town.desk.set("hotel", deed.clone());
        let node = hasty::<Booking>(&town, "one");
        town.begin::<Booking>("trip-1").await;
        assert_eq!(
            town.ended::<Booking>("trip-1").await,
            SagaOutcome::Compensated
        );
        assert!(town.desk.count("look trip-1/hotel") > 0, "{deed:?}");
        assert_eq!(town.desk.count("undo trip-1/hotel"), 0, "{deed:?}");
        assert_eq!(town.desk.count("undo trip-1/flight"), 1, "{deed:?}");
        node.stop().await;
    }
}
