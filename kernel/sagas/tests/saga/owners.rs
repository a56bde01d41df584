//! Ownership: partitions are shared, handed over, taken over and fenced.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use event_sourcing::LeaseStore;
use sagas::{EngineConfig, PARTITIONS, SagaOutcome, StepStatus};

use crate::support::{Effect, LONG, TestCluster, add, gate};
use crate::trip::{Booking, Tour};

const LEASE: Duration = Duration::from_secs(15);

async fn shares(cluster: &TestCluster, owners: &[&str]) -> Vec<usize> {
    let mut shares = Vec::new();
    for owner in owners {
        shares.push(cluster.held(owner, LEASE).await);
    }
    shares
}

#[tokio::test(start_paused = true)]
async fn partitions_are_shared_evenly_as_processes_start_and_stop() {
    let cluster = TestCluster::new();
    let one = cluster.node::<Booking>("one");
    tokio::time::sleep(LONG).await;
    assert_eq!(shares(&cluster, &["one"]).await, [64]);
    let two = cluster.node::<Booking>("two");
    tokio::time::sleep(LONG).await;
    assert_eq!(shares(&cluster, &["one", "two"]).await, [32, 32]);
    let three = cluster.node::<Booking>("three");
    tokio::time::sleep(LONG).await;
    let mut thirds = shares(&cluster, &["one", "two", "three"]).await;
    thirds.sort_unstable();
    assert_eq!(thirds, [20, 22, 22]);
    // A clean stop releases everything immediately, the heartbeat included.
    two.stop().await;
    assert_eq!(shares(&cluster, &["two"]).await, [0]);
    tokio::time::sleep(LEASE).await;
    assert_eq!(shares(&cluster, &["one", "three"]).await, [32, 32]);
    // After a crash the leases must expire first.
    three.abort().await;
    tokio::time::sleep(LEASE + LEASE).await;
    assert_eq!(shares(&cluster, &["one", "three"]).await, [64, 0]);
    one.stop().await;
    assert_eq!(cluster.store.held_leases("saga").await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn each_saga_ends_once_while_processes_start_and_crash() {
    let cluster = TestCluster::new();
    let one = cluster.node::<Booking>("one");
    let ids: Vec<_> = (0..200).map(|number| format!("trip-{number}")).collect();
    for id in &ids[..100] {
        cluster.begin::<Booking>(id).await;
    }
    let two = cluster.node::<Booking>("two");
    tokio::time::sleep(Duration::from_millis(15)).await;
    for id in &ids[100..] {
        cluster.begin::<Booking>(id).await;
    }
    one.abort().await;
    let three = cluster.node::<Booking>("three");
    for id in &ids {
        assert_eq!(cluster.ended::<Booking>(id).await, SagaOutcome::Completed);
    }
    let recorded = cluster.recorded::<Booking>(&ids[0]).await;
    assert_eq!(
        recorded
            .iter()
            .filter(|name| *name == "SagaCompleted")
            .count(),
        1
    );
    for node in [two, three] {
        tokio::time::sleep(LONG).await;
        assert_eq!(node.engine.open(), []);
        node.stop().await;
    }
}

/// Seizes all leases for another owner.
async fn usurp(cluster: &TestCluster) {
    let names: Vec<Arc<str>> = (0..PARTITIONS)
        .map(|partition| format!("saga/{partition:02}").into())
        .collect();
    let seized = cluster
        .store
        .seize_leases(&names, "usurper", Duration::from_hours(1))
        .await;
    assert_eq!(seized.unwrap().len(), 64);
}

#[tokio::test(start_paused = true)]
async fn a_zombie_cannot_write() {
    let cluster = TestCluster::new();
    let gate = gate();
    cluster
        .provider
        .set("flight", Effect::Gated(Arc::clone(&gate)));
    let node = cluster.node::<Booking>("zombie");
    cluster.begin::<Booking>("trip-1").await;
    cluster.asked("act trip-1/flight").await;
    let before = cluster.recorded::<Booking>("trip-1").await;
    // It is paused until another owner has its partitions, and then its call returns.
    usurp(&cluster).await;
    gate.add_permits(1);
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(cluster.recorded::<Booking>("trip-1").await, before);
    // The result is not lost: the next owner of the partition asks the provider.
    let names: Vec<Arc<str>> = cluster.store.held_leases("saga/").await.unwrap();
    cluster
        .store
        .release_leases(&names, "usurper")
        .await
        .unwrap();
    assert_eq!(
        cluster.ended::<Booking>("trip-1").await,
        SagaOutcome::Completed
    );
    assert_eq!(cluster.provider.count("act trip-1/flight"), 1);
    assert_eq!(cluster.provider.count("look trip-1/flight"), 1);
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn no_call_starts_on_a_lease_that_is_about_to_expire() {
    for is_stopped in [false, true] {
        let cluster = TestCluster::new();
        let gate = gate();
        cluster
            .provider
            .set("flight", Effect::Gated(Arc::clone(&gate)));
        let config = EngineConfig {
            lease: Duration::from_secs(3),
            ..EngineConfig::new("one")
        };
        let provider = Arc::clone(&cluster.provider);
        let node = cluster.start(config, |builder| add::<Booking>(builder, provider));
        cluster.begin::<Booking>("trip-1").await;
        cluster.asked("act trip-1/flight").await;
        // Nothing is renewed any more; after two seconds less than a third of the lease is left.
        let leases = &node.store.is_without_leases;
        leases.store(true, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(2_900)).await;
        gate.add_permits(1);
        tokio::time::sleep(LONG / 10).await;
        let state = cluster.state::<Booking>("trip-1").await;
        assert_eq!(state.run().unwrap().steps[2].status, StepStatus::Calling);
        assert_eq!(cluster.provider.count("act trip-1/hotel"), 0);
        if is_stopped {
            let stopped = tokio::time::timeout(LONG, node.stop()).await;
            assert_eq!(stopped, Ok(()), "the stop waits for a lease");
        } else {
            leases.store(false, Ordering::Relaxed);
            assert_eq!(
                cluster.ended::<Booking>("trip-1").await,
                SagaOutcome::Completed
            );
            assert_eq!(cluster.provider.count("act trip-1/hotel"), 1);
            node.stop().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_owner_looks_up_before_it_calls_also_with_one_permit() {
    let cluster = TestCluster::new();
    for step in ["flight", "hotel"] {
        cluster.provider.set(step, Effect::Gated(gate()));
    }
    let first = cluster.node::<Tour>("first");
    cluster.begin::<Tour>("trip-1").await;
    cluster.asked("act trip-1/hotel").await;
    first.abort().await;
    for step in ["flight", "hotel"] {
        cluster.provider.set(step, Effect::Good);
    }
    let config = EngineConfig {
        calls: 1,
        ..EngineConfig::new("second")
    };
    let provider = Arc::clone(&cluster.provider);
    let second = cluster.start(config, |builder| add::<Tour>(builder, provider));
    assert_eq!(
        cluster.ended::<Tour>("trip-1").await,
        SagaOutcome::Completed
    );
    let asked = cluster.provider.asked();
    for step in ["flight", "hotel"] {
        let of_step = asked.iter().filter(|what| what.contains(step));
        let of_step: Vec<_> = of_step.map(|what| &what[..4]).collect();
        assert_eq!(of_step, ["act ", "look", "act "], "{asked:?}");
    }
    second.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_single_process_does_not_wait_for_the_leases_of_a_crashed_one() {
    let cluster = TestCluster::new();
    cluster.provider.set("flight", Effect::Gated(gate()));
    let dead = cluster.node::<Booking>("dead");
    cluster.begin::<Booking>("trip-1").await;
    cluster.asked("act trip-1/flight").await;
    dead.abort().await;
    cluster.provider.set("flight", Effect::Good);
    let config = EngineConfig {
        single_process: true,
        ..EngineConfig::new("alone")
    };
    let provider = Arc::clone(&cluster.provider);
    let alone = cluster.start(config, |builder| add::<Booking>(builder, provider));
    let ended = tokio::time::timeout(LEASE / 3, cluster.ended::<Booking>("trip-1")).await;
    assert_eq!(ended, Ok(SagaOutcome::Completed));
    alone.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_the_store_loses_nothing() {
    for pause in [1, 12, 20, 100] {
        let cluster = TestCluster::new();
        let node = cluster.node::<Booking>("one");
        tokio::time::sleep(LONG).await;
        for number in 0..20 {
            cluster.begin::<Booking>(&format!("trip-{number}")).await;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
        node.store.is_cut.store(true, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_secs(pause)).await;
        node.store.is_cut.store(false, Ordering::Relaxed);
        for number in 0..20 {
            let ended = cluster.ended::<Booking>(&format!("trip-{number}")).await;
            assert_eq!(ended, SagaOutcome::Completed, "after {pause} s");
        }
        let booked: HashSet<_> = cluster.provider.asked().into_iter().collect();
        assert!(booked.len() >= 40);
        tokio::time::sleep(LONG).await;
        assert_eq!(shares(&cluster, &["one"]).await, [64]);
        node.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn partitions_acquired_while_the_store_failed_are_activated_later() {
    for failing in 1..4 {
        let cluster = TestCluster::new();
        cluster.begin::<Booking>("trip-1").await;
        let node = cluster.node::<Booking>("one");
        // The leases are acquired, and then the head cannot be read.
        node.store.heads_to_fail.store(failing, Ordering::Relaxed);
        let ended = tokio::time::timeout(LONG, cluster.ended::<Booking>("trip-1")).await;
        assert_eq!(
            ended,
            Ok(SagaOutcome::Completed),
            "after {failing} failures"
        );
        node.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_panics_reports_its_end() {
    let cluster = TestCluster::new();
    let node = cluster.node::<Booking>("one");
    cluster.begin::<Booking>("trip-1").await;
    cluster.ended::<Booking>("trip-1").await;
    let ended = node.tasks.ended();
    let before = tokio::time::timeout(LONG, node.tasks.ended()).await;
    assert!(before.is_err(), "the engine ended without a panic");
    node.store.is_mad.store(true, Ordering::Relaxed);
    tokio::time::timeout(LONG, ended)
        .await
        .expect("the end is reported");
}
