//! A write is accepted only where its expectation is met.

use event_sourcing::{EventStore, ExpectedVersion, StreamId, Version};
use uuid::Uuid;

use crate::Harness;
use crate::support::{
    accepted, append_one, command, commit, conflict_at, exact, stream, version, write,
};

async fn refused_at(
    store: &dyn EventStore,
    number: u64,
    stream: &StreamId,
    expected: ExpectedVersion,
) -> Version {
    let before = version(store, stream).await;
    let answer = append_one(
        store,
        commit(command(number), vec![write(stream, expected, 1)]),
    )
    .await;
    let found = conflict_at(&answer, stream);
    assert_eq!(found, before, "the conflict tells the actual version");
    assert_eq!(
        version(store, stream).await,
        before,
        "a refused commit writes nothing"
    );
    found
}

async fn is_accepted(
    store: &dyn EventStore,
    number: u64,
    stream: &StreamId,
    expected: ExpectedVersion,
) -> Version {
    let written = commit(command(number), vec![write(stream, expected, 1)]);
    let receipt = accepted(store, written).await;
    receipt
        .version_of(stream)
        .expect("the receipt tells the stream's version")
}

/// `NoStream` is met by a stream without events and by no other.
pub async fn no_stream_is_met_once(harness: &dyn Harness) {
    let store = &*harness.open().await.events;
    let a = stream("a");
    assert_eq!(
        is_accepted(store, 1, &a, ExpectedVersion::NoStream).await,
        Version(1)
    );
    assert_eq!(
        refused_at(store, 2, &a, ExpectedVersion::NoStream).await,
        Version(1)
    );
}

/// `Exact` is met at its version and at no other; `Exact(0)` is `NoStream`.
pub async fn exact_is_met_at_one_version(harness: &dyn Harness) {
    let store = &*harness.open().await.events;
    let a = stream("a");
    assert_eq!(refused_at(store, 1, &a, exact(1)).await, Version(0));
    assert_eq!(is_accepted(store, 2, &a, exact(0)).await, Version(1));
    assert_eq!(refused_at(store, 3, &a, exact(0)).await, Version(1));
    assert_eq!(refused_at(store, 4, &a, exact(2)).await, Version(1));
    assert_eq!(is_accepted(store, 5, &a, exact(1)).await, Version(2));
    assert_eq!(refused_at(store, 6, &a, exact(1)).await, Version(2));
    assert_eq!(is_accepted(store, 7, &a, exact(2)).await, Version(3));
}

/// `Exists` is met by any stream with events, `Any` always.
pub async fn exists_and_any_ask_no_version(harness: &dyn Harness) {
    let store = &*harness.open().await.events;
    let (a, b) = (stream("a"), stream("b"));
    assert_eq!(
        refused_at(store, 1, &a, ExpectedVersion::Exists).await,
        Version(0)
    );
    assert_eq!(
        is_accepted(store, 2, &a, ExpectedVersion::Any).await,
        Version(1)
    );
    assert_eq!(
        is_accepted(store, 3, &a, ExpectedVersion::Any).await,
        Version(2)
    );
    assert_eq!(
        is_accepted(store, 4, &a, ExpectedVersion::Exists).await,
        Version(3)
    );
    assert_eq!(
        refused_at(store, 5, &b, ExpectedVersion::Exists).await,
        Version(0)
    );
}

/// `Follows` is met at its version only if its event stands there: another process's event at the same version is not
/// what the command was decided on.
pub async fn follows_tells_events_at_one_version_apart(harness: &dyn Harness) {
    let store = &*harness.open().await.events;
    let a = stream("a");
    let follows = |version, event_id| ExpectedVersion::Follows {
        version: Version(version),
        event_id,
    };
    let (ours, foreign) = (command(1), command(2));
    assert_eq!(
        refused_at(store, 3, &a, follows(1, ours.event_id(0))).await,
        Version(0)
    );
    assert_eq!(
        refused_at(store, 4, &a, follows(0, Uuid::nil())).await,
        Version(0)
    );

    accepted(
        store,
        commit(foreign, vec![write(&a, ExpectedVersion::NoStream, 1)]),
    )
    .await;
    assert_eq!(
        refused_at(store, 5, &a, follows(1, ours.event_id(0))).await,
        Version(1)
    );
    assert_eq!(
        refused_at(store, 6, &a, follows(2, foreign.event_id(0))).await,
        Version(1)
    );
    assert_eq!(
        is_accepted(store, 7, &a, follows(1, foreign.event_id(0))).await,
        Version(2)
    );
    assert_eq!(
        refused_at(store, 8, &a, follows(1, foreign.event_id(0))).await,
        Version(2)
    );
    assert_eq!(
        is_accepted(store, 9, &a, follows(2, command(7).event_id(0))).await,
        Version(3)
    );
}
