//! What survives a restart: deadlines, tables, and the knowledge of what is open.

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

/// Short, so that a process that crashed is soon replaced.
fn quick(owner: impl Into<String>) -> EngineConfig {
    EngineConfig {
        lease: Duration::from_secs(3),
        ..EngineConfig::new(owner)
    }
}

fn node<S: Travel>(town: &TestCluster, config: EngineConfig) -> crate::support::Node {
    let desk = Arc::clone(&town.desk);
    town.start(config, |builder| add::<S>(builder, desk))
}

#[tokio::test(start_paused = true)]
async fn the_deadline_of_a_step_survives_restarts() {
    let town = TestCluster::new();
    town.desk.set("flight", Effect::Transient);
    town.begin::<Booking>("trip-1").await;
    let has_turned = |told: &[String]| told.contains(&"SagaCompensationStarted".to_owned());
    for restart in 0..9 {
        // It is tried every two seconds, so that only its deadline ends it.
        let config = EngineConfig {
            longest_pause: Duration::from_secs(2),
            ..quick(format!("process-{restart}"))
        };
        let node = node::<Booking>(&town, config);
        tokio::time::sleep(Duration::from_secs(7)).await;
        node.abort().await;
        let told = town.recorded::<Booking>("trip-1").await;
        // 30 s after the first try, and as long again as a take-over may take.
        let passed = (restart + 1) * 7;
        assert!(
            passed < 35 || has_turned(&told),
            "after {passed} s: {told:?}"
        );
        assert!(
            passed > 28 || !has_turned(&told),
            "after {passed} s: {told:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn tries_that_a_crash_cut_off_are_not_held_against_a_step() {
    let town = TestCluster::new();
    town.desk.set("notify", Effect::Gated(gate()));
    town.begin::<Purchase>("trip-1").await;
    for crash in 1..=12 {
        let node = node::<Purchase>(&town, quick(format!("process-{crash}")));
        town.asked_times("act trip-1/notify", crash).await;
        node.abort().await;
    }
    // One more that fails, and it is still tried again.
    town.desk.set("notify", Effect::Transient);
    let last = node::<Purchase>(&town, quick("last"));
    town.asked_times("act trip-1/notify", 13).await;
    town.desk.set("notify", Effect::Good);
    assert_eq!(
        town.ended::<Purchase>("trip-1").await,
        SagaOutcome::Completed
    );
    last.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_time_until_the_pivot_survives_restarts() {
    let town = TestCluster::new();
    town.begin::<Booking>("late").await;
    tokio::time::sleep(Duration::from_secs(299)).await;
    town.begin::<Booking>("early").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let node = town.node::<Booking>("one");
    assert_eq!(
        town.ended::<Booking>("late").await,
        SagaOutcome::Compensated
    );
    assert_eq!(town.ended::<Booking>("early").await, SagaOutcome::Completed);
    assert_eq!(town.desk.count("act late"), 0);
    node.stop().await;
}

/// flight, to which a second version of the table has added a hotel.
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

/// The first event of a saga that began by this version of its table.
fn begun_by(saga_id: &str, definition: u32) -> EventOf<Grown> {
    let mut first = started::<Grown>(saga_id, "a trip", Trip::on("a"), Metadata::default());
    if let SagaEvent::Started(started) = &mut first {
        started.definition = definition;
    }
    first
}

#[tokio::test(start_paused = true)]
async fn a_saga_keeps_the_table_that_it_began_with() {
    let town = TestCluster::new();
    for definition in [1, 2] {
        let saga_id = format!("trip-{definition}");
        town.write::<Grown>(&saga_id, &[begun_by(&saga_id, definition)])
            .await;
    }
    let node = town.node::<Grown>("one");
    for saga_id in ["trip-1", "trip-2"] {
        assert_eq!(town.ended::<Grown>(saga_id).await, SagaOutcome::Completed);
    }
    assert_eq!(town.desk.count("act trip-1/hotel"), 0);
    assert_eq!(town.desk.count("act trip-2/hotel"), 1);
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_saga_of_an_unknown_table_is_left_alone() {
    let town = TestCluster::new();
    town.write::<Grown>("newer", &[begun_by("newer", 3)]).await;
    town.begin::<Grown>("trip-1").await;
    let node = town.node::<Grown>("one");
    assert_eq!(town.ended::<Grown>("trip-1").await, SagaOutcome::Completed);
    tokio::time::sleep(LONG).await;
    assert_eq!(town.recorded::<Grown>("newer").await, ["SagaStarted"]);
    assert_eq!(town.desk.count("act newer"), 0);
    // A binary that knows its table will find it.
    assert_eq!(node.engine.open().len(), 1);
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_saga_that_cannot_be_read_holds_up_nobody_and_is_looked_at_rarely() {
    let town = TestCluster::new();
    let newer = EncodedEvent {
        event_type: "SagaOfTheFuture",
        schema_version: 1,
        data: "{}".to_owned(),
    };
    let first = started::<Booking>("newer", "a trip", Trip::on("a"), Metadata::default());
    town.write_encoded::<Booking>("newer", vec![first.encode(), newer])
        .await;
    let node = town.node::<Booking>("one");
    town.begin::<Booking>("trip-1").await;
    assert_eq!(
        town.ended::<Booking>("trip-1").await,
        SagaOutcome::Completed
    );
    let before = node.wire.loads.load(Ordering::Relaxed);
    tokio::time::sleep(Duration::from_hours(1)).await;
    let loads = node.wire.loads.load(Ordering::Relaxed) - before;
    assert!((100..=130).contains(&loads), "{loads} loads");
    assert_eq!(node.engine.open().len(), 1);
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_start_reads_the_index_and_then_only_the_tail() {
    let town = TestCluster::new();
    let eager = |owner: &str| EngineConfig {
        snapshot_every: 10,
        ..quick(owner)
    };
    let first = node::<Booking>(&town, eager("first"));
    for number in 0..20 {
        let saga_id = format!("trip-{number}");
        town.begin::<Booking>(&saga_id).await;
        town.ended::<Booking>(&saga_id).await;
    }
    town.desk.set("flight", Effect::Gated(gate()));
    town.begin::<Booking>("open").await;
    town.asked("act open/flight").await;
    first.abort().await;
    let head = town.store.head().await.unwrap();
    town.begin::<Booking>("new").await;
    town.desk.set("flight", Effect::Good);
    let second = node::<Booking>(&town, eager("second"));
    for saga_id in ["open", "new"] {
        assert_eq!(town.ended::<Booking>(saga_id).await, SagaOutcome::Completed);
    }
    let begun_at = second.wire.reads.lock().unwrap()[0];
    assert!(
        begun_at > Position::START && begun_at <= head,
        "{begun_at:?}"
    );
    assert!(
        begun_at.0 + 20 > head.0,
        "{begun_at:?} is not near {head:?}"
    );
    tokio::time::sleep(LONG).await;
    assert_eq!(second.engine.open(), []);
    second.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_index_keeps_sagas_of_types_that_its_writer_does_not_know() {
    let town = TestCluster::new();
    town.begin::<Purchase>("foreign").await;
    let old = node::<Booking>(&town, quick("old"));
    town.begin::<Booking>("trip-1").await;
    assert_eq!(
        town.ended::<Booking>("trip-1").await,
        SagaOutcome::Completed
    );
    old.stop().await;
    assert_eq!(town.recorded::<Purchase>("foreign").await, ["SagaStarted"]);
    let desk = Arc::clone(&town.desk);
    let newer = town.start(quick("newer"), |builder| {
        let builder = add::<Purchase>(builder, Arc::clone(&desk));
        add::<Booking>(builder, desk)
    });
    assert_eq!(
        town.ended::<Purchase>("foreign").await,
        SagaOutcome::Completed
    );
    let begun_at = newer.wire.reads.lock().unwrap()[0];
    assert!(begun_at > Position::START);
    newer.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_process_that_begins_a_saga_need_not_wait_for_the_log() {
    let town = TestCluster::new();
    let node = town.node::<Booking>("one");
    tokio::time::sleep(LONG).await;
    town.begin::<Booking>("trip-1").await;
    let position = town.store.head().await.unwrap();
    node.engine.on_started::<Booking>("trip-1", position);
    // To be told again, and by the log as well, changes nothing.
    node.engine.on_started::<Booking>("trip-1", position);
    assert_eq!(
        town.ended::<Booking>("trip-1").await,
        SagaOutcome::Completed
    );
    for _ in 0..3 {
        node.engine.on_started::<Booking>("trip-1", position);
        node.engine.wake("trip-1");
        tokio::time::sleep(LONG).await;
    }
    assert_eq!(town.desk.asked().len(), 2);
    assert_eq!(node.engine.open(), []);
    node.stop().await;
}

/// What is written of a saga that a person must look at.
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
async fn a_start_does_not_read_the_sagas_that_wait_for_a_person() {
    let town = TestCluster::new();
    town.write::<Tour>("trip-1", &stuck("trip-1")).await;
    let node = node::<Tour>(&town, quick("one"));
    tokio::time::sleep(LONG).await;
    assert_eq!(node.wire.loads.load(Ordering::Relaxed), 0);
    town.act::<Tour>("trip-1", OperatorAction::Resume)
        .await
        .unwrap();
    assert_eq!(town.ended::<Tour>("trip-1").await, SagaOutcome::Completed);
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_saga_that_was_resumed_is_taken_over_as_any_other() {
    let town = TestCluster::new();
    town.write::<Tour>("trip-1", &stuck("trip-1")).await;
    town.desk.set("flight", Effect::Gated(gate()));
    let one = node::<Tour>(&town, quick("one"));
    town.act::<Tour>("trip-1", OperatorAction::Resume)
        .await
        .unwrap();
    town.asked("act trip-1/flight").await;
    one.abort().await;
    town.desk.set("flight", Effect::Good);
    let two = node::<Tour>(&town, quick("two"));
    assert_eq!(town.ended::<Tour>("trip-1").await, SagaOutcome::Completed);
    two.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_another_process_wrote_is_seen_whatever_was_remembered() {
    let town = TestCluster::new();
    let one = node::<Tour>(&town, quick("one"));
    town.write::<Tour>("trip-1", &stuck("trip-1")).await;
    // By now it remembers that the saga is suspended.
    tokio::time::sleep(LONG).await;
    town.act::<Tour>("trip-1", OperatorAction::Resume)
        .await
        .unwrap();
    assert_eq!(town.ended::<Tour>("trip-1").await, SagaOutcome::Completed);
    // The same for partitions that come back: two takes them, resumes and suspends, and gives them back.
    town.desk.set("notify", Effect::Transient);
    town.begin::<Tour>("trip-2").await;
    town.suspended::<Tour>("trip-2").await;
    let two = node::<Tour>(&town, quick("two"));
    tokio::time::sleep(LONG).await;
    town.act::<Tour>("trip-2", OperatorAction::Resume)
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_hours(1)).await;
    town.suspended::<Tour>("trip-2").await;
    two.stop().await;
    tokio::time::sleep(LONG).await;
    town.desk.set("notify", Effect::Good);
    town.act::<Tour>("trip-2", OperatorAction::Resume)
        .await
        .unwrap();
    assert_eq!(town.ended::<Tour>("trip-2").await, SagaOutcome::Completed);
    one.stop().await;
}

#[tokio::test(start_paused = true)]
async fn every_event_of_a_saga_is_stored_under_one_of_the_names() {
    let town = TestCluster::new();
    let node = town.node::<Booking>("one");
    town.desk.set("hotel", Effect::Declined);
    town.begin::<Booking>("trip-1").await;
    assert_eq!(
        town.ended::<Booking>("trip-1").await,
        SagaOutcome::Compensated
    );
    let page = town
        .store
        .read_all(Position::START, &Filter::ALL, 5_000)
        .await
        .unwrap();
    for event in page.events() {
        let is_known = AnySagaEvent::TYPES.contains(&event.event_type.as_str());
        assert!(is_known || event.event_type == "Put", "{event:?}");
        assert!(event.recorded_at <= town.clock.now() && event.recorded_at >= at(0));
    }
    node.stop().await;
}
