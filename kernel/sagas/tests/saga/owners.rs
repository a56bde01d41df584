//! Who runs which sagas: partitions are shared, handed over, taken over, and guarded.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use event_sourcing::LeaseStore;
use sagas::{EngineConfig, PARTITIONS, SagaOutcome, StepStatus};

use crate::support::{Effect, LONG, TestCluster, add, gate};
use crate::trip::{Booking, Tour};

const LEASE: Duration = Duration::from_secs(15);

async fn shares(town: &TestCluster, owners: &[&str]) -> Vec<usize> {
    let mut shares = Vec::new();
    for owner in owners {
        shares.push(town.held(owner, LEASE).await);
    }
    shares
}

#[tokio::test(start_paused = true)]
async fn partitions_are_shared_evenly_as_processes_come_and_go() {
    let town = TestCluster::new();
    let one = town.node::<Booking>("one");
    tokio::time::sleep(LONG).await;
    assert_eq!(shares(&town, &["one"]).await, [64]);
    let two = town.node::<Booking>("two");
    tokio::time::sleep(LONG).await;
    assert_eq!(shares(&town, &["one", "two"]).await, [32, 32]);
    let three = town.node::<Booking>("three");
    tokio::time::sleep(LONG).await;
    let mut thirds = shares(&town, &["one", "two", "three"]).await;
    thirds.sort_unstable();
    assert_eq!(thirds, [20, 22, 22]);
    // A clean stop gives everything back at once, presence included.
    two.stop().await;
    assert_eq!(shares(&town, &["two"]).await, [0]);
    tokio::time::sleep(LEASE).await;
    assert_eq!(shares(&town, &["one", "three"]).await, [32, 32]);
    // After a crash the lease must end first.
    three.abort().await;
    tokio::time::sleep(LEASE + LEASE).await;
    assert_eq!(shares(&town, &["one", "three"]).await, [64, 0]);
    one.stop().await;
    assert_eq!(town.store.held_leases("saga").await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn sagas_end_once_each_while_processes_come_and_go() {
    let town = TestCluster::new();
    let one = town.node::<Booking>("one");
    let ids: Vec<_> = (0..200).map(|number| format!("trip-{number}")).collect();
    for id in &ids[..100] {
        town.begin::<Booking>(id).await;
    }
    let two = town.node::<Booking>("two");
    tokio::time::sleep(Duration::from_millis(15)).await;
    for id in &ids[100..] {
        town.begin::<Booking>(id).await;
    }
    one.abort().await;
    let three = town.node::<Booking>("three");
    for id in &ids {
        assert_eq!(town.ended::<Booking>(id).await, SagaOutcome::Completed);
    }
    let told = town.recorded::<Booking>(&ids[0]).await;
    assert_eq!(
        told.iter().filter(|name| *name == "SagaCompleted").count(),
        1
    );
    for node in [two, three] {
        tokio::time::sleep(LONG).await;
        assert_eq!(node.engine.open(), []);
        node.stop().await;
    }
}

/// All leases, by somebody else.
async fn usurp(town: &TestCluster) {
    let names: Vec<Arc<str>> = (0..PARTITIONS)
        .map(|partition| format!("saga/{partition:02}").into())
        .collect();
    let seized = town
        .store
        .seize_leases(&names, "usurper", Duration::from_hours(1))
        .await;
    assert_eq!(seized.unwrap().len(), 64);
}

#[tokio::test(start_paused = true)]
async fn a_zombie_changes_nothing() {
    let town = TestCluster::new();
    let gate = gate();
    town.desk.set("flight", Effect::Gated(Arc::clone(&gate)));
    let node = town.node::<Booking>("zombie");
    town.begin::<Booking>("trip-1").await;
    town.asked("act trip-1/flight").await;
    let before = town.recorded::<Booking>("trip-1").await;
    // It stands still for so long that somebody else has its partitions, and then hears from its call.
    usurp(&town).await;
    gate.add_permits(1);
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(town.recorded::<Booking>("trip-1").await, before);
    // What it heard is not lost: whoever has the partition then asks the provider.
    let names: Vec<Arc<str>> = town.store.held_leases("saga/").await.unwrap();
    town.store.release_leases(&names, "usurper").await.unwrap();
    assert_eq!(
        town.ended::<Booking>("trip-1").await,
        SagaOutcome::Completed
    );
    assert_eq!(town.desk.count("act trip-1/flight"), 1);
    assert_eq!(town.desk.count("look trip-1/flight"), 1);
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_ends_soon_begins_no_call() {
    for is_stopped in [false, true] {
        let town = TestCluster::new();
        let gate = gate();
        town.desk.set("flight", Effect::Gated(Arc::clone(&gate)));
        let config = EngineConfig {
            lease: Duration::from_secs(3),
            ..EngineConfig::new("one")
        };
        let desk = Arc::clone(&town.desk);
        let node = town.start(config, |builder| add::<Booking>(builder, desk));
        town.begin::<Booking>("trip-1").await;
        town.asked("act trip-1/flight").await;
        // Nothing is renewed any more; after two seconds less than a third is left.
        let leases = &node.wire.is_without_leases;
        leases.store(true, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(2_900)).await;
        gate.add_permits(1);
        tokio::time::sleep(LONG / 10).await;
        let state = town.state::<Booking>("trip-1").await;
        assert_eq!(state.run().unwrap().steps[2].status, StepStatus::Calling);
        assert_eq!(town.desk.count("act trip-1/hotel"), 0);
        if is_stopped {
            let stopped = tokio::time::timeout(LONG, node.stop()).await;
            assert_eq!(stopped, Ok(()), "a stop does not wait for a lease");
        } else {
            leases.store(false, Ordering::Relaxed);
            assert_eq!(
                town.ended::<Booking>("trip-1").await,
                SagaOutcome::Completed
            );
            assert_eq!(town.desk.count("act trip-1/hotel"), 1);
            node.stop().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_takes_over_asks_before_it_acts_also_with_few_calls() {
    let town = TestCluster::new();
    for step in ["flight", "hotel"] {
        town.desk.set(step, Effect::Gated(gate()));
    }
    let first = town.node::<Tour>("first");
    town.begin::<Tour>("trip-1").await;
    town.asked("act trip-1/hotel").await;
    first.abort().await;
    for step in ["flight", "hotel"] {
        town.desk.set(step, Effect::Good);
    }
    let config = EngineConfig {
        calls: 1,
        ..EngineConfig::new("second")
    };
    let desk = Arc::clone(&town.desk);
    let second = town.start(config, |builder| add::<Tour>(builder, desk));
    assert_eq!(town.ended::<Tour>("trip-1").await, SagaOutcome::Completed);
    let asked = town.desk.asked();
    for step in ["flight", "hotel"] {
        let of_step = asked.iter().filter(|what| what.contains(step));
        let of_step: Vec<_> = of_step.map(|what| &what[..4]).collect();
        assert_eq!(of_step, ["act ", "look", "act "], "{asked:?}");
    }
    second.stop().await;
}

#[tokio::test(start_paused = true)]
async fn who_is_alone_does_not_wait_for_the_leases_of_the_dead() {
    let town = TestCluster::new();
    town.desk.set("flight", Effect::Gated(gate()));
    let dead = town.node::<Booking>("dead");
    town.begin::<Booking>("trip-1").await;
    town.asked("act trip-1/flight").await;
    dead.abort().await;
    town.desk.set("flight", Effect::Good);
    let config = EngineConfig {
        single_process: true,
        ..EngineConfig::new("alone")
    };
    let desk = Arc::clone(&town.desk);
    let alone = town.start(config, |builder| add::<Booking>(builder, desk));
    let ended = tokio::time::timeout(LEASE / 3, town.ended::<Booking>("trip-1")).await;
    assert_eq!(ended, Ok(SagaOutcome::Completed));
    alone.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_store_out_of_reach_for_a_while_loses_nothing() {
    for pause in [1, 12, 20, 100] {
        let town = TestCluster::new();
        let node = town.node::<Booking>("one");
        tokio::time::sleep(LONG).await;
        for number in 0..20 {
            town.begin::<Booking>(&format!("trip-{number}")).await;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
        node.wire.is_cut.store(true, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_secs(pause)).await;
        node.wire.is_cut.store(false, Ordering::Relaxed);
        for number in 0..20 {
            let ended = town.ended::<Booking>(&format!("trip-{number}")).await;
            assert_eq!(ended, SagaOutcome::Completed, "after {pause} s");
        }
        let booked: HashSet<_> = town.desk.asked().into_iter().collect();
        assert!(booked.len() >= 40);
        tokio::time::sleep(LONG).await;
        assert_eq!(shares(&town, &["one"]).await, [64]);
        node.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn partitions_that_were_taken_while_the_store_failed_are_found_again() {
    for failing in 1..4 {
        let town = TestCluster::new();
        town.begin::<Booking>("trip-1").await;
        let node = town.node::<Booking>("one");
        // The leases are taken, and then the head cannot be read.
        node.wire.heads_to_fail.store(failing, Ordering::Relaxed);
        let ended = tokio::time::timeout(LONG, town.ended::<Booking>("trip-1")).await;
        assert_eq!(
            ended,
            Ok(SagaOutcome::Completed),
            "after {failing} failures"
        );
        node.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_dies_of_a_bug_tells_of_it() {
    let town = TestCluster::new();
    let node = town.node::<Booking>("one");
    town.begin::<Booking>("trip-1").await;
    town.ended::<Booking>("trip-1").await;
    let ended = node.tasks.ended();
    let before = tokio::time::timeout(LONG, node.tasks.ended()).await;
    assert!(before.is_err(), "it ended by itself");
    node.wire.is_mad.store(true, Ordering::Relaxed);
    tokio::time::timeout(LONG, ended).await.expect("its end");
}
