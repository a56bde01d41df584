//! The commit of one command, and the store's result: a receipt or a rejection.

use std::borrow::Cow;
use std::collections::HashSet;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::event::{MAX_EVENT_BYTES, NewEvent};
use crate::id::{CommandId, Position, Version};
use crate::lease::Fence;
use crate::stream::StreamId;
use crate::trace::TraceContext;

/// The maximum number of events in one commit.
pub const MAX_COMMIT_EVENTS: usize = 1_000;

/// The optimistic concurrency check of a write, made under the store's lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectedVersion {
    /// The stream has no events.
    NoStream,
    /// The stream is at this version. `Exact(Version(0))` is the same as `NoStream`.
    Exact(Version),
    /// The stream is at this version, and its last event has this id. Lanes decide on events that are still in flight;
    /// if such an event is rejected, another process may write its own at the same version, which the version alone
    /// would not distinguish.
    Follows {
        /// The version that the stream must be at.
        version: Version,
        /// The id of the event at that version.
        event_id: Uuid,
    },
    /// The stream has at least one event.
    Exists,
    /// No requirement.
    Any,
}

/// The events for one stream. Without events it is a precondition on a stream that was only read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// The stream.
    pub stream: StreamId,
    /// The expected version of the stream.
    pub expected: ExpectedVersion,
    /// In order; they take the versions after the stream's current one.
    pub events: Vec<NewEvent>,
}

/// The writes of one command, applied atomically.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    command_id: CommandId,
    recorded_at: DateTime<Utc>,
    writes: Vec<Write>,
    fence: Option<Fence>,
}

/// Why a commit is invalid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// A commit has at least one event.
    #[error("a commit needs at least one event")]
    NoEvents,
    /// A commit holds at most [`MAX_COMMIT_EVENTS`].
    #[error("a commit holds at most {MAX_COMMIT_EVENTS} events, got {0}")]
    TooManyEvents(usize),
    /// An event's data has at most [`MAX_EVENT_BYTES`].
    #[error("the data of {event_type} has at most {MAX_EVENT_BYTES} bytes, got {bytes}")]
    EventTooLarge {
        /// The event's name.
        event_type: &'static str,
        /// Its size.
        bytes: usize,
    },
    /// A commit names a stream at most once.
    #[error("a commit names stream {0} twice")]
    StreamTwice(StreamId),
}

impl Commit {
    /// Validates the limits. `recorded_at` is truncated to microseconds, the precision that every engine stores.
    ///
    /// # Errors
    /// [`CommitError`] with the limit and the value that exceeds it.
    pub fn try_new(
        command_id: CommandId,
        recorded_at: DateTime<Utc>,
        writes: Vec<Write>,
        fence: Option<Fence>,
    ) -> Result<Self, CommitError> {
        let count = writes.iter().map(|write| write.events.len()).sum();
        if count == 0 {
            return Err(CommitError::NoEvents);
        }
        if count > MAX_COMMIT_EVENTS {
            return Err(CommitError::TooManyEvents(count));
        }
        let mut seen = HashSet::with_capacity(writes.len());
        for write in &writes {
            if !seen.insert(&write.stream) {
                return Err(CommitError::StreamTwice(write.stream.clone()));
            }
            for NewEvent { event, .. } in &write.events {
                if event.data.len() > MAX_EVENT_BYTES {
                    return Err(CommitError::EventTooLarge {
                        event_type: event.event_type,
                        bytes: event.data.len(),
                    });
                }
            }
        }
        let recorded_at = crate::clock::to_micros(recorded_at);
        Ok(Self {
            command_id,
            recorded_at,
            writes,
            fence,
        })
    }

    /// The idempotency key: a command id takes effect at most once.
    #[must_use]
    pub fn command_id(&self) -> CommandId {
        self.command_id
    }

    /// When the command was decided.
    #[must_use]
    pub fn recorded_at(&self) -> DateTime<Utc> {
        self.recorded_at
    }

    /// The writes, in log order.
    #[must_use]
    pub fn writes(&self) -> &[Write] {
        &self.writes
    }

    /// The lease that the writer must still hold.
    #[must_use]
    pub fn fence(&self) -> Option<&Fence> {
        self.fence.as_ref()
    }

    /// The operation recorded in the metadata of its first event.
    #[must_use]
    pub fn operation(&self) -> Option<Cow<'static, str>> {
        let mut events = self.writes.iter().flat_map(|write| &write.events);
        events.next()?.metadata.operation.clone()
    }

    /// The trace context of its command; empty outside of a trace.
    #[must_use]
    pub fn trace(&self) -> Option<&TraceContext> {
        let mut events = self.writes.iter().flat_map(|write| &write.events);
        events.next().map(|event| &event.metadata.trace)
    }

    /// The number of events over all streams.
    #[must_use]
    pub fn event_count(&self) -> usize {
        self.writes.iter().map(|write| write.events.len()).sum()
    }
}

/// The positions and versions that an accepted commit wrote. A repeated command gets the first one's receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The position of the commit's first event.
    pub first: Position,
    /// The position of its last event.
    pub last: Position,
    /// When the command was decided.
    pub recorded_at: DateTime<Utc>,
    /// The operation that wrote the commit; identifies a command id that was reused for another one. `None` if it was
    /// appended without one.
    pub operation: Option<Cow<'static, str>>,
    /// The streams that got events, in the order of writing, each with its version after the commit.
    pub versions: Vec<(StreamId, Version)>,
    /// Whether the commit was stored before this call.
    pub duplicate: bool,
}

impl Receipt {
    /// The version of `stream` after the commit, if the commit wrote it.
    #[must_use]
    pub fn version_of(&self, stream: &StreamId) -> Option<Version> {
        self.versions
            .iter()
            .find(|(written, _)| written == stream)
            .map(|(_, version)| *version)
    }
}

/// Why a store rejected a commit. Nothing of it was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// A stream is not at the version that the commit expected.
    #[error("stream {stream} is at version {actual}, expected {expected:?}")]
    WrongExpectedVersion {
        /// The first such stream of the commit.
        stream: StreamId,
        /// The version that the commit expected.
        expected: ExpectedVersion,
        /// The current version. Equal to the expected one if the event at that version has another id.
        actual: Version,
    },
    /// The lease has a newer token: another process holds it.
    #[error("lease {} no longer has token {}", .0.lease, .0.token.0)]
    Fenced(Fence),
}
