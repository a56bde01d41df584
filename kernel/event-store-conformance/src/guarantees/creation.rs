//! A stream is created only once.

use event_sourcing::{ExpectedVersion, Rejected, Version};
use futures::future::join_all;

use crate::support::{append_one, command, commit, read_stream, stream, version, write};
use crate::{Handle, Harness};

/// Of concurrent creators in two processes exactly one wins; the others get the version of the existing stream.
pub async fn two_creators_race_and_one_wins(harness: &dyn Harness) {
    let handles = [harness.open().await, harness.open().await];
    for round in 0..20 {
        let contested = stream(format!("contested-{round}"));
        let creators = handles.iter().enumerate().map(|(who, handle)| {
            let store = Handle::clone(handle).events;
            let id = command(round * 2 + who as u64);
            let create = commit(id, vec![write(&contested, ExpectedVersion::NoStream, 1)]);
            tokio::spawn(async move { append_one(&*store, create).await })
        });
        let answers: Vec<_> = join_all(creators)
            .await
            .into_iter()
            .map(|joined| joined.expect("the creator ends"))
            .collect();
        let winners = answers.iter().filter(|answer| answer.is_ok()).count();
        assert_eq!(
            winners, 1,
            "round {round}: one creator wins, got {answers:?}"
        );
        for rejected in answers.into_iter().filter_map(Result::err) {
            let expected = Rejected::WrongExpectedVersion {
                stream: contested.clone(),
                expected: ExpectedVersion::NoStream,
                actual: Version(1),
            };
            assert_eq!(rejected, expected, "the loser gets the actual version");
        }
        let events = read_stream(&*handles[0].events, &contested, 10).await;
        assert_eq!(events.len(), 1, "round {round}: the loser wrote no event");
    }
}

/// A stream without events is at version 0; its first event has version 1.
pub async fn a_stream_starts_at_version_one(harness: &dyn Harness) {
    let store = harness.open().await.events;
    let fresh = stream("fresh");
    assert_eq!(version(&*store, &fresh).await, Version::NONE);
    assert!(read_stream(&*store, &fresh, 10).await.is_empty());

    let create = commit(
        command(1),
        vec![write(&fresh, ExpectedVersion::NoStream, 2)],
    );
    let receipt = append_one(&*store, create).await.expect("a first commit");
    assert_eq!(receipt.version_of(&fresh), Some(Version(2)));
    let events = read_stream(&*store, &fresh, 10).await;
    let versions: Vec<_> = events.iter().map(|event| event.version.0).collect();
    assert_eq!(versions, [1, 2]);
}
