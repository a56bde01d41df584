//! Validates a batch: which commits are accepted, and at which positions and versions.
//!
//! It is pure, and shared by the stores that validate in Rust. A store asks [`Lookups::of`] what to look up, looks it
//! up under its write lock, passes the results as [`StoreState`], and writes the [`BatchOutcome::events`] before it
//! releases the lock. The order of the checks is part of the store's contract: first the command id, so that a repeat
//! gets its receipt whatever has happened since; then the fence; then each stream in the commit's order.

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

/// What a store must look up before it can validate a batch, without duplicates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookups<'a> {
    /// Commands that may have receipts.
    pub commands: BTreeSet<CommandId>,
    /// Streams whose last events are compared with expected versions.
    pub streams: BTreeSet<&'a StreamId>,
    /// Leases whose tokens are compared with fences.
    pub leases: BTreeSet<&'a Arc<str>>,
}

impl<'a> Lookups<'a> {
    /// The lookups of this batch.
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

/// The state of the store before the batch, limited to its [`Lookups`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreState {
    /// The position of the last event.
    pub head: Position,
    /// The receipts of those commands that took effect before, as returned then.
    pub receipts: HashMap<CommandId, Receipt>,
    /// The last events of those streams that are not empty.
    pub tips: HashMap<StreamId, StreamTip>,
    /// The current tokens of those leases that exist.
    pub tokens: HashMap<Arc<str>, Token>,
}

/// An accepted event with its position and version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PositionedEvent<'a> {
    /// Its position in the log.
    pub position: Position,
    /// Its stream.
    pub stream: &'a StreamId,
    /// Its version in the stream.
    pub version: Version,
    /// Derived from the command id and its index in the commit.
    pub event_id: Uuid,
    /// Set on the first event of a commit.
    pub command_id: Option<CommandId>,
    /// The event and its metadata.
    pub new: &'a NewEvent,
    /// When its command was decided.
    pub recorded_at: DateTime<Utc>,
}

/// The result of validating a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchOutcome<'a> {
    /// One result per commit, in the batch's order. They are valid once `events` are durable.
    pub results: Vec<Result<Receipt, Rejected>>,
    /// The events to append, in order of position, directly after the head.
    pub events: Vec<PositionedEvent<'a>>,
    /// The head after the batch.
    pub head: Position,
}

/// Validates each commit separately, in the batch's order; an accepted commit is visible to the later ones.
#[must_use]
pub fn validate_batch(batch: &[Commit], known: StoreState) -> BatchOutcome<'_> {
    let mut validator = BatchValidator {
        state: known,
        accepted: HashMap::with_capacity(batch.len()),
        answers: Vec::with_capacity(batch.len()),
        events: Vec::with_capacity(batch.len()),
    };
    for commit in batch {
        let answer = validator.answer(commit);
        validator.answers.push(answer);
    }
    BatchOutcome {
        results: validator.answers,
        events: validator.events,
        head: validator.state.head,
    }
}

/// The validator's state, updated with each accepted commit.
struct BatchValidator<'a> {
    state: StoreState,
    /// The accepted commits, each with the index of its result.
    accepted: HashMap<CommandId, usize>,
    answers: Vec<Result<Receipt, Rejected>>,
    events: Vec<PositionedEvent<'a>>,
}

impl<'a> BatchValidator<'a> {
    fn answer(&mut self, commit: &'a Commit) -> Result<Receipt, Rejected> {
        // First, so that a repeat gets its receipt even if its fence or its expected versions no longer match.
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
        // The caller pushes this result next, so its index is the current length.
        self.accepted
            .insert(commit.command_id(), self.answers.len());
        Ok(self.accept(commit))
    }

    /// The receipt of an earlier commit of this command, in the store or in this batch.
    fn receipt(&self, command: CommandId) -> Option<&Receipt> {
        let accepted = || {
            self.answers
                .get(*self.accepted.get(&command)?)?
                .as_ref()
                .ok()
        };
        self.state.receipts.get(&command).or_else(accepted)
    }

    fn check_fence(&self, fence: &Fence) -> Result<(), Rejected> {
        if self.state.tokens.get(&fence.lease) == Some(&fence.token) {
            Ok(())
        } else {
            Err(Rejected::Fenced(fence.clone()))
        }
    }

    fn check_stream(&self, stream: &StreamId, expected: ExpectedVersion) -> Result<(), Rejected> {
        let tip = self.state.tips.get(stream);
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
        // All checks have passed: from here on nothing fails, so that a rejected commit leaves neither positions nor
        // versions.
        let first = self.state.head.next();
        let mut index = 0;
        let mut versions = Vec::new();
        // A write without events is a precondition: it was checked and appends nothing.
        for write in commit.writes().iter().filter(|w| !w.events.is_empty()) {
            let before = self.state.tips.get(&write.stream);
            let mut version = before.map_or(Version::NONE, |tip| tip.version);
            let mut event_id = Uuid::nil();
            for new in &write.events {
                self.state.head = self.state.head.next();
                version = version.next();
                event_id = command_id.event_id(index);
                self.events.push(PositionedEvent {
                    position: self.state.head,
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
            self.state.tips.insert(write.stream.clone(), tip);
            versions.push((write.stream.clone(), version));
        }
        Receipt {
            first,
            last: self.state.head,
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
