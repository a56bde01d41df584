//! What is counted of sagas: each end once.

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

/// Keeps counters by name.
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
async fn each_saga_is_counted_once_at_its_end_also_if_a_person_closed_it() {
    let counters = Counters::default();
    let _recording = set_default_local_recorder(&counters);
    let town = TestCluster::new();
    let node = town.node::<Purchase>("one");
    let other = town.node::<Purchase>("two");
    // Until they have shared the partitions, which takes a renewal or two.
    tokio::time::sleep(LONG).await;
    for trip in ["trip-1", "trip-2"] {
        town.begin::<Purchase>(trip).await;
        assert_eq!(town.ended::<Purchase>(trip).await, SagaOutcome::Completed);
    }
    town.desk.set("authorise", Effect::Declined);
    town.begin::<Purchase>("trip-3").await;
    let ended = town.ended::<Purchase>("trip-3").await;
    assert_eq!(ended, SagaOutcome::Compensated);
    town.desk.set("authorise", Effect::Good);
    town.desk.set("notify", Effect::Declined);
    town.begin::<Purchase>("trip-4").await;
    town.suspended::<Purchase>("trip-4").await;
    town.act::<Purchase>("trip-4", OperatorAction::Close)
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
