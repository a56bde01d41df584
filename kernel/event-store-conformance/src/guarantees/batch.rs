//! The commits of a batch are validated one by one, in the order of the batch.

use event_sourcing::{ExpectedVersion, Position, Version};

use crate::Harness;
use crate::support::{
    accepted, append, command, commit, conflict_at, exact, read_stream, stream, version, whole_log,
    write,
};

/// A commit with a wrong expected version does not fail the others of its batch.
pub async fn a_stale_commit_fails_alone(harness: &dyn Harness) {
    let store = &*harness.open().await.events;
    let streams: Vec<_> = (0..5).map(|n| stream(format!("s-{n}"))).collect();
    accepted(
        store,
        commit(
            command(100),
            vec![write(&streams[2], ExpectedVersion::NoStream, 1)],
        ),
    )
    .await;

    let batch: Vec<_> = (0_u64..)
        .zip(&streams)
        .map(|(n, each)| commit(command(n), vec![write(each, ExpectedVersion::NoStream, 1)]))
        .collect();
    let answers = append(store, &batch).await;
    for (index, (each, answer)) in streams.iter().zip(&answers).enumerate() {
        if index == 2 {
            assert_eq!(conflict_at(answer, each), Version(1));
        } else {
            assert!(
                answer.is_ok(),
                "commit {index} is independent of the others, got {answer:?}"
            );
        }
        assert_eq!(version(store, each).await, Version(1));
    }
}

/// The second of two commits on one stream is validated against the result of the first, and a third with the
/// expectation of the first is rejected.
pub async fn two_commits_on_one_stream_share_a_batch(harness: &dyn Harness) {
    let store = &*harness.open().await.events;
    let a = stream("a");
    let after_first = ExpectedVersion::Follows {
        version: Version(2),
        event_id: command(1).event_id(1),
    };
    let batch = [
        commit(command(1), vec![write(&a, ExpectedVersion::NoStream, 2)]),
        commit(command(2), vec![write(&a, after_first, 1)]),
        commit(command(3), vec![write(&a, ExpectedVersion::NoStream, 1)]),
        commit(command(4), vec![write(&a, exact(3), 1)]),
        commit(command(5), vec![write(&a, ExpectedVersion::Exists, 1)]),
    ];
    let answers = append(store, &batch).await;
    assert_eq!(conflict_at(&answers[2], &a), Version(3));
    let versions: Vec<_> = answers
        .iter()
        .filter_map(|answer| answer.as_ref().ok()?.version_of(&a))
        .collect();
    assert_eq!(
        versions,
        [2, 3, 4, 5].map(Version),
        "each receipt belongs to its commit"
    );

    let events = read_stream(store, &a, 100).await;
    let written: Vec<_> = events.iter().map(|event| event.command_id).collect();
    let expected = [Some(1), None, Some(2), Some(4), Some(5)].map(|n| n.map(command));
    assert_eq!(written, expected, "in the batch's order");
}

/// Positions have no gap where a commit was rejected, whether alone or at any place in a batch.
pub async fn a_rejected_commit_takes_no_position(harness: &dyn Harness) {
    let store = &*harness.open().await.events;
    let (a, b) = (stream("a"), stream("b"));
    let stale = |number| commit(command(number), vec![write(&b, exact(7), 3)]);
    let good = |number, at| commit(command(number), vec![write(&a, exact(at), 2)]);

    let answers = append(
        store,
        &[stale(1), good(2, 0), stale(3), good(4, 2), stale(5)],
    )
    .await;
    let outcome: Vec<_> = answers.iter().map(Result::is_ok).collect();
    assert_eq!(outcome, [false, true, false, true, false]);
    append(store, &[stale(6)]).await;
    append(store, &[good(7, 4)]).await;

    let log = whole_log(store).await;
    let positions: Vec<_> = log.iter().map(|event| event.position).collect();
    assert_eq!(positions, (1..=6).map(Position).collect::<Vec<_>>());
    assert_eq!(store.head().await.expect("the head"), Position(6));
}
