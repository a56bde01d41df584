//! The verifier, event by event: what is whole stays without findings, and each kind of damage is found where it is.

use std::sync::Arc;

use uuid::Uuid;

use super::{EventTypes, FindingKind, LogVerifier, Report};
use crate::aggregate::Aggregate;
use crate::envelope::{DecodedOnce, Envelope};
use crate::event::{DomainEvent, Metadata};
use crate::id::{CommandId, Position, Version};
use crate::log::LogId;
use crate::store::{Entry, Unreadable};
use crate::testing::doc::{Counter, Incremented};

const LOG: LogId = LogId(Uuid::from_u128(1));

/// Two commits: one of three events on the streams a, a and b, and one of an event on a.
fn log() -> Vec<Envelope> {
    let places = [
        ("a", 1, 1, 0),
        ("a", 2, 1, 1),
        ("b", 1, 1, 2),
        ("a", 3, 2, 0),
    ];
    let event = |(position, (id, version, command, index)): (u64, (&str, u64, u128, usize))| {
        let command = CommandId(Uuid::from_u128(command));
        let data = Incremented { by: 1 }.encode();
        Envelope {
            position: Position(position),
            stream: Counter::stream(id),
            version: Version(version),
            event_id: command.event_id(index),
            command_id: (index == 0).then_some(command),
            event_type: data.event_type.to_owned(),
            schema_version: data.schema_version,
            data: data.data,
            metadata: Metadata::default(),
            recorded_at: chrono::DateTime::UNIX_EPOCH,
            decoded: DecodedOnce::default(),
        }
    };
    (1..).zip(places).map(event).collect()
}

fn report(entries: impl IntoIterator<Item = Entry>, head: u64) -> Report {
    let types = EventTypes::new().of::<Counter>();
    let mut verifier = LogVerifier::new(&types, Report::new(LOG, 10));
    entries
        .into_iter()
        .for_each(|entry| verifier.observe(&entry));
    verifier.finish(Position(head))
}

/// What is found in these events, as kind, first and last position.
fn found(events: Vec<Envelope>) -> Vec<(FindingKind, u64, Option<u64>)> {
    let entries = events
        .into_iter()
        .map(|event| Entry::Event(Arc::new(event)));
    positions(&report(entries, 4))
}

fn positions(report: &Report) -> Vec<(FindingKind, u64, Option<u64>)> {
    let findings = report.findings.iter();
    let findings = findings.map(|finding| {
        let first = finding.first.map_or(0, |position| position.0);
        (finding.kind, first, finding.last.map(|position| position.0))
    });
    findings.collect()
}

fn changed(index: usize, change: impl FnOnce(&mut Envelope)) -> Vec<Envelope> {
    let mut events = log();
    change(&mut events[index]);
    events
}

fn without(index: usize) -> Vec<Envelope> {
    let mut events = log();
    events.remove(index);
    events
}

#[test]
fn a_whole_log_has_no_findings() {
    let entries = log().into_iter().map(|event| Entry::Event(Arc::new(event)));
    let report = report(entries, 4);
    assert!(report.is_whole(), "{report:?}");
    let counts = (report.events, report.commits, report.streams);
    assert_eq!((counts, report.head), ((4, 2, 2), Position(4)));
}

#[test]
fn missing_events_are_named_by_position_and_version() {
    use FindingKind::{EventWithoutCommit, MissingPosition, MissingVersion};
    assert_eq!(
        found(without(1)),
        [(MissingPosition, 2, None), (MissingVersion, 4, None)]
    );
    // The last event of a commit and of its stream.
    assert_eq!(found(without(2)), [(MissingPosition, 3, None)]);
    // The first event of a commit: the finding is reported once for the commit.
    assert_eq!(
        found(without(0)),
        [
            (MissingPosition, 1, None),
            (EventWithoutCommit, 2, None),
            (MissingVersion, 2, None),
        ]
    );
    // The end of the log, up to the head.
    assert_eq!(found(without(3)), [(MissingPosition, 4, None)]);
    let mut events = log();
    events.drain(1..3);
    assert_eq!(
        found(events),
        [(MissingPosition, 2, Some(3)), (MissingVersion, 4, None)]
    );
}

