//! The fast path for a batch whose commits are all accepted, as most are: the database verifies one set of assumptions
//! and inserts prepared rows.
//!
//! ```text
//!   commits ──► assumptions about the log ──► `validate_batch` ──► receipts and rows, relative to the assumed head
//!                         │                                                  │
//!                         └──► append_batch_optimistic: verified? ─┬─ yes ───┴──► receipts, relative to the true head
//!                                                                  └─ no: unchanged ──► `append_events`
//! ```
//!
//! A stream is assumed to be at the version that the first commit naming it expects. Commits that contradict each other
//! do not take this path.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use event_sourcing::validate_batch::{
    BatchOutcome, PositionedEvent, StoreState, StreamTip, validate_batch,
};
use event_sourcing::{
    Commit, ExpectedVersion, Metadata, Position, Receipt, StreamId, Token, Version, Write,
};
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use crate::batch::{JsonText, number};

const APPEND: &str = "
    SELECT head, tip
    FROM append_batch_optimistic($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)";

/// Represents a version that only the log contains. It exceeds every version that a commit could expect.
const UNKNOWN: Version = Version(1 << 40);

/// A batch that is written as a whole if the log confirms its assumptions.
pub(crate) struct OptimisticBatch<'a> {
    assumed: Assumptions<'a>,
    receipts: Vec<Receipt>,
    rows: Rows<'a>,
}

/// The result of a batch whose assumptions were confirmed.
pub(crate) struct Confirmed {
    /// The head after the batch.
    pub head: Position,
    /// One for each commit.
    pub receipts: Vec<Receipt>,
}

impl<'a> OptimisticBatch<'a> {
    /// Returns `None` if the commits cannot all be accepted, or if that depends on more than the log's state before
    /// them.
    pub(crate) fn of(commits: &'a [Commit]) -> Result<Option<Self>, serde_json::Error> {
        let (assumed, known) = Assumptions::of(commits);
        let BatchOutcome {
            results: answers,
            events,
            ..
        } = validate_batch(commits, known);
        let Ok(receipts) = answers.into_iter().collect() else {
            return Ok(None);
        };
        let rows = Rows::of(&events, &assumed)?;
        Ok(Some(Self {
            assumed,
            receipts,
            rows,
        }))
    }

    /// Appends the batch. Returns `None`, and has written nothing, if the log does not confirm the assumptions.
    pub(crate) async fn run(
        self,
        connection: &mut PgConnection,
    ) -> Result<Option<Confirmed>, sqlx::Error> {
        let Self {
            assumed,
            receipts,
            rows,
        } = self;
        let count = rows.stream.len() as u64;
        let answer = sqlx::query(APPEND)
            .bind(assumed.stream_type)
            .bind(assumed.stream_id)
            .bind(assumed.lowest)
            .bind(assumed.highest)
            .bind(assumed.follows)
            .bind(assumed.leases.keys().copied().collect::<Vec<_>>())
            .bind(assumed.leases.values().copied().collect::<Vec<_>>())
            .bind(rows.metadata)
            .bind(rows.stream)
            .bind(rows.step)
            .bind(rows.event)
            .bind(rows.command)
            .bind(rows.kind)
            .bind(rows.schema)
            .bind(rows.at)
            .bind(rows.data)
            .bind(rows.event_metadata)
            .fetch_one(connection)
            .await?;
        let Some(head) = answer.try_get::<Option<i64>, _>(0)? else {
            return Ok(None);
        };
        let head = head.unsigned_abs();
        let tips: Vec<i32> = answer.try_get(1)?;
        let known = |stream: &StreamId| {
            let place = assumed.places.get(stream)?;
            Some(u64::from(tips.get(place.index)?.unsigned_abs()))
        };
        Ok(Some(Confirmed {
            head: Position(head + count),
            receipts: receipts
                .into_iter()
                .map(|receipt| counted_from(head, known, receipt))
                .collect(),
        }))
    }
}

/// Converts a receipt from assumed to true positions and versions.
fn counted_from(
    head: u64,
    version: impl Fn(&StreamId) -> Option<u64>,
    mut receipt: Receipt,
) -> Receipt {
    receipt.first.0 += head;
    receipt.last.0 += head;
    for (stream, version_after) in &mut receipt.versions {
        if *version_after > UNKNOWN {
            version_after.0 = version_after.0 - UNKNOWN.0 + version(stream).unwrap_or_default();
        }
    }
    receipt
}

