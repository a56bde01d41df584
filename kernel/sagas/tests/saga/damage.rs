//! Streams with illegal, unknown and unreadable events.

use chrono::DateTime;
use event_sourcing::{
    Actor, Aggregate, DomainEvent, EncodedEvent, EventStore, Metadata, Position, Version,
};
use metrics::set_default_local_recorder;
use sagas::event::{Ended, ResumeKind, Resumed, StepCompensated, Suspended};
use sagas::{
    ActionRejected, EventOf, OperatorAction, Saga, SagaEvent, SagaOutcome, SagaState, SagaStatus,
    UnsupportedDefinition, started,
};

use crate::counted::Counters;
use crate::support::{LONG, TestCluster};
use crate::trip::{Booking, Trip};

/// More events than the snapshot interval; after them the saga is suspended.
fn long(saga_id: &str, illegal: Option<EventOf<Booking>>) -> Vec<EventOf<Booking>> {
    let resumed = SagaEvent::Resumed(Resumed {
        saga_id: saga_id.to_owned(),
        subject: "a trip".to_owned(),
        action: ResumeKind::Retry,
        step: None,
        actor: Actor {
            id: "a test".to_owned(),
            reason: "to make it long".to_owned(),
        },
    });
    let suspended = SagaEvent::Suspended(Suspended {
        saga_id: saga_id.to_owned(),
        subject: "a trip".to_owned(),
        step: "flight".to_owned(),
        undo: false,
        reason: "a test".to_owned(),
    });
    let first = started::<Booking>(saga_id, "a trip", Trip::on("a"), Metadata::default());
    let resumed = std::iter::repeat_n(resumed, 150);
    let begin = [first].into_iter().chain(illegal);
    begin.chain(resumed).chain([suspended]).collect()
}

async fn snapshot_of(cluster: &TestCluster, saga_id: &str) -> Option<Version> {
    let stream = SagaState::<Booking>::stream(saga_id);
    let shape = SagaState::<Booking>::SNAPSHOT_VERSION;
    let snapshot = cluster.store.load_snapshot(&stream, shape).await.unwrap();
    snapshot.map(|snapshot| snapshot.version)
}

#[tokio::test(start_paused = true)]
async fn a_corrupt_saga_is_never_stored_as_a_snapshot() {
    let cluster = TestCluster::new();
    // Nothing was done yet, so that nothing can be undone.
    let too_early = SagaEvent::StepCompensated(StepCompensated {
        saga_id: "damaged".to_owned(),
        subject: "a trip".to_owned(),
        step: "flight".to_owned(),
        had_effect: true,
        actor: None,
    });
    cluster
        .write::<Booking>("sound", &long("sound", None))
        .await;
    let damaged = long("damaged", Some(too_early));
    cluster.write::<Booking>("damaged", &damaged).await;
    let node = cluster.node::<Booking>("one");
    tokio::time::sleep(LONG).await;
    for saga_id in ["sound", "damaged"] {
        node.engine.wake(saga_id);
    }
    tokio::time::sleep(LONG).await;
    node.stop().await;
    assert_eq!(snapshot_of(&cluster, "sound").await, Some(Version(152)));
    assert_eq!(snapshot_of(&cluster, "damaged").await, None);
    let state: SagaState<Booking> = cluster.aggregate("damaged").await;
    assert!(state.corruption().is_some());
    assert!(!serde_json::to_string(&state).unwrap().contains("damage\""));
}

/// The first event of a saga that a newer binary has started.
fn of_a_newer_definition(saga_id: &str) -> EventOf<Booking> {
    let mut first = started::<Booking>(saga_id, "a trip", Trip::on("a"), Metadata::default());
    if let SagaEvent::Started(started) = &mut first {
        started.definition = 99;
    }
    first
}

