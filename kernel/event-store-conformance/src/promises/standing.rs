//! What a refusal is checked against: receipt, versions and head, as of one moment.

use event_sourcing::{ExpectedVersion, Position, Receipt, Version};

use crate::Harness;
use crate::support::{accepted, command, commit, exact, stream, within, write};

/// `standing` tells the receipt if there is one, one version a stream in the order asked, and the head.
pub async fn standing_tells_receipt_versions_and_head(harness: &dyn Harness) {
    let store = &*harness.open().await.events;
    let (a, b, absent) = (stream("a"), stream("b"), stream("absent"));
    let empty = store.standing(command(1), &[]).await.expect("the standing");
    assert_eq!((empty.receipt, empty.head), (None, Position::START));
    assert!(empty.versions.is_empty());

    let written = vec![
        write(&a, ExpectedVersion::NoStream, 3),
        write(&b, ExpectedVersion::NoStream, 1),
    ];
    let first = accepted(store, commit(command(1), written)).await;
    accepted(store, commit(command(2), vec![write(&b, exact(1), 1)])).await;

    let asked = [b.clone(), absent, a.clone(), b];
    let standing = store
        .standing(command(1), &asked)
        .await
        .expect("the standing");
    let versions: Vec<_> = standing.versions.iter().map(|version| version.0).collect();
    assert_eq!(versions, [2, 0, 3, 2], "in the order asked");
    assert_eq!(standing.head, Position(5));
    let repeated = Receipt {
        duplicate: true,
        ..first
    };
    assert_eq!(standing.receipt, Some(repeated));

    let unknown = store
        .standing(command(99), &[a])
        .await
        .expect("the standing");
    assert_eq!(
        (unknown.receipt, unknown.versions),
        (None, vec![Version(3)])
    );
}

/// While commits that write two streams together go on, no standing sees one of them without the other, nor a head that
/// does not fit them.
pub async fn standing_is_of_one_moment(harness: &dyn Harness) {
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
            let standing = reading
                .standing(last, &streams)
                .await
                .expect("the standing");
            let [left, right] = standing.versions[..] else {
                panic!("one version a stream, got {:?}", standing.versions);
            };
            assert_eq!(left, right, "both streams as of one moment");
            assert_eq!(
                standing.head.0,
                left.0 + right.0,
                "the head as of that moment"
            );
            assert_eq!(
                standing.receipt.is_some(),
                left.0 == COMMITS,
                "the receipt too"
            );
            seen += 1;
            if left.0 == COMMITS {
                break;
            }
            // A store that never waits must let the writer have its turn.
            tokio::task::yield_now().await;
        }
    };
    within("the writer's last commit is seen", watching).await;
    writer.await.expect("the writer ends");
    println!("{seen} standings over {COMMITS} commits");
}
