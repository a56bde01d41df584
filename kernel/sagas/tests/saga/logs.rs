//! Log lines of sagas and their fields.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use event_sourcing::{Actor, Metadata as EventMetadata, Position};
use sagas::event::{ResumeKind, Resumed};
use sagas::{SagaEvent, fields, started};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::support::{Effect, LONG, TestCluster, gate};
use crate::trip::{ErrandSaga, Trip};

/// Records the fields of lines of at least this level.
#[derive(Clone)]
struct Lines(Level, Arc<Mutex<Vec<BTreeMap<&'static str, String>>>>);

impl Lines {
    fn from(level: Level) -> Self {
        Self(level, Arc::default())
    }

    fn collected(&self) -> Vec<BTreeMap<&'static str, String>> {
        self.1.lock().unwrap().clone()
    }
}

#[derive(Default)]
struct Fields(BTreeMap<&'static str, String>);

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.0
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        self.1.lock().unwrap().push(fields.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// The test's runtime has one thread, which all tasks share.
#[tokio::test(start_paused = true)]
async fn a_suspended_saga_is_logged_with_its_step_and_subject() {
    let errors = Lines::from(Level::ERROR);
    let _logging = test_log::listen(errors.clone());
    let cluster = TestCluster::new();
    cluster.provider.set("refund", Effect::Declined);
    let node = cluster.node::<ErrandSaga>("one");
    cluster.begin::<ErrandSaga>("trip-1").await;
    cluster.suspended::<ErrandSaga>("trip-1").await;
    node.stop().await;
    let logged = errors.collected();
    let [logged] = logged.as_slice() else {
        panic!("expected one error, got {logged:?}");
    };
    for (field, value) in [
        (fields::SAGA_TYPE, "errands"),
        (fields::SAGA_ID, "trip-1"),
        (fields::SAGA_SUBJECT, "a trip"),
        (fields::SAGA_STEP, "refund"),
    ] {
        assert_eq!(
            logged.get(field).map(String::as_str),
            Some(value),
            "{logged:?}"
        );
    }
    assert!(logged[fields::REASON].contains("declined"), "{logged:?}");
    let mut names = logged.keys().filter(|name| **name != "message");
    assert!(names.all(|name| name.contains('.')), "{logged:?}");
}

/// The test's runtime has one thread, which all tasks share.
#[tokio::test(start_paused = true)]
async fn an_unreadable_saga_is_logged_once_with_its_event() {
    let errors = Lines::from(Level::ERROR);
    let _logging = test_log::listen(errors.clone());
    let cluster = TestCluster::new();
    let node = cluster.node::<ErrandSaga>("one");
    let first = started::<ErrandSaga>("trip-1", "a trip", Trip::on("a"), EventMetadata::default());
    let again = SagaEvent::Resumed(Resumed {
        saga_id: "trip-1".to_owned(),
        subject: "a trip".to_owned(),
        action: ResumeKind::Retry,
        step: None,
        actor: Actor {
            id: "a test".to_owned(),
            reason: "to have it driven".to_owned(),
        },
    });
    cluster
        .store
        .damage(Position(2), "its metadata cannot be read");
    cluster.write::<ErrandSaga>("trip-1", &[first, again]).await;
    // Longer than several tries.
    tokio::time::sleep(LONG * 60).await;
    node.stop().await;
    let logged = errors.collected();
    let [event, saga] = logged.as_slice() else {
        panic!("expected one line for the event and one for the saga, got {logged:?}");
    };
    assert_eq!(event[fields::POSITION], "2");
    assert_eq!(event[fields::EVENT_TYPE], "SagaResumed");
    for logged in [event, saga] {
        assert_eq!(logged[fields::SAGA_ID], "trip-1");
        let mut names = logged.keys().filter(|name| **name != "message");
        assert!(names.all(|name| name.contains('.')), "{logged:?}");
    }
}

/// The test's runtime has one thread, which all tasks share.
#[tokio::test(start_paused = true)]
async fn an_outage_has_one_line_for_all_sagas_and_one_at_its_end() {
    let lines = Lines::from(Level::INFO);
    let _logging = test_log::listen(lines.clone());
    let cluster = TestCluster::new();
    let calls = gate();
    cluster
        .provider
        .set("notify", Effect::Gated(Arc::clone(&calls)));
    let node = cluster.node::<ErrandSaga>("one");
    // In nearly all partitions.
    let sagas: Vec<_> = (0..200).map(|number| format!("trip-{number}")).collect();
    for saga in &sagas {
        cluster.begin::<ErrandSaga>(saga).await;
    }
    cluster.asked_times("act", 2 * sagas.len()).await;
    assert!(lines.collected().is_empty(), "{:?}", lines.collected());
    node.store.is_cut.store(true, Relaxed);
    calls.add_permits(sagas.len());
    // Longer than the duration of a lease.
    tokio::time::sleep(Duration::from_secs(25)).await;
    let during = lines.collected();
    node.store.is_cut.store(false, Relaxed);
    for saga in &sagas {
        cluster.ended::<ErrandSaga>(saga).await;
    }
    tokio::time::sleep(LONG).await;
    node.stop().await;
    let message = |line: &BTreeMap<&'static str, String>| line["message"].clone();
    let mut messages: Vec<_> = during.iter().map(message).collect();
    messages.sort();
    let count = messages.len();
    messages.dedup();
    assert_eq!(messages.len(), count, "a line occurs twice: {during:?}");
    assert!((1..=5).contains(&count), "{messages:?}");
    let all = lines.collected();
    let ends = all.iter().filter(|line| message(line).ends_with(" again"));
    let counted: u64 = ends
        .map(|line| line[fields::SUPPRESSED].parse::<u64>().unwrap())
        .sum();
    assert!(
        counted >= sagas.len() as u64,
        "suppressed lines are not counted: {all:?}"
    );
    assert!(all.len() <= 2 * count + 2, "{all:?}");
}