/// What the batch assumes about the log. The lists are parameters of `append_batch_optimistic`.
#[derive(Default)]
struct Assumptions<'a> {
    stream_type: Vec<&'a str>,
    stream_id: Vec<&'a str>,
    lowest: Vec<i32>,
    highest: Vec<i32>,
    follows: Vec<Option<Uuid>>,
    leases: BTreeMap<&'a str, i64>,
    places: HashMap<&'a StreamId, Place>,
}

/// A stream's place in the lists.
#[derive(Clone, Copy)]
struct Place {
    index: usize,
    /// The version that the stream is assumed to have.
    version: Version,
}

impl<'a> Assumptions<'a> {
    fn of(commits: &'a [Commit]) -> (Self, StoreState) {
        let mut assumed = Self::default();
        let mut known = StoreState::default();
        for commit in commits {
            if let Some(fence) = commit.fence() {
                // A token that exceeds the column becomes one that no row has, so the batch leaves this path and the
                // commit is fenced.
                let token = i64::try_from(fence.token.0).unwrap_or(i64::MIN);
                assumed.leases.entry(&fence.lease).or_insert(token);
                let Token(token) = fence.token;
                let lease = Arc::clone(&fence.lease);
                known.tokens.entry(lease).or_insert(Token(token));
            }
            for write in commit.writes() {
                assumed.assume(write, &mut known);
            }
        }
        (assumed, known)
    }

    fn assume(&mut self, write: &'a Write, known: &mut StoreState) {
        // Only the first commit that names a stream states an assumption: later ones are validated against its result.
        let is_unconstrained = write.expected == ExpectedVersion::Any && write.events.is_empty();
        if is_unconstrained || self.places.contains_key(&write.stream) {
            return;
        }
        let (lowest, highest, version) = match write.expected {
            ExpectedVersion::NoStream => (0, 0, Version::NONE),
            // No stream has a version that exceeds the column.
            ExpectedVersion::Exact(version) | ExpectedVersion::Follows { version, .. } => {
                let only = i32::try_from(version.0).unwrap_or(-1);
                (only, only, version)
            }
            ExpectedVersion::Exists => (1, i32::MAX, UNKNOWN),
            ExpectedVersion::Any => (0, i32::MAX, UNKNOWN),
        };
        let follows = match write.expected {
            ExpectedVersion::Follows { event_id, .. } => Some(event_id),
            _ => None,
        };
        if version > Version::NONE {
            // If the id of the last event is unknown, no commit of the batch can follow it.
            let event_id = follows.unwrap_or_default();
            let tip = StreamTip { version, event_id };
            known.tips.insert(write.stream.clone(), tip);
        }
        let index = self.stream_id.len();
        self.places.insert(&write.stream, Place { index, version });
        self.stream_type.push(write.stream.aggregate_type());
        self.stream_id.push(write.stream.aggregate_id());
        self.lowest.push(lowest);
        self.highest.push(highest);
        self.follows.push(follows);
    }
}

/// The events as rows.
#[derive(Default)]
struct Rows<'a> {
    metadata: Vec<JsonText<String>>,
    stream: Vec<i32>,
    step: Vec<i32>,
    event: Vec<Uuid>,
    command: Vec<Option<Uuid>>,
    kind: Vec<&'a str>,
    schema: Vec<i32>,
    at: Vec<DateTime<Utc>>,
    data: Vec<JsonText<&'a str>>,
    event_metadata: Vec<i32>,
}

impl<'a> Rows<'a> {
    fn of(
        events: &[PositionedEvent<'a>],
        assumed: &Assumptions<'_>,
    ) -> Result<Self, serde_json::Error> {
        let mut rows = Self::default();
        let mut last: Option<&Metadata> = None;
        for placed in events {
            // Events are only on streams that the commits name.
            let Some(place) = assumed.places.get(placed.stream) else {
                continue;
            };
            let metadata = &placed.new.metadata;
            // Events of one commit usually have equal metadata, so it is serialized and sent once.
            if last.is_none_or(|last| last != metadata) {
                let text = serde_json::to_string(metadata)?;
                rows.metadata.push(JsonText(text));
                last = Some(metadata);
            }
            rows.stream.push(number(place.index + 1));
            rows.step.push(number(placed.version.0 - place.version.0));
            rows.event.push(placed.event_id);
            rows.command
                .push(placed.command_id.map(|command| command.0));
            rows.kind.push(placed.new.event.event_type);
            rows.schema.push(number(placed.new.event.schema_version));
            rows.at.push(placed.recorded_at);
            rows.data.push(JsonText(&placed.new.event.data));
            rows.event_metadata.push(number(rows.metadata.len()));
        }
        Ok(rows)
    }
}
