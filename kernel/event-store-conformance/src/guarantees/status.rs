//! The status of a command: receipt, versions and head from one snapshot. A rejection is verified with it.

use event_sourcing::{ExpectedVersion, Position, Receipt, Version};

use crate::Harness;
use crate::support::{accepted, command, commit, exact, stream, within, write};

/// `command_status` returns the receipt if there is one, one version for each stream in the requested order, and the head.
pub async fn a_status_has_the_receipt_the_versions_and_the_head(harness: &dyn Harness) {
    let store = &*harness.open().await.events;
    let (a, b, absent) = (stream("a"), stream("b"), stream("absent"));
    let empty = store
        .command_status(command(1), &[])
        .await
        .expect("the status");
    assert_eq!((empty.receipt, empty.head), (None, Position::START));
    assert!(empty.versions.is_empty());

    let written = vec![
        write(&a, ExpectedVersion::NoStream, 3),
        write(&b, ExpectedVersion::NoStream, 1),
    ];
    let first = accepted(store, commit(command(1), written)).await;
    accepted(store, commit(command(2), vec![write(&b, exact(1), 1)])).await;

    let asked = [b.clone(), absent, a.clone(), b];
    let status = store
        .command_status(command(1), &asked)
        .await
        .expect("the status");
    let versions: Vec<_> = status.versions.iter().map(|version| version.0).collect();
    assert_eq!(versions, [2, 0, 3, 2], "in the requested order");
    assert_eq!(status.head, Position(5));
    let repeated = Receipt {
        duplicate: true,
        ..first
    };
    assert_eq!(status.receipt, Some(repeated));

    let unknown = store
        .command_status(command(99), &[a])
        .await
        .expect("the status");
    assert_eq!(
        (unknown.receipt, unknown.versions),
        (None, vec![Version(3)])
    );
}

/// During commits that write to two streams, no status has the version of one without that of the other, or a head that
/// does not match.
pub async fn a_status_is_from_one_snapshot(harness: &dyn Harness) {
    const COMMITS: u64 = 200;
    let (writing, reading) = (harness.open().await.events, harness.open().await.events);
    let streams = [stream("left"), stream("right")];
    let written = streams.clone();
    let writer = tokio::spawn(async move {
        for n in 0..COMMITS {
            let writes = written.iter().map(|each| write(each, exact(n), 1));
            accepted(&*writing, commit(command(n), writes.collect())).await;
        }
    });
    let mut seen = 0;
    let watching = async {
        loop {
            let last = command(COMMITS - 1);
            let status = reading
                .command_status(last, &streams)
                .await
                .expect("the status");
            let [left, right] = status.versions[..] else {
                panic!("one version for each stream, got {:?}", status.versions);
            };
            assert_eq!(left, right, "both streams from one snapshot");
            assert_eq!(
                status.head.0,
                left.0 + right.0,
                "the head from the same snapshot"
            );
            assert_eq!(
                status.receipt.is_some(),
                left.0 == COMMITS,
                "the receipt from the same snapshot"
            );
            seen += 1;
            if left.0 == COMMITS {
                break;
            }
            // With a store that never waits, the writer would not get to run.
            tokio::task::yield_now().await;
        }
    };
    within("the writer's last commit is seen", watching).await;
    writer.await.expect("the writer ends");
    println!("{seen} reads of the status over {COMMITS} commits");
}
