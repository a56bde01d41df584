//! A stream that says what no saga can do.

use event_sourcing::saga::event::{Action, Resumed, StepCompensated, Suspended};
use event_sourcing::saga::{EventOf, Person, SagaEvent, SagaState, started};
use event_sourcing::{Aggregate, EventStore, Metadata, Version};

use crate::support::{LONG, Town};
use crate::trip::{Booking, Trip};

/// More events than a snapshot is taken at, behind which the saga waits for a person.
fn long(saga_id: &str, strange: Option<EventOf<Booking>>) -> Vec<EventOf<Booking>> {
    let resumed = SagaEvent::Resumed(Resumed {
        saga_id: saga_id.to_owned(),
        subject: "a trip".to_owned(),
        action: Action::Retry,
        step: None,
        by: Person {
            who: "a test".to_owned(),
            why: "to make it long".to_owned(),
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

async fn snapshot_of(town: &Town, saga_id: &str) -> Option<Version> {
    let stream = SagaState::<Booking>::stream(saga_id);
    let shape = SagaState::<Booking>::SNAPSHOT_VERSION;
    let snapshot = town.store.load_snapshot(&stream, shape).await.unwrap();
    snapshot.map(|snapshot| snapshot.version)
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_with_a_stream_is_found_in_its_events_and_never_kept_as_a_snapshot() {
    let town = Town::new();
    // Nothing was done yet, so that nothing can be undone.
    let too_early = SagaEvent::StepCompensated(StepCompensated {
        saga_id: "damaged".to_owned(),
        subject: "a trip".to_owned(),
        step: "flight".to_owned(),
        happened: true,
        by: None,
    });
    town.write::<Booking>("sound", &long("sound", None)).await;
    let damaged = long("damaged", Some(too_early));
    town.write::<Booking>("damaged", &damaged).await;
    let node = town.node::<Booking>("one");
    tokio::time::sleep(LONG).await;
    for saga_id in ["sound", "damaged"] {
        node.engine.touched(saga_id);
    }
    tokio::time::sleep(LONG).await;
    node.stop().await;
    assert_eq!(snapshot_of(&town, "sound").await, Some(Version(152)));
    assert_eq!(snapshot_of(&town, "damaged").await, None);
    let state: SagaState<Booking> = town.aggregate("damaged").await;
    assert!(state.damage().is_some());
    assert!(!serde_json::to_string(&state).unwrap().contains("damage\""));
}
