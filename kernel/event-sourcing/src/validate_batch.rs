//! The judgement of a batch: which commits are accepted, at which positions and versions.
//!
//! It is pure and shared by the stores that judge in Rust. A store asks [`Lookups::of`] what to look up, looks it
//! up under its write lock, gives the answers as [`StoreState`], and writes the [`BatchOutcome::events`] before it lets go of
//! the lock. The order of the checks is part of the store's promise: the command id first, so that a repeat gets its
//! receipt whatever has happened since; then the fence; then each stream in the commit's order.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::commit::{Commit, ExpectedVersion, Receipt, Rejected};
use crate::event::NewEvent;
use crate::id::{CommandId, Position, Version};
use crate::lease::{Fence, Token};
use crate::stream::StreamId;

/// The last event of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamTip {
    /// Its version, which is the stream's.
    pub version: Version,
    /// Its id.
    pub event_id: Uuid,
}

/// What a store has to look up before it can judge a batch. Nothing is named twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookups<'a> {
    /// Commands that may have receipts.
    pub commands: BTreeSet<CommandId>,
    /// Streams whose tips matter.
    pub streams: BTreeSet<&'a StreamId>,
    /// Leases whose tokens matter.
    pub leases: BTreeSet<&'a Arc<str>>,
}

impl<'a> Lookups<'a> {
    /// The questions that this batch asks.
    #[must_use]
    pub fn of(batch: &'a [Commit]) -> Self {
        let writes = batch.iter().flat_map(Commit::writes);
        Self {
            commands: batch.iter().map(Commit::command_id).collect(),
            streams: writes.map(|write| &write.stream).collect(),
            leases: batch
                .iter()
                .filter_map(Commit::fence)
                .map(|fence| &fence.lease)
                .collect(),
        }
    }
}

/// What the store holds before the batch, as far as the batch asks for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreState {
    /// The position of the last event.
    pub head: Position,
    /// The receipts of those commands that took effect before, as they were given then.
    pub receipts: HashMap<CommandId, Receipt>,
    /// The tips of those streams that have events.
    pub tips: HashMap<StreamId, StreamTip>,
    /// The present tokens of those leases that exist.
    pub tokens: HashMap<Arc<str>, Token>,
}

/// An accepted event and its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PositionedEvent<'a> {
    /// Its place in the log.
    pub position: Position,
    /// Its stream.
    pub stream: &'a StreamId,
    /// Its place in the stream.
    pub version: Version,
    /// Derived from the command id and its index in the commit.
    pub event_id: Uuid,
    /// Set on the first event of a commit.
    pub command_id: Option<CommandId>,
    /// What to store.
    pub new: &'a NewEvent,
    /// When its command was decided.
    pub recorded_at: DateTime<Utc>,
}

/// The judgement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchOutcome<'a> {
    /// One answer a commit, in the batch's order. They hold once `events` are durable.
    pub answers: Vec<Result<Receipt, Rejected>>,
    /// What to write, in order of position, directly behind the head.
    pub events: Vec<PositionedEvent<'a>>,
    /// The head behind the batch.
    pub head: Position,
}

/// Judges each commit alone, in the batch's order; an accepted one is visible to those behind it.
#[must_use]
pub fn validate_batch(batch: &[Commit], known: StoreState) -> BatchOutcome<'_> {
    let mut court = BatchValidator {
        known,
        accepted: HashMap::with_capacity(batch.len()),
        answers: Vec::with_capacity(batch.len()),
        events: Vec::with_capacity(batch.len()),
    };
    for commit in batch {
        let answer = court.answer(commit);
        court.answers.push(answer);
    }
    BatchOutcome {
        answers: court.answers,
        events: court.events,
        head: court.known.head,
    }
}

/// What is known, growing with each accepted commit.
struct BatchValidator<'a> {
    known: StoreState,
    /// The accepted commits, each with the place of its answer.
    accepted: HashMap<CommandId, usize>,
    answers: Vec<Result<Receipt, Rejected>>,
    events: Vec<PositionedEvent<'a>>,
}

impl<'a> BatchValidator<'a> {
    fn answer(&mut self, commit: &'a Commit) -> Result<Receipt, Rejected> {
        if let Some(first) = self.receipt(commit.command_id()) {
            return Ok(Receipt {
                duplicate: true,
                ..first.clone()
            });
        }
        if let Some(fence) = commit.fence() {
            self.check_fence(fence)?;
        }
        for write in commit.writes() {
            self.check_stream(&write.stream, write.expected)?;
        }
        self.accepted
            .insert(commit.command_id(), self.answers.len());
        Ok(self.accept(commit))
    }

    /// That of an earlier commit of this command, in the store or in the batch.
    fn receipt(&self, command: CommandId) -> Option<&Receipt> {
        let accepted = || {
            self.answers
                .get(*self.accepted.get(&command)?)?
                .as_ref()
                .ok()
        };
        self.known.receipts.get(&command).or_else(accepted)
    }

    fn check_fence(&self, fence: &Fence) -> Result<(), Rejected> {
        if self.known.tokens.get(&fence.lease) == Some(&fence.token) {
            Ok(())
        } else {
            Err(Rejected::Fenced(fence.clone()))
        }
    }

    fn check_stream(&self, stream: &StreamId, expected: ExpectedVersion) -> Result<(), Rejected> {
        let tip = self.known.tips.get(stream);
        let actual = tip.map_or(Version::NONE, |tip| tip.version);
        let met = match expected {
            ExpectedVersion::NoStream => tip.is_none(),
            ExpectedVersion::Exact(version) => actual == version,
            ExpectedVersion::Follows { version, event_id } => {
                tip == Some(&StreamTip { version, event_id })
            }
            ExpectedVersion::Exists => tip.is_some(),
            ExpectedVersion::Any => true,
        };
        if met {
            return Ok(());
        }
        Err(Rejected::WrongExpectedVersion {
            stream: stream.clone(),
            expected,
            actual,
        })
    }

    fn accept(&mut self, commit: &'a Commit) -> Receipt {
        let command_id = commit.command_id();
        let first = self.known.head.next();
        let mut index = 0;
        let mut versions = Vec::new();
        for write in commit.writes().iter().filter(|w| !w.events.is_empty()) {
            let before = self.known.tips.get(&write.stream);
            let mut version = before.map_or(Version::NONE, |tip| tip.version);
            let mut event_id = Uuid::nil();
            for new in &write.events {
                self.known.head = self.known.head.next();
                version = version.next();
                event_id = command_id.event_id(index);
                self.events.push(PositionedEvent {
                    position: self.known.head,
                    stream: &write.stream,
                    version,
                    event_id,
                    command_id: (index == 0).then_some(command_id),
                    new,
                    recorded_at: commit.recorded_at(),
                });
                index += 1;
            }
            let tip = StreamTip { version, event_id };
            self.known.tips.insert(write.stream.clone(), tip);
            versions.push((write.stream.clone(), version));
        }
        Receipt {
            first,
            last: self.known.head,
            recorded_at: commit.recorded_at(),
            operation: commit.operation(),
            versions,
            duplicate: false,
        }
    }
}

#[cfg(test)]
#[path = "validate_batch_tests.rs"]
mod tests;
