//! A write without events is checked like any other, but writes no event; a commit is whole or absent.

use event_sourcing::{ExpectedVersion, Position, Version};

use crate::Harness;
use crate::support::{
    accepted, append_one, command, commit, conflict_at, exact, stream, version, whole_log, write,
};

/// Streams that were only read are preconditions: if one has changed, the commit is rejected; otherwise it gets no
/// event and is not in the receipt.
pub async fn a_precondition_is_checked_and_writes_no_event(harness: &dyn Harness) {
    let store = &*harness.open().await.events;
    let (read, written, absent) = (stream("read"), stream("written"), stream("absent"));
    accepted(
        store,
        commit(command(1), vec![write(&read, ExpectedVersion::NoStream, 3)]),
    )
    .await;

    for expected in [exact(2), exact(4), ExpectedVersion::NoStream] {
        let writes = vec![
            write(&read, expected, 0),
            write(&written, ExpectedVersion::Any, 1),
        ];
        let answer = append_one(store, commit(command(2), writes)).await;
        assert_eq!(conflict_at(&answer, &read), Version(3), "{expected:?}");
    }
    let exists = vec![
        write(&written, ExpectedVersion::Any, 1),
        write(&absent, ExpectedVersion::Exists, 0),
    ];
    let answer = append_one(store, commit(command(2), exists)).await;
    assert_eq!(conflict_at(&answer, &absent), Version(0));
    assert_eq!(
        version(store, &written).await,
        Version(0),
        "no event was written so far"
    );

    let writes = vec![
        write(&read, exact(3), 0),
        write(&absent, ExpectedVersion::NoStream, 0),
        write(&written, ExpectedVersion::NoStream, 1),
    ];
    let receipt = accepted(store, commit(command(2), writes)).await;
    assert_eq!(receipt.versions, [(written.clone(), Version(1))]);
    assert_eq!((receipt.first, receipt.last), (Position(4), Position(4)));
    assert_eq!(version(store, &read).await, Version(3));
    assert_eq!(version(store, &absent).await, Version(0));

    let log = whole_log(store).await;
    assert_eq!(log.len(), 4);
    assert_eq!(
        log[3].command_id,
        Some(command(2)),
        "the first event carries the command id"
    );
}

/// If the expected version of any stream of a commit is wrong, the other streams get no events either.
pub async fn a_commit_is_whole_or_absent(harness: &dyn Harness) {
    let store = &*harness.open().await.events;
    let streams: Vec<_> = (0..4).map(|n| stream(format!("part-{n}"))).collect();
    let with_stale = |number: usize| {
        let writes = streams.iter().enumerate().map(|(index, part)| {
            let expected = if index == number {
                exact(9)
            } else {
                ExpectedVersion::NoStream
            };
            write(part, expected, 2)
        });
        writes.collect::<Vec<_>>()
    };
    for (number, stale) in streams.iter().enumerate() {
        let answer = append_one(store, commit(command(1), with_stale(number))).await;
        assert_eq!(conflict_at(&answer, stale), Version(0));
        assert!(
            whole_log(store).await.is_empty(),
            "a rejected commit writes no event"
        );
    }
    let receipt = accepted(store, commit(command(1), with_stale(usize::MAX))).await;
    let versions: Vec<_> = streams
        .iter()
        .map(|part| (part.clone(), Version(2)))
        .collect();
    assert_eq!(receipt.versions, versions, "in the order of the writes");
    assert_eq!((receipt.first, receipt.last), (Position(1), Position(8)));
}
