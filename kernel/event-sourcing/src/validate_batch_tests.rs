//! Validates batches without a store.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::DateTime;
use uuid::Uuid;

use super::{BatchOutcome, Lookups, StoreState, StreamTip, validate_batch};
use crate::commit::{Commit, ExpectedVersion, Rejected, Write};
use crate::event::{EncodedEvent, Metadata, NewEvent};
use crate::id::{CommandId, Position, Version};
use crate::lease::{Fence, Token};
use crate::stream::StreamId;

fn stream(id: &str) -> StreamId {
    StreamId::new("account", id)
}

fn command(number: u128) -> CommandId {
    CommandId(Uuid::from_u128(number))
}

fn write(id: &str, expected: ExpectedVersion, count: usize) -> Write {
    let event = EncodedEvent {
        event_type: "Opened",
        schema_version: 1,
        data: "{}".to_owned(),
    };
    let new = NewEvent {
        event,
        metadata: Metadata::default(),
    };
    Write {
        stream: stream(id),
        expected,
        events: vec![new; count],
    }
}

fn commit(number: u128, writes: Vec<Write>) -> Commit {
    Commit::try_new(command(number), DateTime::UNIX_EPOCH, writes, None).unwrap()
}

fn fenced(number: u128, token: u64) -> Commit {
    let fence = Fence {
        lease: Arc::from("work"),
        token: Token(token),
    };
    let writes = vec![write("a", ExpectedVersion::Any, 1)];
    Commit::try_new(command(number), DateTime::UNIX_EPOCH, writes, Some(fence)).unwrap()
}

/// Stream `a` at version 2 by command 1, which took positions 1 and 2.
fn known() -> StoreState {
    let batch = [commit(1, vec![write("a", ExpectedVersion::NoStream, 2)])];
    let outcome = validate_batch(&batch, StoreState::default());
    let receipt = outcome.results[0].clone().unwrap();
    let tip = StreamTip {
        version: Version(2),
        event_id: command(1).event_id(1),
    };
    StoreState {
        head: outcome.head,
        receipts: HashMap::from([(command(1), receipt)]),
        tips: HashMap::from([(stream("a"), tip)]),
        tokens: HashMap::from([(Arc::from("work"), Token(3))]),
    }
}

fn actual(outcome: &BatchOutcome<'_>, index: usize) -> Option<Version> {
    match &outcome.results[index] {
        Err(Rejected::WrongExpectedVersion { actual, .. }) => Some(*actual),
        _ => None,
    }
}

#[test]
fn each_expected_version_is_accepted_or_rejected_with_the_actual_version() {
    let last = command(1).event_id(1);
    let follows = |version, event_id| ExpectedVersion::Follows {
        version: Version(version),
        event_id,
    };
    let cases = [
        ("a", ExpectedVersion::NoStream, Some(2)),
        ("a", ExpectedVersion::Exact(Version(2)), None),
        ("a", ExpectedVersion::Exact(Version(1)), Some(2)),
        ("a", follows(2, last), None),
        ("a", follows(2, Uuid::nil()), Some(2)),
        ("a", follows(1, last), Some(2)),
        ("a", ExpectedVersion::Exists, None),
        ("a", ExpectedVersion::Any, None),
        ("b", ExpectedVersion::NoStream, None),
        ("b", ExpectedVersion::Exact(Version(0)), None),
        ("b", ExpectedVersion::Exact(Version(1)), Some(0)),
        ("b", follows(0, Uuid::nil()), Some(0)),
        ("b", ExpectedVersion::Exists, Some(0)),
        ("b", ExpectedVersion::Any, None),
    ];
    for (id, expected, rejected_at) in cases {
        let batch = [commit(2, vec![write(id, expected, 1)])];
        let outcome = validate_batch(&batch, known());
        let found = actual(&outcome, 0);
        assert_eq!(
            found,
            rejected_at.map(Version),
            "{expected:?} on stream {id:?}"
        );
        assert_eq!(outcome.events.len(), usize::from(rejected_at.is_none()));
    }
}

#[test]
fn an_accepted_commit_is_visible_to_later_ones_and_a_rejected_one_takes_no_position() {
    let batch = [
        commit(2, vec![write("a", ExpectedVersion::Exact(Version(2)), 1)]),
        commit(3, vec![write("a", ExpectedVersion::Exact(Version(2)), 1)]),
        commit(4, vec![write("a", ExpectedVersion::Exact(Version(3)), 2)]),
    ];
    let outcome = validate_batch(&batch, known());
    assert_eq!(outcome.results[0].as_ref().unwrap().last, Position(3));
    assert_eq!(actual(&outcome, 1), Some(Version(3)));
    let third = outcome.results[2].as_ref().unwrap();
    assert_eq!((third.first, third.last), (Position(4), Position(5)));
    assert_eq!(third.versions, [(stream("a"), Version(5))]);
    assert_eq!(outcome.head, Position(5));
    let places: Vec<_> = outcome
        .events
        .iter()
        .map(|event| (event.position.0, event.version.0, event.command_id))
        .collect();
    assert_eq!(
        places,
        [
            (3, 3, Some(command(2))),
            (4, 4, Some(command(4))),
            (5, 5, None)
        ]
    );
}

