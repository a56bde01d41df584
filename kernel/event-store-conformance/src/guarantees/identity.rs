//! A log can be distinguished from every other one.

use event_sourcing::{EventStore, ExpectedVersion, LogId, Position};

use crate::Harness;
use crate::support::{accepted, command, commit, stream, whole_log, write};

/// The id is the same for each process and does not change as the log grows. A mark has the event at its position, or
/// `None` where there is none.
pub async fn a_log_is_identified_by_its_id_and_its_events(harness: &dyn Harness) {
    let (one, other) = (harness.open().await.events, harness.open().await.events);
    let id = log_id(&*one).await;
    let empty = one
        .identify(&[Position::START, Position(1)])
        .await
        .expect("an empty log is identified");
    assert_eq!(empty.head.position, Position::START);
    assert_eq!(empty.head.event, None, "an empty log has no last event");
    assert!(empty.marks.iter().all(|mark| mark.event.is_none()));

    for number in 1..=3 {
        let writes = vec![write(
            &stream(format!("s{number}")),
            ExpectedVersion::NoStream,
            2,
        )];
        accepted(&*one, commit(command(number), writes)).await;
    }
    let events = whole_log(&*one).await;
    let asked = [
        Position(6),
        Position(1),
        Position(7),
        Position::START,
        Position(4),
    ];
    let found = other.identify(&asked).await.expect("a log is identified");
    assert_eq!(found.head.log, id, "the id is the same for each process");
    assert_eq!(found.head.position, Position(6));
    assert_eq!(found.head.event, Some(events[5].event_id));
    let positions: Vec<_> = found.marks.iter().map(|mark| mark.position).collect();
    assert_eq!(positions, asked, "in the requested order");
    let found: Vec<_> = found.marks.iter().map(|mark| mark.event).collect();
    let at = |position: usize| Some(events[position - 1].event_id);
    assert_eq!(found, [at(6), at(1), None, None, at(4)]);
}

/// Two logs have different ids.
pub async fn each_log_has_its_own_id(one: &dyn Harness, other: &dyn Harness) {
    let (one, other) = (one.open().await.events, other.open().await.events);
    assert_ne!(log_id(&*one).await, log_id(&*other).await);
}

async fn log_id(store: &dyn EventStore) -> LogId {
    let identity = store.identify(&[]).await.expect("a log is identified");
    identity.head.log
}
