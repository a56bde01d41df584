//! Commands of operators.

use std::sync::Arc;
use std::time::Duration;

use sagas::{ActionRejected, OperatorAction, RetryPolicy, SagaOutcome, StepStatus};
use tokio::time::Instant;

use crate::support::{Effect, Records, TestCluster, gate};
use crate::trip::{Booking, ErrandSaga, Inventory, Purchase, Tour};

const TRIES: usize = RetryPolicy::DEFAULT.tries as usize;

/// A saga that is suspended at its last step, which is retriable.
async fn stuck(cluster: &TestCluster) {
    cluster.provider.set("notify", Effect::Transient);
    cluster.begin::<Purchase>("trip-1").await;
    let state = cluster.suspended::<Purchase>("trip-1").await;
    assert_eq!(state.run().unwrap().suspended, Some(3));
}

#[tokio::test(start_paused = true)]
async fn a_retriable_step_is_suspended_after_its_tries_and_a_resumption_resets_them() {
    let cluster = TestCluster::new();
    let node = cluster.node::<Purchase>("one");
    stuck(&cluster).await;
    assert_eq!(cluster.provider.count("act trip-1/notify"), TRIES);
    // Nothing happens until an operator acts.
    tokio::time::sleep(Duration::from_hours(24)).await;
    assert_eq!(cluster.provider.count("act trip-1/notify"), TRIES);
    cluster
        .act::<Purchase>("trip-1", OperatorAction::Resume)
        .await
        .unwrap();
    cluster.asked_times("act trip-1/notify", 2 * TRIES).await;
    cluster.suspended::<Purchase>("trip-1").await;
    // One more try each time.
    for more in 1..=3 {
        cluster
            .act::<Purchase>("trip-1", OperatorAction::Retry)
            .await
            .unwrap();
        cluster
            .asked_times("act trip-1/notify", 2 * TRIES + more)
            .await;
        cluster.suspended::<Purchase>("trip-1").await;
    }
    tokio::time::sleep(Duration::from_hours(24)).await;
    assert_eq!(cluster.provider.count("act trip-1/notify"), 2 * TRIES + 3);
    cluster.provider.set("notify", Effect::Good);
    cluster
        .act::<Purchase>("trip-1", OperatorAction::Resume)
        .await
        .unwrap();
    assert_eq!(
        cluster.ended::<Purchase>("trip-1").await,
        SagaOutcome::Completed
    );
    // It was always the same action.
    assert!(
        cluster
            .provider
            .asked()
            .iter()
            .all(|what| what.ends_with("/0"))
    );
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_declined_step_is_tried_under_a_new_key_only_after_a_resumption() {
    let cluster = TestCluster::new();
    let node = cluster.node::<Purchase>("one");
    cluster.provider.set("notify", Effect::Declined);
    cluster.begin::<Purchase>("trip-1").await;
    cluster.suspended::<Purchase>("trip-1").await;
    assert_eq!(cluster.provider.count("act trip-1/notify"), 1);
    cluster.provider.set("notify", Effect::Good);
    cluster
        .act::<Purchase>("trip-1", OperatorAction::Resume)
        .await
        .unwrap();
    assert_eq!(
        cluster.ended::<Purchase>("trip-1").await,
        SagaOutcome::Completed
    );
    assert_eq!(cluster.provider.count("act trip-1/notify/1"), 1);
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_retry_makes_the_next_try_due_now() {
    let cluster = TestCluster::new();
    let node = cluster.node::<ErrandSaga>("one");
    cluster.provider.set("refund", Effect::Transient);
    cluster.begin::<ErrandSaga>("trip-1").await;
    // By now the pause is at least half a minute.
    cluster.tried::<ErrandSaga>("trip-1", "refund", 8).await;
    cluster.provider.set("refund", Effect::Good);
    let before = Instant::now();
    cluster
        .act::<ErrandSaga>("trip-1", OperatorAction::Retry)
        .await
        .unwrap();
    assert_eq!(
        cluster.ended::<ErrandSaga>("trip-1").await,
        SagaOutcome::Completed
    );
    assert!(before.elapsed() < Duration::from_secs(1));
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_resolved_step_counts_as_done() {
    let cluster = TestCluster::new();
    let node = cluster.node::<Purchase>("one");
    stuck(&cluster).await;
    cluster
        .act::<Purchase>("trip-1", OperatorAction::Resolve)
        .await
        .unwrap();
    assert_eq!(
        cluster.ended::<Purchase>("trip-1").await,
        SagaOutcome::Completed
    );
    assert_eq!(cluster.provider.count("act trip-1/notify"), TRIES);
    let rejected = cluster
        .act::<Purchase>("trip-1", OperatorAction::Resolve)
        .await;
    assert_eq!(rejected, Err(ActionRejected::Ended));
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_closed_saga_has_failed() {
    let cluster = TestCluster::new();
    let node = cluster.node::<Purchase>("one");
    stuck(&cluster).await;
    cluster
        .act::<Purchase>("trip-1", OperatorAction::Close)
        .await
        .unwrap();
    assert_eq!(
        cluster.ended::<Purchase>("trip-1").await,
        SagaOutcome::Failed
    );
    for act in [
        OperatorAction::Resume,
        OperatorAction::Retry,
        OperatorAction::Cancel,
        OperatorAction::Resolve,
        OperatorAction::Close,
    ] {
        let rejected = cluster.act::<Purchase>("trip-1", act).await;
        assert_eq!(rejected, Err(ActionRejected::Ended), "{act:?}");
    }
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(node.engine.open(), []);
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_compensation_is_suspended_resumed_and_resolved() {
    for (act, is_resolved) in [
        (OperatorAction::Resume, false),
        (OperatorAction::Resolve, true),
    ] {
        let cluster = TestCluster::new();
        let node = cluster.node::<Booking>("one");
        cluster.provider.set("hotel", Effect::Declined);
        cluster.provider.break_undo(true);
        cluster.begin::<Booking>("trip-1").await;
        let state = cluster.suspended::<Booking>("trip-1").await;
        assert_eq!(state.run().unwrap().suspended, Some(1));
        assert_eq!(cluster.provider.count("undo trip-1/flight"), TRIES);
        cluster.provider.break_undo(false);
        cluster.act::<Booking>("trip-1", act).await.unwrap();
        assert_eq!(
            cluster.ended::<Booking>("trip-1").await,
            SagaOutcome::Compensated
        );
        let tries = TRIES + usize::from(!is_resolved);
        assert_eq!(cluster.provider.count("undo trip-1/flight"), tries);
        // In both cases the domain's events are appended.
        let shelf: Inventory = cluster.aggregate("shelf of trip-1").await;
        assert_eq!(shelf.count("undone"), 1);
        node.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_compensation_at_a_provider_that_does_not_know_the_action_is_suspended() {
    let cluster = TestCluster::new();
    let node = cluster.node::<Booking>("one");
    cluster.provider.set("hotel", Effect::Transient);
    cluster.begin::<Booking>("trip-1").await;
    cluster.asked("act trip-1/hotel").await;
    let records = cluster.provider.replace(Records::default());
    cluster
        .act::<Booking>("trip-1", OperatorAction::Cancel)
        .await
        .unwrap();
    let state = cluster.suspended::<Booking>("trip-1").await;
    assert_eq!(cluster.provider.count("undo trip-1/flight"), TRIES);
    assert_eq!(
        state.summary().unwrap().failure.unwrap(),
        "the provider does not know this action, which took effect: \
         it is another provider, or it has lost its records"
    );
    let shelf: Inventory = cluster.aggregate("shelf of trip-1").await;
    assert_eq!(shelf.count("undone"), 0);
    cluster.provider.replace(records);
    cluster
        .act::<Booking>("trip-1", OperatorAction::Resume)
        .await
        .unwrap();
    assert_eq!(
        cluster.ended::<Booking>("trip-1").await,
        SagaOutcome::Compensated
    );
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_resumption_applies_to_all_steps_of_a_stage() {
    let cluster = TestCluster::new();
    let node = cluster.node::<ErrandSaga>("one");
    cluster.provider.set("notify", Effect::Transient);
    cluster.provider.set("refund", Effect::Transient);
    cluster.begin::<ErrandSaga>("trip-1").await;
    cluster.suspended::<ErrandSaga>("trip-1").await;
    tokio::time::sleep(Duration::from_hours(1)).await;
    cluster.provider.set("notify", Effect::Good);
    cluster.provider.set("refund", Effect::Good);
    cluster
        .act::<ErrandSaga>("trip-1", OperatorAction::Resume)
        .await
        .unwrap();
    assert_eq!(
        cluster.ended::<ErrandSaga>("trip-1").await,
        SagaOutcome::Completed
    );
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn actions_that_do_not_apply_are_rejected() {
    let cluster = TestCluster::new();
    let node = cluster.node::<Tour>("one");
    for act in [
        OperatorAction::Resume,
        OperatorAction::Retry,
        OperatorAction::Cancel,
        OperatorAction::Resolve,
        OperatorAction::Close,
    ] {
        let rejected = cluster.act::<Tour>("missing", act).await;
        assert_eq!(rejected, Err(ActionRejected::Unknown), "{act:?}");
    }
    let gate = gate();
    cluster
        .provider
        .set("flight", Effect::Gated(Arc::clone(&gate)));
    cluster.begin::<Tour>("trip-1").await;
    cluster.asked("act trip-1/flight").await;
    for act in [
        OperatorAction::Resume,
        OperatorAction::Resolve,
        OperatorAction::Close,
    ] {
        let rejected = cluster.act::<Tour>("trip-1", act).await;
        assert_eq!(rejected, Err(ActionRejected::NotSuspended), "{act:?}");
    }
    let rejected = cluster.act::<Tour>("trip-1", OperatorAction::Retry).await;
    assert_eq!(rejected, Err(ActionRejected::NothingWaits));
    gate.add_permits(1);
    cluster.ended::<Tour>("trip-1").await;
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_cancellation_is_queued_until_the_saga_is_decided() {
    // While a compensatable call is in flight: compensated. During the pivot's call: its result decides. After it:
    // rejected.
    for (step, accepted, outcome) in [
        ("authorise", Ok(()), SagaOutcome::Compensated),
        ("charge", Ok(()), SagaOutcome::Completed),
        (
            "notify",
            Err(ActionRejected::Decided),
            SagaOutcome::Completed,
        ),
    ] {
        let cluster = TestCluster::new();
        let gate = gate();
        cluster.provider.set(step, Effect::Gated(Arc::clone(&gate)));
        let node = cluster.node::<Purchase>("one");
        cluster.begin::<Purchase>("trip-1").await;
        cluster.asked(&format!("act trip-1/{step}")).await;
        assert_eq!(
            cluster
                .act::<Purchase>("trip-1", OperatorAction::Cancel)
                .await,
            accepted,
            "{step}"
        );
        // A repeated cancellation succeeds.
        assert_eq!(
            cluster
                .act::<Purchase>("trip-1", OperatorAction::Cancel)
                .await,
            accepted,
            "{step}"
        );
        // The call in flight is awaited.
        tokio::time::sleep(Duration::from_secs(1)).await;
        let recorded = cluster.recorded::<Purchase>("trip-1").await;
        assert!(!recorded.contains(&"SagaCompensationStarted".to_owned()));
        gate.add_permits(1);
        assert_eq!(cluster.ended::<Purchase>("trip-1").await, outcome, "{step}");
        let undone = usize::from(outcome == SagaOutcome::Compensated);
        assert_eq!(cluster.provider.count("undo trip-1/authorise"), undone);
        node.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_saga_that_is_cancelled_before_it_runs_makes_no_call() {
    let cluster = TestCluster::new();
    cluster.begin::<Purchase>("trip-1").await;
    cluster
        .act::<Purchase>("trip-1", OperatorAction::Cancel)
        .await
        .unwrap();
    let node = cluster.node::<Purchase>("one");
    assert_eq!(
        cluster.ended::<Purchase>("trip-1").await,
        SagaOutcome::Compensated
    );
    assert_eq!(cluster.provider.asked(), [""; 0]);
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_waiting_saga_is_cancelled_immediately_and_a_compensating_one_continues() {
    let cluster = TestCluster::new();
    cluster.provider.set("hotel", Effect::Transient);
    cluster.provider.break_undo(true);
    let node = cluster.node::<Booking>("one");
    cluster.begin::<Booking>("trip-1").await;
    let waits = |state: &sagas::SagaState<Booking>| {
        state.run().unwrap().steps[2].attempts == 3
            && state.run().unwrap().steps[2].status == StepStatus::Waiting
    };
    cluster.until::<Booking>("trip-1", waits).await;
    let before = Instant::now();
    cluster
        .act::<Booking>("trip-1", OperatorAction::Cancel)
        .await
        .unwrap();
    cluster.asked("undo trip-1/flight").await;
    assert!(before.elapsed() < Duration::from_secs(1));
    assert_eq!(
        cluster
            .act::<Booking>("trip-1", OperatorAction::Cancel)
            .await,
        Ok(())
    );
    cluster.provider.break_undo(false);
    assert_eq!(
        cluster.ended::<Booking>("trip-1").await,
        SagaOutcome::Compensated
    );
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn cancelling_a_saga_suspended_in_compensation_changes_nothing() {
    let cluster = TestCluster::new();
    let node = cluster.node::<Booking>("one");
    cluster.provider.set("hotel", Effect::Declined);
    cluster.provider.break_undo(true);
    cluster.begin::<Booking>("trip-1").await;
    cluster.suspended::<Booking>("trip-1").await;
    // It is compensating already.
    assert_eq!(
        cluster
            .act::<Booking>("trip-1", OperatorAction::Cancel)
            .await,
        Ok(())
    );
    cluster.provider.break_undo(false);
    cluster
        .act::<Booking>("trip-1", OperatorAction::Resume)
        .await
        .unwrap();
    assert_eq!(
        cluster.ended::<Booking>("trip-1").await,
        SagaOutcome::Compensated
    );
    node.stop().await;
}