#[tokio::test(start_paused = true)]
async fn a_saga_of_an_unsupported_definition_is_reported_as_such_until_it_ends() {
    let counters = Counters::default();
    let _recording = set_default_local_recorder(&counters);
    let cluster = TestCluster::new();
    let mut events = long("newer", None);
    events[0] = of_a_newer_definition("newer");
    cluster.write::<Booking>("newer", &events).await;
    let node = cluster.node::<Booking>("one");
    tokio::time::sleep(LONG).await;
    node.engine.wake("newer");
    tokio::time::sleep(LONG).await;
    assert_eq!(node.engine.open(), [("newer".into(), Booking::NAME)]);
    assert!(counters.count("saga_corrupt_total") > 0);

    let mut state: SagaState<Booking> = cluster.aggregate("newer").await;
    let summary = state.summary().unwrap();
    let unsupported = UnsupportedDefinition {
        version: 99,
        supported: Booking::DEFINITIONS
            .iter()
            .map(|one| one.definition)
            .collect(),
    };
    assert_eq!(summary.unsupported, Some(unsupported.clone()));
    assert_eq!(summary.status, SagaStatus::Suspended);
    assert_eq!(summary.failure, Some(unsupported.to_string()));
    assert_eq!((summary.definition, &*summary.subject), (99, "a trip"));
    assert_eq!((summary.current_step, summary.attempts), (None, 0));
    for act in [
        OperatorAction::Resume,
        OperatorAction::Retry,
        OperatorAction::Cancel,
        OperatorAction::Close,
    ] {
        let rejected = cluster.act::<Booking>("newer", act).await;
        assert_eq!(
            rejected,
            Err(ActionRejected::Unsupported(unsupported.clone()))
        );
    }
    // Nothing is written to it, and a binary with the definition finds no snapshot without its steps.
    assert_eq!(
        cluster.recorded::<Booking>("newer").await.len(),
        events.len()
    );
    node.stop().await;
    assert_eq!(snapshot_of(&cluster, "newer").await, None);

    let completed = SagaEvent::Completed(Ended {
        saga_id: "newer".to_owned(),
        subject: "a trip".to_owned(),
    });
    state.evolve(&completed, DateTime::UNIX_EPOCH);
    let summary = state.summary().unwrap();
    assert_eq!(summary.status, SagaStatus::Completed);
    assert_eq!(
        (summary.failure, summary.unsupported),
        (None, Some(unsupported))
    );
}

/// A saga with an event of a newer binary.
fn with_unknown_event(saga_id: &str) -> Vec<EncodedEvent> {
    let first = started::<Booking>(saga_id, "a trip", Trip::on("a"), Metadata::default());
    let unknown = EncodedEvent {
        event_type: "SagaOfNextYear",
        schema_version: 1,
        data: "{}".to_owned(),
    };
    vec![first.encode(), unknown]
}

#[tokio::test(start_paused = true)]
async fn an_unknown_or_unreadable_event_parks_its_saga_and_no_other() {
    let cluster = TestCluster::new();
    let node = cluster.node::<Booking>("one");
    cluster
        .write_encoded::<Booking>("unknown", with_unknown_event("unknown"))
        .await;
    // Positions 3 and 5: a saga whose first event cannot be read, and one whose second cannot.
    cluster
        .store
        .damage(Position(3), "its metadata cannot be read");
    cluster.begin::<Booking>("headless").await;
    let cancelled = long("broken", None).into_iter().take(2).collect::<Vec<_>>();
    cluster
        .store
        .damage(Position(5), "its metadata cannot be read");
    cluster.write::<Booking>("broken", &cancelled).await;
    cluster.begin::<Booking>("sound").await;
    assert_eq!(
        cluster.ended::<Booking>("sound").await,
        SagaOutcome::Completed
    );
    tokio::time::sleep(LONG).await;
    for (saga_id, events) in [("unknown", 2), ("headless", 1), ("broken", 2)] {
        let stream = SagaState::<Booking>::stream(saga_id);
        let page = cluster.store.read_stream(&stream, Version::NONE, 100).await;
        let page = page.unwrap();
        assert_eq!(
            page.events.len() + page.unreadable.len(),
            events,
            "{saga_id}"
        );
        assert_eq!(
            cluster.provider.count(&format!("act {saga_id}/")),
            0,
            "{saga_id}"
        );
    }

    // Once the event can be read the saga continues, at the latest when a process starts.
    cluster.store.repair(Position(3));
    cluster.store.repair(Position(5));
    node.stop().await;
    let node = cluster.node::<Booking>("two");
    for saga_id in ["headless", "broken"] {
        assert_eq!(
            cluster.ended::<Booking>(saga_id).await,
            SagaOutcome::Completed
        );
    }
    node.stop().await;
}
