//! Limits: concurrent calls, the cost of a waiting saga, and the duration of a stop.

use std::sync::Arc;
use std::time::Duration;

use event_sourcing::LeaseStore;
use sagas::{EngineConfig, OperatorAction, SagaOutcome, StepStatus};

use crate::restart::stuck;
use crate::support::{Effect, LONG, TestCluster, add, gate};
use crate::trip::{Booking, Tour};

#[tokio::test(start_paused = true)]
async fn concurrent_calls_are_limited() {
    for calls in [1, 3] {
        let cluster = TestCluster::new();
        let config = EngineConfig {
            calls,
            ..EngineConfig::new("one")
        };
        let provider = Arc::clone(&cluster.provider);
        let node = cluster.start(config, |builder| add::<Tour>(builder, provider));
        for number in 0..40 {
            cluster.begin::<Tour>(&format!("trip-{number}")).await;
        }
        for number in 0..40 {
            let ended = cluster.ended::<Tour>(&format!("trip-{number}")).await;
            assert_eq!(ended, SagaOutcome::Completed);
        }
        assert_eq!(cluster.provider.most_in_flight(), calls);
        node.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn concurrent_drives_are_limited() {
    let cluster = TestCluster::new();
    let config = EngineConfig {
        drives: 2,
        ..EngineConfig::new("one")
    };
    let provider = Arc::clone(&cluster.provider);
    let node = cluster.start(config, |builder| add::<Booking>(builder, provider));
    for number in 0..30 {
        cluster.begin::<Booking>(&format!("trip-{number}")).await;
    }
    for number in 0..30 {
        let ended = cluster.ended::<Booking>(&format!("trip-{number}")).await;
        assert_eq!(ended, SagaOutcome::Completed);
    }
    assert!(cluster.provider.most_in_flight() <= 2);
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_steps_of_a_stage_run_concurrently_and_compensation_waits_for_all_of_them() {
    let cluster = TestCluster::new();
    let gate = gate();
    let node = cluster.node::<Tour>("one");
    cluster.begin::<Tour>("trip-0").await;
    assert_eq!(
        cluster.ended::<Tour>("trip-0").await,
        SagaOutcome::Completed
    );
    assert_eq!(cluster.provider.most_in_flight(), 2);
    cluster.provider.set("flight", Effect::Declined);
    cluster
        .provider
        .set("hotel", Effect::Gated(Arc::clone(&gate)));
    cluster.begin::<Tour>("trip-1").await;
    let has_given_up = |state: &sagas::SagaState<Tour>| {
        state.run().unwrap().steps[1].status == StepStatus::GivenUp
    };
    cluster.until::<Tour>("trip-1", has_given_up).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let recorded = cluster.recorded::<Tour>("trip-1").await;
    assert!(!recorded.contains(&"SagaCompensationStarted".to_owned()));
    gate.add_permits(1);
    assert_eq!(
        cluster.ended::<Tour>("trip-1").await,
        SagaOutcome::Compensated
    );
    assert_eq!(cluster.provider.count("undo trip-1/hotel"), 1);
    // It was declined, so there is nothing to undo.
    assert_eq!(cluster.provider.count("undo trip-1/flight"), 0);
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_clean_stop_waits_for_calls_in_flight_and_starts_no_other() {
    let cluster = TestCluster::new();
    let gate = gate();
    cluster
        .provider
        .set("flight", Effect::Gated(Arc::clone(&gate)));
    let node = cluster.node::<Booking>("one");
    cluster.begin::<Booking>("trip-1").await;
    cluster.asked("act trip-1/flight").await;
    let stopping = tokio::spawn(node.stop());
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(!stopping.is_finished());
    gate.add_permits(1);
    stopping.await.unwrap();
    let state = cluster.state::<Booking>("trip-1").await;
    let statuses = state.run().unwrap().steps.iter().map(|step| step.status);
    let statuses: Vec<_> = statuses.collect();
    assert_eq!(
        statuses,
        [StepStatus::Done, StepStatus::Done, StepStatus::Pending]
    );
    assert_eq!(cluster.store.held_leases("saga").await.unwrap(), []);
    let next = cluster.node::<Booking>("two");
    assert_eq!(
        cluster.ended::<Booking>("trip-1").await,
        SagaOutcome::Completed
    );
    next.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_for_an_unreachable_store() {
    let cluster = TestCluster::new();
    let gate = gate();
    cluster
        .provider
        .set("flight", Effect::Gated(Arc::clone(&gate)));
    let node = cluster.node::<Booking>("one");
    cluster.begin::<Booking>("trip-1").await;
    cluster.asked("act trip-1/flight").await;
    node.store
        .is_cut
        .store(true, std::sync::atomic::Ordering::Relaxed);
    gate.add_permits(1);
    let stopped = tokio::time::timeout(LONG, node.stop()).await;
    assert_eq!(stopped, Ok(()));
    // The next process looks up the result that could not be recorded.
    let next = cluster.node::<Booking>("two");
    assert_eq!(
        cluster.ended::<Booking>("trip-1").await,
        SagaOutcome::Completed
    );
    assert_eq!(cluster.provider.count("act trip-1/flight"), 1);
    next.stop().await;
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_suspended_sagas_cost_an_entry_each_and_no_task() {
    const SAGAS: usize = 10_000;
    let cluster = TestCluster::new();
    for number in 0..SAGAS {
        let saga_id = format!("trip-{number}");
        cluster.write::<Tour>(&saga_id, &stuck(&saga_id)).await;
    }
    let node = cluster.node::<Tour>("one");
    tokio::time::sleep(LONG).await;
    let tasks = || {
        tokio::runtime::Handle::current()
            .metrics()
            .num_alive_tasks()
    };
    assert_eq!(node.engine.open().len(), SAGAS);
    assert!(tasks() < 20, "{} tasks", tasks());
    assert_eq!(cluster.provider.asked(), [""; 0]);
    let head = event_sourcing::EventStore::head(&*cluster.store)
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert!(tasks() < 20, "{} tasks", tasks());
    assert_eq!(
        event_sourcing::EventStore::head(&*cluster.store)
            .await
            .unwrap(),
        head
    );
    // Each of them continues when it is resumed; its pivot deadline has passed, so it is compensated.
    cluster
        .act::<Tour>("trip-4321", OperatorAction::Resume)
        .await
        .unwrap();
    let ended = cluster.ended::<Tour>("trip-4321").await;
    assert_eq!(ended, SagaOutcome::Compensated);
    tokio::time::sleep(LONG).await;
    assert_eq!(node.engine.open().len(), SAGAS - 1);
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn as_many_calls_are_made_as_are_allowed() {
    const CALLS: usize = 1_500;
    let cluster = TestCluster::new();
    cluster.provider.set("flight", Effect::Gated(gate()));
    let config = EngineConfig::new("one").with_calls(CALLS);
    let provider = Arc::clone(&cluster.provider);
    let node = cluster.start(config, |builder| add::<Booking>(builder, provider));
    for number in 0..=CALLS {
        cluster.begin::<Booking>(&format!("trip-{number}")).await;
    }
    cluster.asked_times("act", CALLS).await;
    assert_eq!(cluster.provider.most_in_flight(), CALLS);
    node.abort().await;
}
