//! What people do to sagas.

use std::sync::Arc;
use std::time::Duration;

use sagas::{ActionRejected, OperatorAction, RetryPolicy, SagaOutcome, StepStatus};
use tokio::time::Instant;

use crate::support::{Effect, TestCluster, gate};
use crate::trip::{Booking, ErrandSaga, Inventory, Purchase, Tour};

const TRIES: usize = RetryPolicy::DEFAULT.tries as usize;

/// A saga that is suspended at its last step, which is retriable.
async fn stuck(town: &TestCluster) {
    town.desk.set("notify", Effect::Transient);
    town.begin::<Purchase>("trip-1").await;
    let state = town.suspended::<Purchase>("trip-1").await;
    assert_eq!(state.run().unwrap().suspended, Some(3));
}

#[tokio::test(start_paused = true)]
async fn a_retriable_step_is_suspended_after_its_tries_and_a_resumption_counts_anew() {
    let town = TestCluster::new();
    let node = town.node::<Purchase>("one");
    stuck(&town).await;
    assert_eq!(town.desk.count("act trip-1/notify"), TRIES);
    // Nothing happens until a person acts.
    tokio::time::sleep(Duration::from_hours(24)).await;
    assert_eq!(town.desk.count("act trip-1/notify"), TRIES);
    town.act::<Purchase>("trip-1", OperatorAction::Resume)
        .await
        .unwrap();
    town.asked_times("act trip-1/notify", 2 * TRIES).await;
    town.suspended::<Purchase>("trip-1").await;
    // One more try each time.
    for more in 1..=3 {
        town.act::<Purchase>("trip-1", OperatorAction::Retry)
            .await
            .unwrap();
        town.asked_times("act trip-1/notify", 2 * TRIES + more)
            .await;
        town.suspended::<Purchase>("trip-1").await;
    }
    tokio::time::sleep(Duration::from_hours(24)).await;
    assert_eq!(town.desk.count("act trip-1/notify"), 2 * TRIES + 3);
    town.desk.set("notify", Effect::Good);
    town.act::<Purchase>("trip-1", OperatorAction::Resume)
        .await
        .unwrap();
    assert_eq!(
        town.ended::<Purchase>("trip-1").await,
        SagaOutcome::Completed
    );
    // It was always the same action.
    assert!(town.desk.asked().iter().all(|what| what.ends_with("/0")));
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_refused_step_is_tried_under_a_new_key_only_after_a_person() {
    let town = TestCluster::new();
    let node = town.node::<Purchase>("one");
    town.desk.set("notify", Effect::Declined);
    town.begin::<Purchase>("trip-1").await;
    town.suspended::<Purchase>("trip-1").await;
    assert_eq!(town.desk.count("act trip-1/notify"), 1);
    town.desk.set("notify", Effect::Good);
    town.act::<Purchase>("trip-1", OperatorAction::Resume)
        .await
        .unwrap();
    assert_eq!(
        town.ended::<Purchase>("trip-1").await,
        SagaOutcome::Completed
    );
    assert_eq!(town.desk.count("act trip-1/notify/1"), 1);
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_retry_makes_the_next_try_due_now() {
    let town = TestCluster::new();
    let node = town.node::<ErrandSaga>("one");
    town.desk.set("refund", Effect::Transient);
    town.begin::<ErrandSaga>("trip-1").await;
    // By now the pause is at least half a minute.
    town.tried::<ErrandSaga>("trip-1", "refund", 8).await;
    town.desk.set("refund", Effect::Good);
    let before = Instant::now();
    town.act::<ErrandSaga>("trip-1", OperatorAction::Retry)
        .await
        .unwrap();
    assert_eq!(
        town.ended::<ErrandSaga>("trip-1").await,
        SagaOutcome::Completed
    );
    assert!(before.elapsed() < Duration::from_secs(1));
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_step_that_was_done_by_hand_counts_as_done() {
    let town = TestCluster::new();
    let node = town.node::<Purchase>("one");
    stuck(&town).await;
    town.act::<Purchase>("trip-1", OperatorAction::Resolve)
        .await
        .unwrap();
    assert_eq!(
        town.ended::<Purchase>("trip-1").await,
        SagaOutcome::Completed
    );
    assert_eq!(town.desk.count("act trip-1/notify"), TRIES);
    let refused = town
        .act::<Purchase>("trip-1", OperatorAction::Resolve)
        .await;
    assert_eq!(refused, Err(ActionRejected::Ended));
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_saga_that_a_person_closed_has_failed() {
    let town = TestCluster::new();
    let node = town.node::<Purchase>("one");
    stuck(&town).await;
    town.act::<Purchase>("trip-1", OperatorAction::Close)
        .await
        .unwrap();
    assert_eq!(town.ended::<Purchase>("trip-1").await, SagaOutcome::Failed);
    for act in [
        OperatorAction::Resume,
        OperatorAction::Retry,
        OperatorAction::Cancel,
        OperatorAction::Resolve,
        OperatorAction::Close,
    ] {
        let refused = town.act::<Purchase>("trip-1", act).await;
        assert_eq!(refused, Err(ActionRejected::Ended), "{act:?}");
    }
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(node.engine.open(), []);
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_compensation_is_suspended_resumed_and_resolved() {
    for (act, undone_by_hand) in [
        (OperatorAction::Resume, false),
        (OperatorAction::Resolve, true),
    ] {
        let town = TestCluster::new();
        let node = town.node::<Booking>("one");
        town.desk.set("hotel", Effect::Declined);
        town.desk.break_undo(true);
        town.begin::<Booking>("trip-1").await;
        let state = town.suspended::<Booking>("trip-1").await;
        assert_eq!(state.run().unwrap().suspended, Some(1));
        assert_eq!(town.desk.count("undo trip-1/flight"), TRIES);
        town.desk.break_undo(false);
        town.act::<Booking>("trip-1", act).await.unwrap();
        assert_eq!(
            town.ended::<Booking>("trip-1").await,
            SagaOutcome::Compensated
        );
        let tries = TRIES + usize::from(!undone_by_hand);
        assert_eq!(town.desk.count("undo trip-1/flight"), tries);
        // Either way the domain hears of it.
        let shelf: Inventory = town.aggregate("shelf of trip-1").await;
        assert_eq!(shelf.count("undone"), 1);
        node.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn two_steps_side_by_side_that_need_a_person_go_on_together() {
    let town = TestCluster::new();
    let node = town.node::<ErrandSaga>("one");
    town.desk.set("notify", Effect::Transient);
    town.desk.set("refund", Effect::Transient);
    town.begin::<ErrandSaga>("trip-1").await;
    town.suspended::<ErrandSaga>("trip-1").await;
    tokio::time::sleep(Duration::from_hours(1)).await;
    town.desk.set("notify", Effect::Good);
    town.desk.set("refund", Effect::Good);
    town.act::<ErrandSaga>("trip-1", OperatorAction::Resume)
        .await
        .unwrap();
    assert_eq!(
        town.ended::<ErrandSaga>("trip-1").await,
        SagaOutcome::Completed
    );
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn acts_that_do_not_fit_are_refused() {
    let town = TestCluster::new();
    let node = town.node::<Tour>("one");
    for act in [
        OperatorAction::Resume,
        OperatorAction::Retry,
        OperatorAction::Cancel,
        OperatorAction::Resolve,
        OperatorAction::Close,
    ] {
        let refused = town.act::<Tour>("nobody", act).await;
        assert_eq!(refused, Err(ActionRejected::Unknown), "{act:?}");
    }
    let gate = gate();
    town.desk.set("flight", Effect::Gated(Arc::clone(&gate)));
    town.begin::<Tour>("trip-1").await;
    town.asked("act trip-1/flight").await;
    for act in [
        OperatorAction::Resume,
        OperatorAction::Resolve,
        OperatorAction::Close,
    ] {
        let refused = town.act::<Tour>("trip-1", act).await;
        assert_eq!(refused, Err(ActionRejected::NotSuspended), "{act:?}");
    }
    let refused = town.act::<Tour>("trip-1", OperatorAction::Retry).await;
    assert_eq!(refused, Err(ActionRejected::NothingWaits));
    gate.add_permits(1);
    town.ended::<Tour>("trip-1").await;
    node.stop().await;
}

/// When a cancellation comes, and whether it is accepted.
#[tokio::test(start_paused = true)]
async fn a_cancellation_is_queued_until_the_saga_is_decided() {
    // Before anything runs, while the first call or the second is under way: undone. At the pivot's call: its word
    // decides. Behind it: refused.
    for (step, accepted, outcome) in [
        ("authorise", Ok(()), SagaOutcome::Compensated),
        ("charge", Ok(()), SagaOutcome::Completed),
        (
            "notify",
            Err(ActionRejected::Decided),
            SagaOutcome::Completed,
        ),
    ] {
        let town = TestCluster::new();
        let gate = gate();
        town.desk.set(step, Effect::Gated(Arc::clone(&gate)));
        let node = town.node::<Purchase>("one");
        town.begin::<Purchase>("trip-1").await;
        town.asked(&format!("act trip-1/{step}")).await;
        assert_eq!(
            town.act::<Purchase>("trip-1", OperatorAction::Cancel).await,
            accepted,
            "{step}"
        );
        // To cancel twice is no error.
        assert_eq!(
            town.act::<Purchase>("trip-1", OperatorAction::Cancel).await,
            accepted,
            "{step}"
        );
        // The call that runs is waited for.
        tokio::time::sleep(Duration::from_secs(1)).await;
        let told = town.recorded::<Purchase>("trip-1").await;
        assert!(!told.contains(&"SagaCompensationStarted".to_owned()));
        gate.add_permits(1);
        assert_eq!(town.ended::<Purchase>("trip-1").await, outcome, "{step}");
        let undone = usize::from(outcome == SagaOutcome::Compensated);
        assert_eq!(town.desk.count("undo trip-1/authorise"), undone);
        node.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_saga_that_is_cancelled_before_it_runs_calls_nobody() {
    let town = TestCluster::new();
    town.begin::<Purchase>("trip-1").await;
    town.act::<Purchase>("trip-1", OperatorAction::Cancel)
        .await
        .unwrap();
    let node = town.node::<Purchase>("one");
    assert_eq!(
        town.ended::<Purchase>("trip-1").await,
        SagaOutcome::Compensated
    );
    assert_eq!(town.desk.asked(), [""; 0]);
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_saga_that_waits_is_cancelled_at_once_and_one_that_goes_back_goes_on() {
    let town = TestCluster::new();
    town.desk.set("hotel", Effect::Transient);
    town.desk.break_undo(true);
    let node = town.node::<Booking>("one");
    town.begin::<Booking>("trip-1").await;
    let waits = |state: &sagas::SagaState<Booking>| {
        state.run().unwrap().steps[2].attempts == 3
            && state.run().unwrap().steps[2].status == StepStatus::Waiting
    };
    town.until::<Booking>("trip-1", waits).await;
    let before = Instant::now();
    town.act::<Booking>("trip-1", OperatorAction::Cancel)
        .await
        .unwrap();
    town.asked("undo trip-1/flight").await;
    assert!(before.elapsed() < Duration::from_secs(1));
    assert_eq!(
        town.act::<Booking>("trip-1", OperatorAction::Cancel).await,
        Ok(())
    );
    town.desk.break_undo(false);
    assert_eq!(
        town.ended::<Booking>("trip-1").await,
        SagaOutcome::Compensated
    );
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn to_cancel_what_is_suspended_on_its_way_back_changes_nothing() {
    let town = TestCluster::new();
    let node = town.node::<Booking>("one");
    town.desk.set("hotel", Effect::Declined);
    town.desk.break_undo(true);
    town.begin::<Booking>("trip-1").await;
    town.suspended::<Booking>("trip-1").await;
    // It goes backwards already.
    assert_eq!(
        town.act::<Booking>("trip-1", OperatorAction::Cancel).await,
        Ok(())
    );
    town.desk.break_undo(false);
    town.act::<Booking>("trip-1", OperatorAction::Resume)
        .await
        .unwrap();
    assert_eq!(
        town.ended::<Booking>("trip-1").await,
        SagaOutcome::Compensated
    );
    node.stop().await;
}
