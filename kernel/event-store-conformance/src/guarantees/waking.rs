//! A waiting reader is woken by a commit, not by its poll.

use std::time::Duration;

use event_sourcing::{ExpectedVersion, Position};

use crate::Harness;
use crate::support::{accepted, command, commit, stream, within, write};

/// Any number of readers that wait for the next position get it without a poll (the harness polls once an hour), also
/// in another process. A reader that waits for a higher position continues to wait.
pub async fn a_waiting_reader_is_woken_immediately(harness: &dyn Harness) {
    let (writing, reading) = (harness.open().await.events, harness.open().await.events);
    let a = stream("a");
    for round in 0..10 {
        let before = round * 2;
        let waiters: Vec<_> = (0..4)
            .map(|_| {
                let store = reading.clone();
                tokio::spawn(async move { store.wait_for(Position(before + 1)).await })
            })
            .collect();
        let later = {
            let store = reading.clone();
            tokio::spawn(async move { store.wait_for(Position(before + 2)).await })
        };
        accepted(
            &*writing,
            commit(command(before), vec![write(&a, ExpectedVersion::Any, 1)]),
        )
        .await;
        for waiter in waiters {
            let woken = within("the waiting reader wakes", waiter).await;
            let head = woken.expect("the waiter ends").expect("the head");
            assert_eq!(head, Position(before + 1));
        }
        assert!(
            !later.is_finished(),
            "position {} does not exist yet",
            before + 2
        );
        accepted(
            &*writing,
            commit(
                command(before + 1),
                vec![write(&a, ExpectedVersion::Any, 1)],
            ),
        )
        .await;
        let woken = within("the reader of the higher position wakes", later).await;
        assert_eq!(
            woken.expect("the waiter ends").expect("the head"),
            Position(before + 2)
        );
    }
}

/// A reader below the head gets the head immediately, from a handle that was open before the commit and from one that
/// was opened after it.
pub async fn a_reader_below_the_head_does_not_wait(harness: &dyn Harness) {
    let (writing, early) = (harness.open().await.events, harness.open().await.events);
    let start = within("position 0 always exists", early.wait_for(Position::START)).await;
    assert_eq!(start.expect("the head"), Position::START);

    accepted(
        &*writing,
        commit(
            command(1),
            vec![write(&stream("a"), ExpectedVersion::Any, 5)],
        ),
    )
    .await;
    let late = harness.open().await.events;
    for store in [&writing, &early, &late] {
        for position in [0, 1, 5] {
            let head = within(
                "a position below the head",
                store.wait_for(Position(position)),
            )
            .await;
            let seen = Position(position)..=Position(5);
            let head = head.expect("the head");
            assert!(seen.contains(&head), "{head} for position {position}");
        }
    }
    let beyond = tokio::time::timeout(Duration::from_millis(50), late.wait_for(Position(6))).await;
    assert!(beyond.is_err(), "position 6 does not exist, got {beyond:?}");
}
