//! A stream that says what no saga can do.

use event_sourcing::{
    Actor, Aggregate, DomainEvent, EncodedEvent, EventStore, Metadata, Position, Version,
};
use sagas::event::{Action, Resumed, StepCompensated, Suspended};
use sagas::{EventOf, SagaEvent, SagaOutcome, SagaState, started};

use crate::support::{LONG, TestCluster};
use crate::trip::{Booking, Trip};

/// More events than a snapshot is taken at, behind which the saga waits for a person.
fn long(saga_id: &str, strange: Option<EventOf<Booking>>) -> Vec<EventOf<Booking>> {
    let resumed = SagaEvent::Resumed(Resumed {
        saga_id: saga_id.to_owned(),
        subject: "a trip".to_owned(),
        action: Action::Retry,
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
    let begin = [first].into_iter().chain(strange);
    begin.chain(resumed).chain([suspended]).collect()
}

async fn snapshot_of(town: &TestCluster, saga_id: &str) -> Option<Version> {
    let stream = SagaState::<Booking>::stream(saga_id);
    let shape = SagaState::<Booking>::SNAPSHOT_VERSION;
    let snapshot = town.store.load_snapshot(&stream, shape).await.unwrap();
    snapshot.map(|snapshot| snapshot.version)
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_with_a_stream_is_found_in_its_events_and_never_kept_as_a_snapshot() {
    let town = TestCluster::new();
    // Nothing was done yet, so that nothing can be undone.
    let too_early = SagaEvent::StepCompensated(StepCompensated {
        saga_id: "damaged".to_owned(),
        subject: "a trip".to_owned(),
        step: "flight".to_owned(),
        had_effect: true,
        actor: None,
    });
    town.write::<Booking>("sound", &long("sound", None)).await;
    let damaged = long("damaged", Some(too_early));
    town.write::<Booking>("damaged", &damaged).await;
    let node = town.node::<Booking>("one");
    tokio::time::sleep(LONG).await;
    for saga_id in ["sound", "damaged"] {
        node.engine.wake(saga_id);
    }
    tokio::time::sleep(LONG).await;
    node.stop().await;
    assert_eq!(snapshot_of(&town, "sound").await, Some(Version(152)));
    assert_eq!(snapshot_of(&town, "damaged").await, None);
    let state: SagaState<Booking> = town.aggregate("damaged").await;
    assert!(state.corruption().is_some());
    assert!(!serde_json::to_string(&state).unwrap().contains("damage\""));
}

/// A saga that a newer binary did something to.
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
async fn an_event_that_is_unknown_or_cannot_be_read_stops_its_saga_and_no_other() {
    let town = TestCluster::new();
    let node = town.node::<Booking>("one");
    town.write_encoded::<Booking>("unknown", with_unknown_event("unknown"))
        .await;
    // Positions 3 and 4: a saga whose beginning cannot be read, and one whose cancellation cannot.
    town.store
        .damage(Position(3), "its metadata cannot be read");
    town.begin::<Booking>("headless").await;
    let cancelled = long("broken", None).into_iter().take(2).collect::<Vec<_>>();
    town.store
        .damage(Position(5), "its metadata cannot be read");
    town.write::<Booking>("broken", &cancelled).await;
    town.begin::<Booking>("sound").await;
    assert_eq!(town.ended::<Booking>("sound").await, SagaOutcome::Completed);
    tokio::time::sleep(LONG).await;
    for (saga_id, events) in [("unknown", 2), ("headless", 1), ("broken", 2)] {
        let stream = SagaState::<Booking>::stream(saga_id);
        let page = town.store.read_stream(&stream, Version::NONE, 100).await;
        let page = page.unwrap();
        assert_eq!(
            page.events.len() + page.unreadable.len(),
            events,
            "{saga_id}"
        );
        assert_eq!(town.desk.count(&format!("act {saga_id}/")), 0, "{saga_id}");
    }

    // Once it can be read it resumes, at the latest when a process starts.
    town.store.repair(Position(3));
    town.store.repair(Position(5));
    node.stop().await;
    let node = town.node::<Booking>("two");
    for saga_id in ["headless", "broken"] {
        assert_eq!(town.ended::<Booking>(saga_id).await, SagaOutcome::Completed);
    }
    node.stop().await;
}
