//! A write is accepted only if its expected version matches.

use event_sourcing::{EventStore, ExpectedVersion, StreamId, Version};
use uuid::Uuid;

use crate::Harness;
use crate::support::{
    accepted, append_one, command, commit, conflict_at, exact, stream, version, write,
};

async fn rejected_at(
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
    assert_eq!(found, before, "the conflict has the actual version");
    assert_eq!(
        version(store, stream).await,
        before,
        "a rejected commit writes no event"
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
        .expect("the receipt has the stream's version")
}

/// `NoStream` matches only a stream without events.
pub async fn no_stream_matches_only_an_empty_stream(harness: &dyn Harness) {
    let store = &*harness.open().await.events;
    let a = stream("a");
    assert_eq!(
        is_accepted(store, 1, &a, ExpectedVersion::NoStream).await,
        Version(1)
    );
    assert_eq!(
        rejected_at(store, 2, &a, ExpectedVersion::NoStream).await,
        Version(1)
    );
}

/// `Exact` matches only its version; `Exact(0)` is the same as `NoStream`.
pub async fn exact_matches_only_its_version(harness: &dyn Harness) {
    let store = &*harness.open().await.events;
    let a = stream("a");
    assert_eq!(rejected_at(store, 1, &a, exact(1)).await, Version(0));
    assert_eq!(is_accepted(store, 2, &a, exact(0)).await, Version(1));
    assert_eq!(rejected_at(store, 3, &a, exact(0)).await, Version(1));
    assert_eq!(rejected_at(store, 4, &a, exact(2)).await, Version(1));
    assert_eq!(is_accepted(store, 5, &a, exact(1)).await, Version(2));
    assert_eq!(rejected_at(store, 6, &a, exact(1)).await, Version(2));
    assert_eq!(is_accepted(store, 7, &a, exact(2)).await, Version(3));
}

/// `Exists` matches every stream with events, and `Any` every stream.
pub async fn exists_and_any_accept_every_version(harness: &dyn Harness) {
    let store = &*harness.open().await.events;
    let (a, b) = (stream("a"), stream("b"));
    assert_eq!(
        rejected_at(store, 1, &a, ExpectedVersion::Exists).await,
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
        rejected_at(store, 5, &b, ExpectedVersion::Exists).await,
        Version(0)
    );
}

/// `Follows` matches its version only with its event id: another process's event at the same version is not the one
/// that the command was decided on.
pub async fn follows_matches_only_its_event(harness: &dyn Harness) {
    let store = &*harness.open().await.events;
    let a = stream("a");
    let follows = |version, event_id| ExpectedVersion::Follows {
        version: Version(version),
        event_id,
    };
    let (ours, foreign) = (command(1), command(2));
    assert_eq!(
        rejected_at(store, 3, &a, follows(1, ours.event_id(0))).await,
        Version(0)
    );
    assert_eq!(
        rejected_at(store, 4, &a, follows(0, Uuid::nil())).await,
        Version(0)
    );

    accepted(
        store,
        commit(foreign, vec![write(&a, ExpectedVersion::NoStream, 1)]),
    )
    .await;
    assert_eq!(
        rejected_at(store, 5, &a, follows(1, ours.event_id(0))).await,
        Version(1)
    );
    assert_eq!(
        rejected_at(store, 6, &a, follows(2, foreign.event_id(0))).await,
        Version(1)
    );
    assert_eq!(
        is_accepted(store, 7, &a, follows(1, foreign.event_id(0))).await,
        Version(2)
    );
    assert_eq!(
        rejected_at(store, 8, &a, follows(1, foreign.event_id(0))).await,
        Version(2)
    );
    assert_eq!(
        is_accepted(store, 9, &a, follows(2, command(7).event_id(0))).await,
        Version(3)
    );
}
