//! A step is not retried before the `retry_after` of its provider.

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

/// The maximum jitter after the end of a wait.
const SPREAD: Duration = RetryPolicy::DEFAULT.min;

/// Starts a process whose own backoff is shorter than the waits in these tests.
fn hasty<S: Travel>(cluster: &TestCluster, owner: &str) -> Node {
    let config = EngineConfig {
        max_backoff: Duration::from_secs(1),
        lease: Duration::from_secs(3),
        ..EngineConfig::new(owner)
    };
    let provider = Arc::clone(&cluster.provider);
    cluster.start(config, |builder| add::<S>(builder, provider))
}

/// Waits until a step waits. Returns for how long and until when.
async fn pause<S: Travel>(cluster: &TestCluster, name: &str) -> (Duration, DateTime<Utc>) {
    let waits = |state: &SagaState<S>| step(state, name).retry_at.is_some();
    let state = cluster.until::<S>("trip-1", waits).await;
    let due = step(&state, name).retry_at.unwrap();
    let pause = due - state.run().unwrap().updated_at;
    (pause.to_std().unwrap(), due)
}

#[track_caller]
fn assert_is_about(pause: Duration, wait: Duration) {
    assert!((wait..=wait + SPREAD).contains(&pause), "{pause:?}");
}

#[tokio::test(start_paused = true)]
async fn a_step_is_not_retried_before_its_retry_after() {
    let cluster = TestCluster::new();
    let wait = Duration::from_secs(20);
    cluster.provider.set("flight", Effect::Busy(wait));
    let node = hasty::<Booking>(&cluster, "one");
    cluster.begin::<Booking>("trip-1").await;
    assert_is_about(pause::<Booking>(&cluster, "flight").await.0, wait);
    cluster.provider.set("flight", Effect::Good);
    assert_eq!(
        cluster.ended::<Booking>("trip-1").await,
        SagaOutcome::Completed
    );
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_wait_survives_a_crash() {
    let cluster = TestCluster::new();
    let wait = Duration::from_secs(20);
    cluster.provider.set("flight", Effect::Busy(wait));
    let one = hasty::<Booking>(&cluster, "one");
    cluster.begin::<Booking>("trip-1").await;
    let (pause, due) = pause::<Booking>(&cluster, "flight").await;
    assert_is_about(pause, wait);
    one.abort().await;
    cluster.provider.set("flight", Effect::Good);
    let two = hasty::<Booking>(&cluster, "two");
    cluster.asked_times("act trip-1/flight", 2).await;
    assert!(
        cluster.clock.now() >= due,
        "{} is before {due}",
        cluster.clock.now()
    );
    assert_eq!(
        cluster.ended::<Booking>("trip-1").await,
        SagaOutcome::Completed
    );
    two.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_compensation_waits_as_well() {
    let cluster = TestCluster::new();
    let wait = Duration::from_secs(90);
    let gate = gate();
    cluster
        .provider
        .set("hotel", Effect::Gated(Arc::clone(&gate)));
    let node = hasty::<Booking>(&cluster, "one");
    cluster.begin::<Booking>("trip-1").await;
    cluster.asked("act trip-1/hotel").await;
    cluster.provider.set("flight", Effect::Busy(wait));
    cluster
        .act::<Booking>("trip-1", OperatorAction::Cancel)
        .await
        .unwrap();
    gate.add_permits(1);
    assert_is_about(pause::<Booking>(&cluster, "flight").await.0, wait);
    cluster.provider.set("flight", Effect::Good);
    assert_eq!(
        cluster.ended::<Booking>("trip-1").await,
        SagaOutcome::Compensated
    );
    assert_eq!(cluster.provider.count("undo trip-1/flight"), 2);
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_look_up_with_a_retry_after_waits_too() {
    let cluster = TestCluster::new();
    let wait = Duration::from_secs(10);
    cluster.provider.set("flight", Effect::Gated(gate()));
    let node = hasty::<Booking>(&cluster, "one");
    cluster.begin::<Booking>("trip-1").await;
    cluster.asked("act trip-1/flight").await;
    cluster.provider.set("flight", Effect::Busy(wait));
    cluster.asked("look trip-1/flight").await;
    assert_is_about(pause::<Booking>(&cluster, "flight").await.0, wait);
    // The recorded outcome stays unknown.
    let events = cluster.events::<Booking>("trip-1").await;
    let failed = events.iter().rev().find_map(|event| match event {
        SagaEvent::StepFailed(failed) => Some(failed.outcome),
        _ => None,
    });
    assert_eq!(failed, Some(FailureKind::Unknown));
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_wait_past_the_deadline_of_the_step_ends_its_tries() {
    let cluster = TestCluster::new();
    cluster
        .provider
        .set("flight", Effect::Busy(Duration::from_secs(31)));
    let node = hasty::<Booking>(&cluster, "one");
    let start = cluster.clock.now();
    cluster.begin::<Booking>("trip-1").await;
    assert_eq!(
        cluster.ended::<Booking>("trip-1").await,
        SagaOutcome::Compensated
    );
    assert_eq!(cluster.provider.count("act trip-1/flight"), 1);
    let passed = (cluster.clock.now() - start).to_std().unwrap();
    assert!(passed < Duration::from_secs(25), "{passed:?}");
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_wait_is_limited_and_an_operator_can_end_it() {
    let cluster = TestCluster::new();
    cluster.provider.set("refund", Effect::Busy(Duration::MAX));
    let node = hasty::<ErrandSaga>(&cluster, "one");
    cluster.begin::<ErrandSaga>("trip-1").await;
    assert_is_about(
        pause::<ErrandSaga>(&cluster, "refund").await.0,
        MAX_RETRY_AFTER,
    );
    cluster.provider.set("refund", Effect::Good);
    let before = cluster.clock.now();
    cluster
        .act::<ErrandSaga>("trip-1", OperatorAction::Retry)
        .await
        .unwrap();
    assert_eq!(
        cluster.ended::<ErrandSaga>("trip-1").await,
        SagaOutcome::Completed
    );
    assert!(cluster.clock.now() - before < TimeDelta::minutes(1));
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_action_without_an_effect_is_not_undone_even_if_no_look_up_succeeds() {
    // The action is never executed: the first try fails, and every look-up after it is rejected or not answered.
    for effect in [Effect::Busy(Duration::from_secs(1)), Effect::Mute] {
        let cluster = TestCluster::new();
        cluster.provider.set("hotel", effect.clone());
        let node = hasty::<Booking>(&cluster, "one");
        cluster.begin::<Booking>("trip-1").await;
        assert_eq!(
            cluster.ended::<Booking>("trip-1").await,
            SagaOutcome::Compensated
        );
        assert!(
            cluster.provider.count("look trip-1/hotel") > 0,
            "{effect:?}"
        );
        assert_eq!(cluster.provider.count("undo trip-1/hotel"), 0, "{effect:?}");
        assert_eq!(
            cluster.provider.count("undo trip-1/flight"),
            1,
            "{effect:?}"
        );
        node.stop().await;
    }
}