#[test]
fn a_repeat_gets_the_first_receipt_before_anything_else_is_checked() {
    let mut again = commit(1, vec![write("a", ExpectedVersion::NoStream, 2)]);
    let outcome = validate_batch(std::slice::from_ref(&again), known());
    let receipt = outcome.results[0].as_ref().unwrap();
    assert!(receipt.duplicate);
    assert_eq!((receipt.first, receipt.last), (Position(1), Position(2)));
    assert!(outcome.events.is_empty());

    again = fenced(1, 99);
    let outcome = validate_batch(std::slice::from_ref(&again), known());
    assert!(outcome.results[0].as_ref().unwrap().duplicate);
}

#[test]
fn a_repeat_inside_the_batch_gets_the_first_ones_receipt() {
    let first = commit(2, vec![write("b", ExpectedVersion::NoStream, 1)]);
    let batch = [first.clone(), first];
    let outcome = validate_batch(&batch, known());
    let receipts: Vec<_> = outcome.results.into_iter().map(Result::unwrap).collect();
    assert_eq!(receipts[0].first, receipts[1].first);
    assert_eq!(
        (receipts[0].duplicate, receipts[1].duplicate),
        (false, true)
    );
    assert_eq!(outcome.events.len(), 1);
}

#[test]
fn a_repeat_of_a_rejected_commit_is_validated_again() {
    let batch = [
        commit(2, vec![write("b", ExpectedVersion::Exists, 1)]),
        commit(3, vec![write("b", ExpectedVersion::NoStream, 1)]),
        commit(2, vec![write("b", ExpectedVersion::Exists, 1)]),
    ];
    let outcome = validate_batch(&batch, known());
    assert!(outcome.results[0].is_err());
    assert!(!outcome.results[2].as_ref().unwrap().duplicate);
}

#[test]
fn a_precondition_is_checked_and_appends_nothing() {
    let batch = [
        commit(
            2,
            vec![
                write("a", ExpectedVersion::Exact(Version(2)), 0),
                write("b", ExpectedVersion::NoStream, 1),
            ],
        ),
        commit(
            3,
            vec![
                write("c", ExpectedVersion::NoStream, 1),
                write("a", ExpectedVersion::Exact(Version(1)), 0),
            ],
        ),
    ];
    let outcome = validate_batch(&batch, known());
    let receipt = outcome.results[0].as_ref().unwrap();
    assert_eq!(receipt.versions, [(stream("b"), Version(1))]);
    assert_eq!(outcome.events[0].event_id, command(2).event_id(0));
    assert_eq!(actual(&outcome, 1), Some(Version(2)));
    assert_eq!(outcome.events.len(), 1);
}

#[test]
fn only_the_current_token_passes_the_fence() {
    for (token, passes) in [(2, false), (3, true), (4, false)] {
        let batch = [fenced(2, token)];
        let outcome = validate_batch(&batch, known());
        assert_eq!(outcome.results[0].is_ok(), passes, "token {token}");
    }
    let batch = [fenced(2, 3)];
    let unknown = validate_batch(&batch, StoreState::default());
    assert!(matches!(unknown.results[0], Err(Rejected::Fenced(_))));
}

#[test]
fn the_fence_is_checked_before_the_expectations() {
    let fence = Fence {
        lease: Arc::from("work"),
        token: Token(2),
    };
    let writes = vec![write("a", ExpectedVersion::NoStream, 1)];
    let batch = [Commit::try_new(
        command(2),
        DateTime::UNIX_EPOCH,
        writes,
        Some(fence.clone()),
    )
    .unwrap()];
    let outcome = validate_batch(&batch, known());
    assert_eq!(outcome.results[0], Err(Rejected::Fenced(fence)));
}

#[test]
fn the_lookups_have_no_duplicates() {
    let batch = [
        commit(
            2,
            vec![
                write("b", ExpectedVersion::Any, 1),
                write("a", ExpectedVersion::Exists, 0),
            ],
        ),
        commit(2, vec![write("a", ExpectedVersion::Any, 1)]),
        fenced(3, 3),
    ];
    let lookups = Lookups::of(&batch);
    assert_eq!(Vec::from_iter(lookups.commands), [command(2), command(3)]);
    assert_eq!(
        Vec::from_iter(lookups.streams),
        [&stream("a"), &stream("b")]
    );
    assert_eq!(lookups.leases.len(), 1);
}