#[test]
fn repeated_positions_versions_and_commands_are_named() {
    use FindingKind::{
        ForeignEvent, MissingVersion, RepeatedCommand, RepeatedPosition, RepeatedVersion,
    };
    let mut events = log();
    events.insert(3, events[2].clone());
    assert_eq!(
        found(events),
        [
            (RepeatedPosition, 3, None),
            (ForeignEvent, 3, None),
            (RepeatedVersion, 3, None),
        ]
    );
    let doubled = changed(1, |event| event.version = Version(1));
    assert_eq!(
        found(doubled),
        [(RepeatedVersion, 2, None), (MissingVersion, 4, None)]
    );
    let repeated = changed(3, |event| {
        event.command_id = Some(CommandId(Uuid::from_u128(1)));
    });
    assert_eq!(found(repeated), [(RepeatedCommand, 4, None)]);
}

#[test]
fn an_event_of_another_commit_is_foreign() {
    let foreign = Uuid::from_u128(7);
    for index in [0, 1] {
        let events = changed(index, |event| event.event_id = foreign);
        let position = index as u64 + 1;
        assert_eq!(found(events), [(FindingKind::ForeignEvent, position, None)]);
    }
    // Without its command id the first event of a commit looks like one of the commit before.
    let lost = changed(3, |event| event.command_id = None);
    assert_eq!(found(lost), [(FindingKind::ForeignEvent, 4, None)]);
}

#[test]
fn data_that_cannot_be_decoded_are_named() {
    use FindingKind::{UndecodableData, UnknownEventType};
    let other = changed(1, |event| event.event_type = "Other".to_owned());
    assert_eq!(found(other), [(UnknownEventType, 2, None)]);
    let newer = changed(1, |event| event.schema_version = 9);
    assert_eq!(found(newer), [(UndecodableData, 2, None)]);
    let damaged = changed(1, |event| event.data = "{}".to_owned());
    assert_eq!(found(damaged), [(UndecodableData, 2, None)]);
}

/// After an unreadable event it is unknown which commit the next one belongs to.
#[test]
fn an_unreadable_event_is_named_and_its_neighbours_are_not() {
    for index in 0..3 {
        let entries = log().into_iter().enumerate().map(|(number, event)| {
            if number != index {
                return Entry::Event(Arc::new(event));
            }
            Entry::Unreadable(Arc::new(Unreadable {
                position: event.position,
                stream: event.stream,
                version: event.version,
                event_type: event.event_type,
                reason: "its time cannot be read".to_owned(),
            }))
        });
        let unreadable = (FindingKind::UnreadableEvent, index as u64 + 1, None);
        let found = positions(&report(entries, 4));
        let mut expected = vec![unreadable];
        if index == 0 {
            expected.push((FindingKind::EventWithoutCommit, 2, None));
        }
        assert_eq!(found, expected);
    }
}

#[test]
fn positions_that_the_store_cannot_return_are_passed_over() {
    let types = EventTypes::new().of::<Counter>();
    let mut verifier = LogVerifier::new(&types, Report::new(LOG, 10));
    let events = log();
    verifier.observe(&Entry::Event(Arc::new(events[0].clone())));
    verifier.pass_over(Position(2), Position(2), "the page is damaged");
    for event in &events[2..] {
        verifier.observe(&Entry::Event(Arc::new(event.clone())));
    }
    assert_eq!(
        positions(&verifier.finish(Position(4))),
        [
            (FindingKind::UnreadablePosition, 2, None),
            (FindingKind::MissingVersion, 4, None),
        ]
    );
}

#[test]
fn findings_above_the_limit_are_only_counted() {
    let types = EventTypes::new();
    let mut verifier = LogVerifier::new(&types, Report::new(LOG, 3));
    for event in log() {
        verifier.observe(&Entry::Event(Arc::new(event)));
    }
    let report = verifier.finish(Position(4));
    assert_eq!(report.findings.len(), 3);
    assert_eq!(report.counts[&FindingKind::UnknownEventType], 4);
}
