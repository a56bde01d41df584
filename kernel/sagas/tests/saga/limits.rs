//! What is bounded: calls side by side, what a waiting saga costs, and how long a stop takes.

use std::sync::Arc;
use std::time::Duration;

use event_sourcing::LeaseStore;
use sagas::{EngineConfig, OperatorAction, SagaOutcome, StepStatus};

use crate::restart::stuck;
use crate::support::{Effect, LONG, TestCluster, add, gate};
use crate::trip::{Booking, Tour};

#[tokio::test(start_paused = true)]
async fn calls_side_by_side_are_bounded() {
    for calls in [1, 3] {
        let town = TestCluster::new();
        let config = EngineConfig {
            calls,
            ..EngineConfig::new("one")
        };
        let desk = Arc::clone(&town.desk);
        let node = town.start(config, |builder| add::<Tour>(builder, desk));
        for number in 0..40 {
            town.begin::<Tour>(&format!("trip-{number}")).await;
        }
        for number in 0..40 {
            let ended = town.ended::<Tour>(&format!("trip-{number}")).await;
            assert_eq!(ended, SagaOutcome::Completed);
        }
        assert_eq!(town.desk.most_in_flight(), calls);
        node.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn sagas_looked_at_side_by_side_are_bounded() {
    let town = TestCluster::new();
    let config = EngineConfig {
        drives: 2,
        ..EngineConfig::new("one")
    };
    let desk = Arc::clone(&town.desk);
    let node = town.start(config, |builder| add::<Booking>(builder, desk));
    for number in 0..30 {
        town.begin::<Booking>(&format!("trip-{number}")).await;
    }
    for number in 0..30 {
        let ended = town.ended::<Booking>(&format!("trip-{number}")).await;
        assert_eq!(ended, SagaOutcome::Completed);
    }
    assert!(town.desk.most_in_flight() <= 2);
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_steps_of_a_stage_are_called_side_by_side_and_a_failing_one_waits_for_the_other() {
    let town = TestCluster::new();
    let gate = gate();
    let node = town.node::<Tour>("one");
    town.begin::<Tour>("trip-0").await;
    assert_eq!(town.ended::<Tour>("trip-0").await, SagaOutcome::Completed);
    assert_eq!(town.desk.most_in_flight(), 2);
    town.desk.set("flight", Effect::Declined);
    town.desk.set("hotel", Effect::Gated(Arc::clone(&gate)));
    town.begin::<Tour>("trip-1").await;
    let has_given_up = |state: &sagas::SagaState<Tour>| {
        state.run().unwrap().steps[1].status == StepStatus::GivenUp
    };
    town.until::<Tour>("trip-1", has_given_up).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let told = town.recorded::<Tour>("trip-1").await;
    assert!(!told.contains(&"SagaCompensationStarted".to_owned()));
    gate.add_permits(1);
    assert_eq!(town.ended::<Tour>("trip-1").await, SagaOutcome::Compensated);
    assert_eq!(town.desk.count("undo trip-1/hotel"), 1);
    // It was declined, so there is nothing to undo.
    assert_eq!(town.desk.count("undo trip-1/flight"), 0);
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_clean_stop_waits_for_the_word_of_its_calls_and_begins_no_other() {
    let town = TestCluster::new();
    let gate = gate();
    town.desk.set("flight", Effect::Gated(Arc::clone(&gate)));
    let node = town.node::<Booking>("one");
    town.begin::<Booking>("trip-1").await;
    town.asked("act trip-1/flight").await;
    let stopping = tokio::spawn(node.stop());
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(!stopping.is_finished());
    gate.add_permits(1);
    stopping.await.unwrap();
    let state = town.state::<Booking>("trip-1").await;
    let statuses = state.run().unwrap().steps.iter().map(|step| step.status);
    let statuses: Vec<_> = statuses.collect();
    assert_eq!(
        statuses,
        [StepStatus::Done, StepStatus::Done, StepStatus::Pending]
    );
    assert_eq!(town.store.held_leases("saga").await.unwrap(), []);
    let next = town.node::<Booking>("two");
    assert_eq!(
        town.ended::<Booking>("trip-1").await,
        SagaOutcome::Completed
    );
    next.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_for_a_store_that_is_gone() {
    let town = TestCluster::new();
    let gate = gate();
    town.desk.set("flight", Effect::Gated(Arc::clone(&gate)));
    let node = town.node::<Booking>("one");
    town.begin::<Booking>("trip-1").await;
    town.asked("act trip-1/flight").await;
    node.wire
        .is_cut
        .store(true, std::sync::atomic::Ordering::Relaxed);
    gate.add_permits(1);
    let stopped = tokio::time::timeout(LONG, node.stop()).await;
    assert_eq!(stopped, Ok(()));
    // The word that could not be written is asked for by the next.
    let next = town.node::<Booking>("two");
    assert_eq!(
        town.ended::<Booking>("trip-1").await,
        SagaOutcome::Completed
    );
    assert_eq!(town.desk.count("act trip-1/flight"), 1);
    next.stop().await;
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_sagas_at_rest_cost_an_entry_each_and_no_task() {
    const SAGAS: usize = 10_000;
    let town = TestCluster::new();
    for number in 0..SAGAS {
        let saga_id = format!("trip-{number}");
        town.write::<Tour>(&saga_id, &stuck(&saga_id)).await;
    }
    let node = town.node::<Tour>("one");
    tokio::time::sleep(LONG).await;
    let tasks = || {
        tokio::runtime::Handle::current()
            .metrics()
            .num_alive_tasks()
    };
    assert_eq!(node.engine.open().len(), SAGAS);
    assert!(tasks() < 20, "{} tasks", tasks());
    assert_eq!(town.desk.asked(), [""; 0]);
    let head = event_sourcing::EventStore::head(&*town.store)
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert!(tasks() < 20, "{} tasks", tasks());
    assert_eq!(
        event_sourcing::EventStore::head(&*town.store)
            .await
            .unwrap(),
        head
    );
    // And each of them goes on when it is told to; by now there is no time left for it but to be undone.
    town.act::<Tour>("trip-4321", OperatorAction::Resume)
        .await
        .unwrap();
    let ended = town.ended::<Tour>("trip-4321").await;
    assert_eq!(ended, SagaOutcome::Compensated);
    tokio::time::sleep(LONG).await;
    assert_eq!(node.engine.open().len(), SAGAS - 1);
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn as_many_calls_are_made_as_are_allowed() {
    const CALLS: usize = 1_500;
    let town = TestCluster::new();
    town.desk.set("flight", Effect::Gated(gate()));
    let config = EngineConfig::new("one").with_calls(CALLS);
    let desk = Arc::clone(&town.desk);
    let node = town.start(config, |builder| add::<Booking>(builder, desk));
    for number in 0..=CALLS {
        town.begin::<Booking>(&format!("trip-{number}")).await;
    }
    town.asked_times("act", CALLS).await;
    assert_eq!(town.desk.most_in_flight(), CALLS);
    node.abort().await;
}
