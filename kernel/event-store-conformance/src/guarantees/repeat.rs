//! A command id takes effect once; a repeat returns the first receipt, whatever its expected versions.

use event_sourcing::{ExpectedVersion, Position, Receipt, Version};
use futures::future::join_all;

use crate::Harness;
use crate::support::{
    accepted, append, append_one, command, commit, event, exact, moment, stream, whole_log, write,
};

fn repeated(first: &Receipt) -> Receipt {
    Receipt {
        duplicate: true,
        ..first.clone()
    }
}

/// A command that is sent again, through the same process or another one, returns its first receipt and writes no
/// event.
pub async fn a_repeat_returns_the_first_receipt(harness: &dyn Harness) {
    let (one, other) = (harness.open().await.events, harness.open().await.events);
    let a = stream("a");
    let mut noted = write(&a, ExpectedVersion::NoStream, 0);
    noted.events = vec![event("Opened", "{}"), event("Noted", "{}")];
    noted.events[0].metadata.operation = Some("open".into());
    let send = commit(command(1), vec![noted]);
    let first = accepted(&*one, send.clone()).await;
    let expected = Receipt {
        first: Position(1),
        last: Position(2),
        recorded_at: moment(),
        operation: Some("open".into()),
        versions: vec![(a.clone(), Version(2))],
        duplicate: false,
    };
    assert_eq!(first, expected);

    for store in [&one, &other, &one] {
        assert_eq!(
            append_one(&**store, send.clone()).await,
            Ok(repeated(&first))
        );
    }
    assert_eq!(
        whole_log(&*one).await.len(),
        2,
        "the repeats wrote no event"
    );
}

/// An id that repeats inside a batch takes effect once, also among other commits.
pub async fn a_repeat_inside_a_batch_returns_the_first_receipt(harness: &dyn Harness) {
    let store = &*harness.open().await.events;
    let (a, b) = (stream("a"), stream("b"));
    let send = commit(command(1), vec![write(&a, ExpectedVersion::NoStream, 2)]);
    let other = commit(command(2), vec![write(&b, ExpectedVersion::NoStream, 1)]);
    let answers = append(store, &[send.clone(), send.clone(), other.clone(), send]).await;
    let first = answers[0].as_ref().expect("the first is accepted");
    assert_eq!(answers[1], Ok(repeated(first)));
    assert_eq!(answers[3], Ok(repeated(first)));
    assert_eq!(
        answers[2].as_ref().map(|receipt| receipt.first),
        Ok(Position(3))
    );

    let later = commit(command(3), vec![write(&b, exact(1), 1)]);
    let answers = append(store, &[other.clone(), later, other]).await;
    let outcome: Vec<_> = answers
        .iter()
        .map(|answer| {
            answer
                .as_ref()
                .map(|receipt| (receipt.duplicate, receipt.first.0))
        })
        .collect();
    assert_eq!(outcome, [Ok((true, 3)), Ok((false, 4)), Ok((true, 3))]);
    assert_eq!(whole_log(store).await.len(), 4);
}

/// A receipt has the versions of all streams of its commit and of no stream of its neighbours.
pub async fn a_repeat_over_several_streams_returns_the_first_receipt(harness: &dyn Harness) {
    let store = &*harness.open().await.events;
    let (a, b, c) = (stream("a"), stream("b"), stream("c"));
    accepted(
        store,
        commit(command(1), vec![write(&b, ExpectedVersion::NoStream, 3)]),
    )
    .await;
    let send = commit(
        command(2),
        vec![
            write(&c, ExpectedVersion::NoStream, 2),
            write(&a, ExpectedVersion::NoStream, 1),
            write(&b, exact(3), 2),
        ],
    );
    let neighbours = [
        send.clone(),
        commit(command(3), vec![write(&c, ExpectedVersion::Any, 1)]),
        commit(command(4), vec![write(&a, ExpectedVersion::Any, 1)]),
    ];
    let answers = append(store, &neighbours).await;
    let first = answers[0].as_ref().expect("the first is accepted");
    let versions = [(c, Version(2)), (a, Version(1)), (b, Version(5))];
    assert_eq!(first.versions, versions);
    assert_eq!((first.first, first.last), (Position(4), Position(8)));
    assert_eq!(append_one(store, send.clone()).await, Ok(repeated(first)));

    let status = store
        .command_status(command(2), &[])
        .await
        .expect("the status");
    assert_eq!(
        status.receipt,
        Some(repeated(first)),
        "the status has the same receipt"
    );
    let last = accepted(
        store,
        commit(command(5), vec![write(&stream("d"), exact(0), 1)]),
    )
    .await;
    assert_eq!(append_one(store, send).await, Ok(repeated(first)));
    let again = append_one(
        store,
        commit(command(5), vec![write(&stream("d"), exact(0), 1)]),
    )
    .await;
    assert_eq!(again, Ok(repeated(&last)), "also at the log's end");
}

/// A retried command whose first attempt took effect. Its expected version no longer matches, and it may even have been
/// decided again with other events; the result is still the first receipt.
pub async fn a_repeat_is_detected_before_its_expectation_is_checked(harness: &dyn Harness) {
    let store = &*harness.open().await.events;
    let (a, b) = (stream("a"), stream("b"));
    let first = accepted(
        store,
        commit(command(1), vec![write(&a, ExpectedVersion::NoStream, 1)]),
    )
    .await;
    accepted(store, commit(command(2), vec![write(&a, exact(1), 1)])).await;

    let variants = [
        vec![write(&a, ExpectedVersion::NoStream, 1)],
        vec![write(&a, exact(2), 5)],
        vec![
            write(&a, exact(77), 0),
            write(&b, ExpectedVersion::Exists, 1),
        ],
    ];
    for writes in variants {
        let answer = append_one(store, commit(command(1), writes)).await;
        assert_eq!(answer, Ok(repeated(&first)));
    }
    assert_eq!(whole_log(store).await.len(), 2);
}

/// The same command from many concurrent callers in two processes takes effect once.
pub async fn repeats_race_and_one_takes_effect(harness: &dyn Harness) {
    let handles = [harness.open().await, harness.open().await];
    for round in 0..10 {
        let a = stream(format!("a-{round}"));
        let callers = (0..8).map(|caller| {
            let store = handles[caller % 2].events.clone();
            let send = commit(command(round), vec![write(&a, ExpectedVersion::Any, 2)]);
            tokio::spawn(async move { append_one(&*store, send).await })
        });
        let receipts: Vec<_> = join_all(callers)
            .await
            .into_iter()
            .map(|joined| joined.expect("the caller ends").expect("a receipt"))
            .collect();
        let firsts = receipts.iter().filter(|receipt| !receipt.duplicate).count();
        assert_eq!(firsts, 1, "one call took effect");
        for receipt in &receipts {
            assert_eq!(receipt.first, receipts[0].first);
            assert_eq!(receipt.versions, [(a.clone(), Version(2))]);
        }
    }
    assert_eq!(whole_log(&*handles[0].events).await.len(), 20);
}
