//! What a verification found: counts by kind, and the first findings of each kind.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::id::{Position, Version};
use crate::log::LogId;

/// The kinds of damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum FindingKind {
    /// Positions without an event.
    MissingPosition,
    /// A position that two events have, or that is out of order.
    RepeatedPosition,
    /// Rows that the store cannot return.
    UnreadablePosition,
    /// An event whose columns cannot be read.
    UnreadableEvent,
    /// An event of a type that the program does not know.
    UnknownEventType,
    /// An event whose data do not match its type and schema version.
    UndecodableData,
    /// Versions of a stream that are missing before the event.
    MissingVersion,
    /// A version that the stream had before the event, or one that is out of order.
    RepeatedVersion,
    /// An event after the start of the log, a gap or an unreadable event, whose commit's first event is missing.
    EventWithoutCommit,
    /// An event whose id does not follow from its commit's command id and its index in the commit.
    ForeignEvent,
    /// A command id that an earlier commit has.
    RepeatedCommand,
    /// A snapshot that does not match its stream's events.
    ForeignSnapshot,
    /// A reference to something that the log does not have.
    Orphan,
    /// Damage of the database itself.
    Storage,
}

impl FindingKind {
    /// The name, as in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::MissingPosition => "missingPosition",
            Self::RepeatedPosition => "repeatedPosition",
            Self::UnreadablePosition => "unreadablePosition",
            Self::UnreadableEvent => "unreadableEvent",
            Self::UnknownEventType => "unknownEventType",
            Self::UndecodableData => "undecodableData",
            Self::MissingVersion => "missingVersion",
            Self::RepeatedVersion => "repeatedVersion",
            Self::EventWithoutCommit => "eventWithoutCommit",
            Self::ForeignEvent => "foreignEvent",
            Self::RepeatedCommand => "repeatedCommand",
            Self::ForeignSnapshot => "foreignSnapshot",
            Self::Orphan => "orphan",
            Self::Storage => "storage",
        }
    }
}

/// One piece of damage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// What is wrong.
    pub kind: FindingKind,
    /// The first position that it concerns; `None` if it concerns none.
    pub first: Option<Position>,
    /// The last position that it concerns, if it concerns several.
    pub last: Option<Position>,
    /// The stream that it concerns, as `type/id`.
    pub stream: Option<String>,
    /// The version in that stream.
    pub version: Option<Version>,
    /// For operators.
    pub detail: String,
}

impl Finding {
    /// A finding about one position.
    #[must_use]
    pub fn at(kind: FindingKind, position: Position, detail: impl Into<String>) -> Self {
        Self {
            first: Some(position),
            ..Self::new(kind, detail)
        }
    }

    /// A finding about no position.
    #[must_use]
    pub fn new(kind: FindingKind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            first: None,
            last: None,
            stream: None,
            version: None,
            detail: detail.into(),
        }
    }

    /// Extends it to `last`.
    #[must_use]
    pub fn to(self, last: Position) -> Self {
        Self {
            last: (self.first != Some(last)).then_some(last),
            ..self
        }
    }

    /// Adds the stream and the version that it concerns.
    #[must_use]
    pub fn in_stream(self, stream: &crate::StreamId, version: Version) -> Self {
        Self {
            stream: Some(stream.to_string()),
            version: Some(version),
            ..self
        }
    }
}

/// The result of a verification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The verified log.
    #[serde(serialize_with = "log_id")]
    pub log: LogId,
    /// The last verified position: the head when the verification started.
    pub head: Position,
    /// The number of verified events.
    pub events: u64,
    /// The number of their commits.
    pub commits: u64,
    /// The number of their streams.
    pub streams: u64,
    /// The number of verified snapshots.
    pub snapshots: u64,
    /// The number of findings of each kind.
    pub counts: BTreeMap<FindingKind, u64>,
    /// The first findings of each kind, in the order in which they were found.
    pub findings: Vec<Finding>,
    #[serde(skip)]
    max_samples: u64,
}

fn log_id<S: serde::Serializer>(log: &LogId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(log)
}

impl Report {
    /// A report without findings, which keeps at most `max_samples` findings of each kind.
    #[must_use]
    pub fn new(log: LogId, max_samples: u64) -> Self {
        Self {
            log,
            head: Position::START,
            events: 0,
            commits: 0,
            streams: 0,
            snapshots: 0,
            counts: BTreeMap::new(),
            findings: Vec::new(),
            max_samples,
        }
    }

    /// Adds a finding. It is counted in any case.
    pub fn add(&mut self, finding: Finding) {
        let count = self.counts.entry(finding.kind).or_default();
        *count += 1;
        if *count <= self.max_samples {
            self.findings.push(finding);
        }
    }

    /// Whether nothing was found.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.counts.is_empty()
    }
}
