//! Metrics: each end of a saga is counted once.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use metrics::{
    Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit,
    set_default_local_recorder,
};
use sagas::{OperatorAction, SagaOutcome};

use crate::support::{Effect, LONG, TestCluster};
use crate::trip::Purchase;

/// Records counters by name.
#[derive(Debug, Default)]
pub struct Counters(Mutex<BTreeMap<String, Arc<AtomicU64>>>);

impl Counters {
    pub fn count(&self, name: &str) -> u64 {
        let counters = self.0.lock().unwrap();
        counters
            .get(name)
            .map_or(0, |count| count.load(Ordering::Relaxed))
    }
}

impl Recorder for Counters {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let mut counters = self.0.lock().unwrap();
        let count = counters.entry(key.name().to_owned()).or_default();
        Counter::from_arc(Arc::clone(count))
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

/// The test's runtime has one thread, which all tasks share.
#[tokio::test(start_paused = true)]
async fn each_saga_is_counted_once_at_its_end_also_if_an_operator_closed_it() {
    let counters = Counters::default();
    let _recording = set_default_local_recorder(&counters);
    let cluster = TestCluster::new();
    let node = cluster.node::<Purchase>("one");
    let other = cluster.node::<Purchase>("two");
    // Until they have shared the partitions, which takes a renewal or two.
    tokio::time::sleep(LONG).await;
    for trip in ["trip-1", "trip-2"] {
        cluster.begin::<Purchase>(trip).await;
        assert_eq!(
            cluster.ended::<Purchase>(trip).await,
            SagaOutcome::Completed
        );
    }
    cluster.provider.set("authorise", Effect::Declined);
    cluster.begin::<Purchase>("trip-3").await;
    let ended = cluster.ended::<Purchase>("trip-3").await;
    assert_eq!(ended, SagaOutcome::Compensated);
    cluster.provider.set("authorise", Effect::Good);
    cluster.provider.set("notify", Effect::Declined);
    cluster.begin::<Purchase>("trip-4").await;
    cluster.suspended::<Purchase>("trip-4").await;
    cluster
        .act::<Purchase>("trip-4", OperatorAction::Close)
        .await
        .unwrap();
    tokio::time::sleep(LONG).await;
    for (name, count) in [
        ("saga_started_total", 4),
        ("saga_completed_total", 2),
        ("saga_compensated_total", 1),
        ("saga_suspended_total", 1),
        ("saga_failed_total", 1),
    ] {
        assert_eq!(counters.count(name), count, "{name}");
    }
    node.stop().await;
    other.stop().await;
}
