//! What survives a restart: deadlines, definitions, and the index of open sagas.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use event_sourcing::testing::at;
use event_sourcing::{
    Clock, DomainEvent, EncodedEvent, EventStore, Filter, Metadata, Position, StoredEvent,
};
use sagas::event::{FailureKind, StepFailed, Suspended};
use sagas::{
    AnySagaEvent, EngineConfig, EventOf, OperatorAction, Saga, SagaDefinition, SagaEvent,
    SagaOutcome, started,
};

use crate::support::{Effect, LONG, TestCluster, add, gate};
use crate::trip::{Booking, FLIGHT, HOTEL, Purchase, Tour, Travel, Trip, called, table};

/// A short lease, so that a crashed process is soon replaced.
fn quick(owner: impl Into<String>) -> EngineConfig {
    EngineConfig {
        lease: Duration::from_secs(3),
        ..EngineConfig::new(owner)
    }
}

fn node<S: Travel>(cluster: &TestCluster, config: EngineConfig) -> crate::support::Node {
    let provider = Arc::clone(&cluster.provider);
    cluster.start(config, |builder| add::<S>(builder, provider))
}

#[tokio::test(start_paused = true)]
async fn the_deadline_of_a_step_survives_restarts() {
    let cluster = TestCluster::new();
    cluster.provider.set("flight", Effect::Transient);
    cluster.begin::<Booking>("trip-1").await;
    let is_compensating =
        |recorded: &[String]| recorded.contains(&"SagaCompensationStarted".to_owned());
    for restart in 0..9 {
        // It is retried every two seconds, so that only its deadline ends it.
        let config = EngineConfig {
            max_backoff: Duration::from_secs(2),
            ..quick(format!("process-{restart}"))
        };
        let node = node::<Booking>(&cluster, config);
        tokio::time::sleep(Duration::from_secs(7)).await;
        node.abort().await;
        let recorded = cluster.recorded::<Booking>("trip-1").await;
        // 30 s after the first try, plus the time of a take-over.
        let passed = (restart + 1) * 7;
        assert!(
            passed < 35 || is_compensating(&recorded),
            "after {passed} s: {recorded:?}"
        );
        assert!(
            passed > 28 || !is_compensating(&recorded),
            "after {passed} s: {recorded:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn tries_interrupted_by_a_crash_do_not_count_against_the_limit() {
    let cluster = TestCluster::new();
    cluster.provider.set("notify", Effect::Gated(gate()));
    cluster.begin::<Purchase>("trip-1").await;
    for crash in 1..=12 {
        let node = node::<Purchase>(&cluster, quick(format!("process-{crash}")));
        cluster.asked_times("act trip-1/notify", crash).await;
        node.abort().await;
    }
    // One more try fails, and the step is still retried.
    cluster.provider.set("notify", Effect::Transient);
    let last = node::<Purchase>(&cluster, quick("last"));
    cluster.asked_times("act trip-1/notify", 13).await;
    cluster.provider.set("notify", Effect::Good);
    assert_eq!(
        cluster.ended::<Purchase>("trip-1").await,
        SagaOutcome::Completed
    );
    last.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_pivot_deadline_survives_restarts() {
    let cluster = TestCluster::new();
    cluster.begin::<Booking>("late").await;
    tokio::time::sleep(Duration::from_secs(299)).await;
    cluster.begin::<Booking>("early").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let node = cluster.node::<Booking>("one");
    assert_eq!(
        cluster.ended::<Booking>("late").await,
        SagaOutcome::Compensated
    );
    assert_eq!(
        cluster.ended::<Booking>("early").await,
        SagaOutcome::Completed
    );
    assert_eq!(cluster.provider.count("act late"), 0);
    node.stop().await;
}

/// flight, to which the second version of the definition adds a hotel.
#[derive(Clone, Copy, Debug)]
struct Grown;

impl Saga for Grown {
    const NAME: &'static str = "grown";
    const STREAM: &'static str = "grown_saga";
    type Data = Trip;
    const DEFINITIONS: &'static [SagaDefinition<Self>] = &[
        table(1, &[&[called::<Self, FLIGHT>()]]),
        table(
            2,
            &[&[called::<Self, FLIGHT>()], &[called::<Self, HOTEL>()]],
        ),
    ];
}

/// The first event of a saga that started by this version of its definition.
fn started_by(saga_id: &str, definition: u32) -> EventOf<Grown> {
    let mut first = started::<Grown>(saga_id, "a trip", Trip::on("a"), Metadata::default());
    if let SagaEvent::Started(started) = &mut first {
        started.definition = definition;
    }
    first
}

#[tokio::test(start_paused = true)]
async fn a_saga_runs_by_the_definition_that_it_started_with() {
    let cluster = TestCluster::new();
    for definition in [1, 2] {
        let saga_id = format!("trip-{definition}");
        cluster
            .write::<Grown>(&saga_id, &[started_by(&saga_id, definition)])
            .await;
    }
    let node = cluster.node::<Grown>("one");
    for saga_id in ["trip-1", "trip-2"] {
        assert_eq!(
            cluster.ended::<Grown>(saga_id).await,
            SagaOutcome::Completed
        );
    }
    assert_eq!(cluster.provider.count("act trip-1/hotel"), 0);
    assert_eq!(cluster.provider.count("act trip-2/hotel"), 1);
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_saga_of_an_unknown_definition_is_left_alone() {
    let cluster = TestCluster::new();
    cluster
        .write::<Grown>("newer", &[started_by("newer", 3)])
        .await;
    cluster.begin::<Grown>("trip-1").await;
    let node = cluster.node::<Grown>("one");
    assert_eq!(
        cluster.ended::<Grown>("trip-1").await,
        SagaOutcome::Completed
    );
    tokio::time::sleep(LONG).await;
    assert_eq!(cluster.recorded::<Grown>("newer").await, ["SagaStarted"]);
    assert_eq!(cluster.provider.count("act newer"), 0);
    // A binary that knows its definition will find it.
    assert_eq!(node.engine.open().len(), 1);
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_saga_delays_no_other_and_is_retried_rarely() {
    let cluster = TestCluster::new();
    let newer = EncodedEvent {
        event_type: "SagaOfTheFuture",
        schema_version: 1,
        data: "{}".to_owned(),
    };
    let first = started::<Booking>("newer", "a trip", Trip::on("a"), Metadata::default());
    cluster
        .write_encoded::<Booking>("newer", vec![first.encode(), newer])
        .await;
    let node = cluster.node::<Booking>("one");
    cluster.begin::<Booking>("trip-1").await;
    assert_eq!(
        cluster.ended::<Booking>("trip-1").await,
        SagaOutcome::Completed
    );
    let before = node.store.loads.load(Ordering::Relaxed);
    tokio::time::sleep(Duration::from_hours(1)).await;
    let loads = node.store.loads.load(Ordering::Relaxed) - before;
    assert!((100..=130).contains(&loads), "{loads} loads");
    assert_eq!(node.engine.open().len(), 1);
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_start_reads_the_index_snapshot_and_then_only_the_newer_events() {
    let cluster = TestCluster::new();
    let eager = |owner: &str| EngineConfig {
        snapshot_every: 10,
        ..quick(owner)
    };
    let first = node::<Booking>(&cluster, eager("first"));
    for number in 0..20 {
        let saga_id = format!("trip-{number}");
        cluster.begin::<Booking>(&saga_id).await;
        cluster.ended::<Booking>(&saga_id).await;
    }
    cluster.provider.set("flight", Effect::Gated(gate()));
    cluster.begin::<Booking>("open").await;
    cluster.asked("act open/flight").await;
    first.abort().await;
    let head = cluster.store.head().await.unwrap();
    cluster.begin::<Booking>("new").await;
    cluster.provider.set("flight", Effect::Good);
    let second = node::<Booking>(&cluster, eager("second"));
    for saga_id in ["open", "new"] {
        assert_eq!(
            cluster.ended::<Booking>(saga_id).await,
            SagaOutcome::Completed
        );
    }
    let first_read = second.store.reads.lock().unwrap()[0];
    assert!(
        first_read > Position::START && first_read <= head,
        "{first_read:?}"
    );
    assert!(
        first_read.0 + 20 > head.0,
        "{first_read:?} is not near {head:?}"
    );
    tokio::time::sleep(LONG).await;
    assert_eq!(second.engine.open(), []);
    second.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_index_retains_sagas_of_unknown_types() {
    let cluster = TestCluster::new();
    cluster.begin::<Purchase>("foreign").await;
    let old = node::<Booking>(&cluster, quick("old"));
    cluster.begin::<Booking>("trip-1").await;
    assert_eq!(
        cluster.ended::<Booking>("trip-1").await,
        SagaOutcome::Completed
    );
    old.stop().await;
    assert_eq!(
        cluster.recorded::<Purchase>("foreign").await,
        ["SagaStarted"]
    );
    let provider = Arc::clone(&cluster.provider);
    let newer = cluster.start(quick("newer"), |builder| {
        let builder = add::<Purchase>(builder, Arc::clone(&provider));
        add::<Booking>(builder, provider)
    });
    assert_eq!(
        cluster.ended::<Purchase>("foreign").await,
        SagaOutcome::Completed
    );
    let first_read = newer.store.reads.lock().unwrap()[0];
    assert!(first_read > Position::START);
    newer.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_process_that_starts_a_saga_need_not_wait_for_the_log() {
    let cluster = TestCluster::new();
    let node = cluster.node::<Booking>("one");
    tokio::time::sleep(LONG).await;
    cluster.begin::<Booking>("trip-1").await;
    let position = cluster.store.head().await.unwrap();
    node.engine.on_started::<Booking>("trip-1", position);
    // A repeated report changes nothing, and neither does the event in the log.
    node.engine.on_started::<Booking>("trip-1", position);
    assert_eq!(
        cluster.ended::<Booking>("trip-1").await,
        SagaOutcome::Completed
    );
    for _ in 0..3 {
        node.engine.on_started::<Booking>("trip-1", position);
        node.engine.wake("trip-1");
        tokio::time::sleep(LONG).await;
    }
    assert_eq!(cluster.provider.asked().len(), 2);
    assert_eq!(node.engine.open(), []);
    node.stop().await;
}

/// The events of a suspended saga.
pub fn stuck(saga_id: &str) -> Vec<EventOf<Tour>> {
    let (subject, step) = ("a trip".to_owned(), "hold".to_owned());
    let failed = StepFailed {
        saga_id: saga_id.to_owned(),
        subject: subject.clone(),
        step: step.clone(),
        undo: false,
        attempt: 10,
        outcome: FailureKind::Transient,
        reason: "a test".to_owned(),
        retry_at: None,
    };
    let suspended = Suspended {
        saga_id: saga_id.to_owned(),
        subject,
        step,
        undo: false,
        reason: "a test".to_owned(),
    };
    let data = Trip::on(format!("shelf of {saga_id}"));
    vec![
        started::<Tour>(saga_id, "a trip", data, Metadata::default()),
        SagaEvent::StepFailed(failed),
        SagaEvent::Suspended(suspended),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_start_does_not_read_suspended_sagas() {
    let cluster = TestCluster::new();
    cluster.write::<Tour>("trip-1", &stuck("trip-1")).await;
    let node = node::<Tour>(&cluster, quick("one"));
    tokio::time::sleep(LONG).await;
    assert_eq!(node.store.loads.load(Ordering::Relaxed), 0);
    cluster
        .act::<Tour>("trip-1", OperatorAction::Resume)
        .await
        .unwrap();
    assert_eq!(
        cluster.ended::<Tour>("trip-1").await,
        SagaOutcome::Completed
    );
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_resumed_saga_is_taken_over_like_any_other() {
    let cluster = TestCluster::new();
    cluster.write::<Tour>("trip-1", &stuck("trip-1")).await;
    cluster.provider.set("flight", Effect::Gated(gate()));
    let one = node::<Tour>(&cluster, quick("one"));
    cluster
        .act::<Tour>("trip-1", OperatorAction::Resume)
        .await
        .unwrap();
    cluster.asked("act trip-1/flight").await;
    one.abort().await;
    cluster.provider.set("flight", Effect::Good);
    let two = node::<Tour>(&cluster, quick("two"));
    assert_eq!(
        cluster.ended::<Tour>("trip-1").await,
        SagaOutcome::Completed
    );
    two.stop().await;
}

#[tokio::test(start_paused = true)]
async fn changes_by_another_process_are_seen_despite_the_cache() {
    let cluster = TestCluster::new();
    let one = node::<Tour>(&cluster, quick("one"));
    cluster.write::<Tour>("trip-1", &stuck("trip-1")).await;
    // By now it has cached that the saga is suspended.
    tokio::time::sleep(LONG).await;
    cluster
        .act::<Tour>("trip-1", OperatorAction::Resume)
        .await
        .unwrap();
    assert_eq!(
        cluster.ended::<Tour>("trip-1").await,
        SagaOutcome::Completed
    );
    // The same for partitions that return: two acquires them, resumes and suspends, and releases them.
    cluster.provider.set("notify", Effect::Transient);
    cluster.begin::<Tour>("trip-2").await;
    cluster.suspended::<Tour>("trip-2").await;
    let two = node::<Tour>(&cluster, quick("two"));
    tokio::time::sleep(LONG).await;
    cluster
        .act::<Tour>("trip-2", OperatorAction::Resume)
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_hours(1)).await;
    cluster.suspended::<Tour>("trip-2").await;
    two.stop().await;
    tokio::time::sleep(LONG).await;
    cluster.provider.set("notify", Effect::Good);
    cluster
        .act::<Tour>("trip-2", OperatorAction::Resume)
        .await
        .unwrap();
    assert_eq!(
        cluster.ended::<Tour>("trip-2").await,
        SagaOutcome::Completed
    );
    one.stop().await;
}

#[tokio::test(start_paused = true)]
async fn every_event_of_a_saga_is_stored_under_one_of_the_names() {
    let cluster = TestCluster::new();
    let node = cluster.node::<Booking>("one");
    cluster.provider.set("hotel", Effect::Declined);
    cluster.begin::<Booking>("trip-1").await;
    assert_eq!(
        cluster.ended::<Booking>("trip-1").await,
        SagaOutcome::Compensated
    );
    let page = cluster
        .store
        .read_all(Position::START, &Filter::ALL, 5_000)
        .await
        .unwrap();
    for event in page.events() {
        let is_known = AnySagaEvent::TYPES.contains(&event.event_type.as_str());
        assert!(is_known || event.event_type == "Put", "{event:?}");
        assert!(event.recorded_at <= cluster.clock.now() && event.recorded_at >= at(0));
    }
    node.stop().await;
}
