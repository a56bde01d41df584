//! Verifies a log event by event: positions, versions, commits and data.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use super::commits::Commits;
use super::event_types::EventTypes;
use super::report::{Finding, FindingKind, Report};
use crate::event::DecodeError;
use crate::id::{Position, Version};
use crate::store::Entry;
use crate::stream::StreamId;

/// Verifies the entries of a log that it gets in order, from the first one on.
///
/// It keeps the last version of each stream, under a hash of the stream's name, and each command id: about 60 bytes for
/// each stream and 30 for each commit.
#[derive(Debug)]
pub struct LogVerifier<'a> {
    types: &'a EventTypes,
    report: Report,
    last: Position,
    commits: Commits,
    versions: HashMap<[u64; 2], Version>,
    /// Two hashes with random keys: a collision of both is improbable also for streams whose names were chosen for it.
    hashers: [RandomState; 2],
}

impl<'a> LogVerifier<'a> {
    /// Starts at the start of a log. The findings are added to `report`.
    #[must_use]
    pub fn new(types: &'a EventTypes, report: Report) -> Self {
        Self {
            types,
            report,
            last: Position::START,
            commits: Commits::default(),
            versions: HashMap::new(),
            hashers: [RandomState::new(), RandomState::new()],
        }
    }

    /// Verifies the next entry.
    pub fn observe(&mut self, entry: &Entry) {
        self.report.events += 1;
        self.check_position(entry.position());
        match entry {
            Entry::Event(event) => {
                let place = |kind, detail: String| {
                    Finding::at(kind, event.position, detail)
                        .in_stream(&event.stream, event.version)
                };
                if let Some((kind, detail)) = self.commits.observe(event) {
                    self.report.add(place(kind, detail));
                }
                if let Err(error) = self.types.decode(event) {
                    let kind = match error {
                        DecodeError::UnknownType { .. } => FindingKind::UnknownEventType,
                        DecodeError::UnknownVersion { .. } | DecodeError::Data { .. } => {
                            FindingKind::UndecodableData
                        }
                    };
                    self.report
                        .add(place(kind, crate::error::with_causes(&error)));
                }
                self.check_version(event.position, &event.stream, event.version);
            }
            Entry::Unreadable(unreadable) => {
                let (position, version) = (unreadable.position, unreadable.version);
                let kind = FindingKind::UnreadableEvent;
                let finding = Finding::at(kind, position, unreadable.reason.clone())
                    .in_stream(&unreadable.stream, version);
                self.report.add(finding);
                self.commits.pass_over(1);
                self.check_version(position, &unreadable.stream, version);
            }
        }
    }

    /// Passes over positions that the store cannot return, up to and including `last`.
    pub fn pass_over(&mut self, first: Position, last: Position, reason: &str) {
        let kind = FindingKind::UnreadablePosition;
        self.report.add(Finding::at(kind, first, reason).to(last));
        self.commits.pass_over(last.0.saturating_sub(self.last.0));
        self.last = last;
    }

    /// Verifies that the log reaches `head`, and returns the report.
    #[must_use]
    pub fn finish(mut self, head: Position) -> Report {
        if self.last < head {
            self.check_position(head.next());
        }
        self.report.head = head;
        self.report.commits = self.commits.count();
        self.report.streams = self.versions.len() as u64;
        self.report
    }

    /// The report so far.
    pub fn report(&mut self) -> &mut Report {
        &mut self.report
    }

    pub(super) fn types(&self) -> &'a EventTypes {
        self.types
    }

    /// The last verified position.
    #[must_use]
    pub fn last(&self) -> Position {
        self.last
    }

    /// The last verified version of a stream.
    #[must_use]
    pub fn version_of(&self, stream: &StreamId) -> Version {
        let key = self.key(stream);
        self.versions.get(&key).copied().unwrap_or(Version::NONE)
    }

    fn check_position(&mut self, position: Position) {
        let expected = self.last.next();
        if position < expected {
            let detail = format!("it follows position {}", self.last);
            let finding = Finding::at(FindingKind::RepeatedPosition, position, detail);
            self.report.add(finding);
            return;
        }
        if position > expected {
            let kind = FindingKind::MissingPosition;
            let last = Position(position.0 - 1);
            let missing = position.0 - expected.0;
            let detail = match missing {
                1 => "there is no event".to_owned(),
                _ => format!("there are no events: {missing} are missing"),
            };
            self.report
                .add(Finding::at(kind, expected, detail).to(last));
            self.commits.pass_over(missing);
        }
        self.last = position;
    }

    fn check_version(&mut self, position: Position, stream: &StreamId, version: Version) {
        let key = self.key(stream);
        let last = self.versions.entry(key).or_insert(Version::NONE);
        let expected = last.next();
        let (kind, detail) = match version.cmp(&expected) {
            std::cmp::Ordering::Equal => {
                *last = version;
                return;
            }
            std::cmp::Ordering::Greater => {
                let missing = match version.0 - expected.0 {
                    1 => format!("version {expected} is missing before it"),
                    _ => format!(
                        "versions {expected} to {} are missing before it",
                        version.0 - 1
                    ),
                };
                *last = version;
                (FindingKind::MissingVersion, missing)
            }
            std::cmp::Ordering::Less => {
                let detail = format!("it follows version {last} of its stream");
                (FindingKind::RepeatedVersion, detail)
            }
        };
        let finding = Finding::at(kind, position, detail).in_stream(stream, version);
        self.report.add(finding);
    }

    fn key(&self, stream: &StreamId) -> [u64; 2] {
        self.hashers
            .each_ref()
            .map(|hasher| hasher.hash_one(stream))
    }
}
