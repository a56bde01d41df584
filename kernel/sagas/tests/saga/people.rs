//! What people do to sagas.

use std::sync::Arc;
use std::time::Duration;

use sagas::{Act, ActRefused, Outcome, RetryPolicy, Status};
use tokio::time::Instant;

use crate::support::{Deed, Town, gate};
use crate::trip::{Booking, Errands, Purchase, Shelf, Tour};

const TRIES: usize = RetryPolicy::DEFAULT.tries as usize;

/// A saga that is suspended at its last step, which is retriable.
async fn stuck(town: &Town) {
    town.desk.set("notify", Deed::NotDone);
    town.begin::<Purchase>("trip-1").await;
    let state = town.suspended::<Purchase>("trip-1").await;
    assert_eq!(state.run().unwrap().suspended, Some(3));
}

#[tokio::test(start_paused = true)]
async fn a_retriable_step_is_suspended_after_its_tries_and_a_resumption_counts_anew() {
    let town = Town::new();
    let node = town.node::<Purchase>("one");
    stuck(&town).await;
    assert_eq!(town.desk.count("act trip-1/notify"), TRIES);
    // Nothing happens until a person acts.
    tokio::time::sleep(Duration::from_hours(24)).await;
    assert_eq!(town.desk.count("act trip-1/notify"), TRIES);
    town.act::<Purchase>("trip-1", Act::Resume).await.unwrap();
    town.asked_times("act trip-1/notify", 2 * TRIES).await;
    town.suspended::<Purchase>("trip-1").await;
    // One more try each time.
    for more in 1..=3 {
        town.act::<Purchase>("trip-1", Act::Retry).await.unwrap();
        town.asked_times("act trip-1/notify", 2 * TRIES + more)
            .await;
        town.suspended::<Purchase>("trip-1").await;
    }
    tokio::time::sleep(Duration::from_hours(24)).await;
    assert_eq!(town.desk.count("act trip-1/notify"), 2 * TRIES + 3);
    town.desk.set("notify", Deed::Good);
    town.act::<Purchase>("trip-1", Act::Resume).await.unwrap();
    assert_eq!(town.ended::<Purchase>("trip-1").await, Outcome::Completed);
    // It was always the same action.
    assert!(town.desk.asked().iter().all(|what| what.ends_with("/0")));
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_refused_step_is_tried_under_a_new_key_only_after_a_person() {
    let town = Town::new();
    let node = town.node::<Purchase>("one");
    town.desk.set("notify", Deed::Refused);
    town.begin::<Purchase>("trip-1").await;
    town.suspended::<Purchase>("trip-1").await;
    assert_eq!(town.desk.count("act trip-1/notify"), 1);
    town.desk.set("notify", Deed::Good);
    town.act::<Purchase>("trip-1", Act::Resume).await.unwrap();
    assert_eq!(town.ended::<Purchase>("trip-1").await, Outcome::Completed);
    assert_eq!(town.desk.count("act trip-1/notify/1"), 1);
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_retry_makes_the_next_try_due_now() {
    let town = Town::new();
    let node = town.node::<Errands>("one");
    town.desk.set("refund", Deed::NotDone);
    town.begin::<Errands>("trip-1").await;
    // By now the pause is at least half a minute.
    town.tried::<Errands>("trip-1", "refund", 8).await;
    town.desk.set("refund", Deed::Good);
    let before = Instant::now();
    town.act::<Errands>("trip-1", Act::Retry).await.unwrap();
    assert_eq!(town.ended::<Errands>("trip-1").await, Outcome::Completed);
    assert!(before.elapsed() < Duration::from_secs(1));
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_step_that_was_done_by_hand_counts_as_done() {
    let town = Town::new();
    let node = town.node::<Purchase>("one");
    stuck(&town).await;
    town.act::<Purchase>("trip-1", Act::Resolve).await.unwrap();
    assert_eq!(town.ended::<Purchase>("trip-1").await, Outcome::Completed);
    assert_eq!(town.desk.count("act trip-1/notify"), TRIES);
    let refused = town.act::<Purchase>("trip-1", Act::Resolve).await;
    assert_eq!(refused, Err(ActRefused::Ended));
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_saga_that_a_person_closed_has_failed() {
    let town = Town::new();
    let node = town.node::<Purchase>("one");
    stuck(&town).await;
    town.act::<Purchase>("trip-1", Act::Close).await.unwrap();
    assert_eq!(town.ended::<Purchase>("trip-1").await, Outcome::Failed);
    for act in [
        Act::Resume,
        Act::Retry,
        Act::Cancel,
        Act::Resolve,
        Act::Close,
    ] {
        let refused = town.act::<Purchase>("trip-1", act).await;
        assert_eq!(refused, Err(ActRefused::Ended), "{act:?}");
    }
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(node.engine.open(), []);
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_compensation_is_suspended_resumed_and_resolved() {
    for (act, undone_by_hand) in [(Act::Resume, false), (Act::Resolve, true)] {
        let town = Town::new();
        let node = town.node::<Booking>("one");
        town.desk.set("hotel", Deed::Refused);
        town.desk.break_undo(true);
        town.begin::<Booking>("trip-1").await;
        let state = town.suspended::<Booking>("trip-1").await;
        assert_eq!(state.run().unwrap().suspended, Some(1));
        assert_eq!(town.desk.count("undo trip-1/flight"), TRIES);
        town.desk.break_undo(false);
        town.act::<Booking>("trip-1", act).await.unwrap();
        assert_eq!(town.ended::<Booking>("trip-1").await, Outcome::Compensated);
        let tries = TRIES + usize::from(!undone_by_hand);
        assert_eq!(town.desk.count("undo trip-1/flight"), tries);
        // Either way the domain hears of it.
        let shelf: Shelf = town.aggregate("shelf of trip-1").await;
        assert_eq!(shelf.count("undone"), 1);
        node.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn two_steps_side_by_side_that_need_a_person_go_on_together() {
    let town = Town::new();
    let node = town.node::<Errands>("one");
    town.desk.set("notify", Deed::NotDone);
    town.desk.set("refund", Deed::NotDone);
    town.begin::<Errands>("trip-1").await;
    town.suspended::<Errands>("trip-1").await;
    tokio::time::sleep(Duration::from_hours(1)).await;
    town.desk.set("notify", Deed::Good);
    town.desk.set("refund", Deed::Good);
    town.act::<Errands>("trip-1", Act::Resume).await.unwrap();
    assert_eq!(town.ended::<Errands>("trip-1").await, Outcome::Completed);
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn acts_that_do_not_fit_are_refused() {
    let town = Town::new();
    let node = town.node::<Tour>("one");
    for act in [
        Act::Resume,
        Act::Retry,
        Act::Cancel,
        Act::Resolve,
        Act::Close,
    ] {
        let refused = town.act::<Tour>("nobody", act).await;
        assert_eq!(refused, Err(ActRefused::Unknown), "{act:?}");
    }
    let gate = gate();
    town.desk.set("flight", Deed::Gated(Arc::clone(&gate)));
    town.begin::<Tour>("trip-1").await;
    town.asked("act trip-1/flight").await;
    for act in [Act::Resume, Act::Resolve, Act::Close] {
        let refused = town.act::<Tour>("trip-1", act).await;
        assert_eq!(refused, Err(ActRefused::NotSuspended), "{act:?}");
    }
    let refused = town.act::<Tour>("trip-1", Act::Retry).await;
    assert_eq!(refused, Err(ActRefused::NothingWaits));
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
        ("authorise", Ok(()), Outcome::Compensated),
        ("charge", Ok(()), Outcome::Completed),
        ("notify", Err(ActRefused::Decided), Outcome::Completed),
    ] {
        let town = Town::new();
        let gate = gate();
        town.desk.set(step, Deed::Gated(Arc::clone(&gate)));
        let node = town.node::<Purchase>("one");
        town.begin::<Purchase>("trip-1").await;
        town.asked(&format!("act trip-1/{step}")).await;
        assert_eq!(
            town.act::<Purchase>("trip-1", Act::Cancel).await,
            accepted,
            "{step}"
        );
        // To cancel twice is no error.
        assert_eq!(
            town.act::<Purchase>("trip-1", Act::Cancel).await,
            accepted,
            "{step}"
        );
        // The call that runs is waited for.
        tokio::time::sleep(Duration::from_secs(1)).await;
        let told = town.told::<Purchase>("trip-1").await;
        assert!(!told.contains(&"SagaCompensationStarted".to_owned()));
        gate.add_permits(1);
        assert_eq!(town.ended::<Purchase>("trip-1").await, outcome, "{step}");
        let undone = usize::from(outcome == Outcome::Compensated);
        assert_eq!(town.desk.count("undo trip-1/authorise"), undone);
        node.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_saga_that_is_cancelled_before_it_runs_calls_nobody() {
    let town = Town::new();
    town.begin::<Purchase>("trip-1").await;
    town.act::<Purchase>("trip-1", Act::Cancel).await.unwrap();
    let node = town.node::<Purchase>("one");
    assert_eq!(town.ended::<Purchase>("trip-1").await, Outcome::Compensated);
    assert_eq!(town.desk.asked(), [""; 0]);
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_saga_that_waits_is_cancelled_at_once_and_one_that_goes_back_goes_on() {
    let town = Town::new();
    town.desk.set("hotel", Deed::NotDone);
    town.desk.break_undo(true);
    let node = town.node::<Booking>("one");
    town.begin::<Booking>("trip-1").await;
    let waits = |state: &sagas::SagaState<Booking>| {
        state.run().unwrap().steps[2].attempts == 3
            && state.run().unwrap().steps[2].status == Status::Waiting
    };
    town.until::<Booking>("trip-1", waits).await;
    let before = Instant::now();
    town.act::<Booking>("trip-1", Act::Cancel).await.unwrap();
    town.asked("undo trip-1/flight").await;
    assert!(before.elapsed() < Duration::from_secs(1));
    assert_eq!(town.act::<Booking>("trip-1", Act::Cancel).await, Ok(()));
    town.desk.break_undo(false);
    assert_eq!(town.ended::<Booking>("trip-1").await, Outcome::Compensated);
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn to_cancel_what_is_suspended_on_its_way_back_changes_nothing() {
    let town = Town::new();
    let node = town.node::<Booking>("one");
    town.desk.set("hotel", Deed::Refused);
    town.desk.break_undo(true);
    town.begin::<Booking>("trip-1").await;
    town.suspended::<Booking>("trip-1").await;
    // It goes backwards already.
    assert_eq!(town.act::<Booking>("trip-1", Act::Cancel).await, Ok(()));
    town.desk.break_undo(false);
    town.act::<Booking>("trip-1", Act::Resume).await.unwrap();
    assert_eq!(town.ended::<Booking>("trip-1").await, Outcome::Compensated);
    node.stop().await;
}
