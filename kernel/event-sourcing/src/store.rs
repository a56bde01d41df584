//! What an event store is: a log of all events, cut into streams.
//!
//! Every adapter keeps the same promises; `event-store-conformance` states each of them as a test.
//!
//! 1. A commit that was answered is durable; one that was not is whole or absent.
//! 2. Versions inside a stream are 1, 2, 3 … without gap.
//! 3. Positions are in commit order, without gap. Who has read up to position p never later finds an event at or
//!    below p.
//! 4. A command id takes effect once. Its repeat gets the first receipt, whatever it expects.
//! 5. An event that cannot be read fails no page: it stands in its place as such, and the rest of the page is whole.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::commit::{Commit, Receipt, Rejected};
use crate::envelope::Envelope;
pub use crate::error::StoreError;
pub use crate::filter::Filter;
use crate::id::{CommandId, Position, Version};
use crate::log::LogIdentity;
use crate::stream::StreamId;

/// The most events that one page holds, whatever was asked for.
pub const MAX_PAGE_EVENTS: usize = 5_000;

/// A stored event that cannot be read, in place of its envelope: its metadata, time or ids are damaged, or of a form
/// that this binary does not know. It concerns its stream and the readers that follow it, and no others.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Unreadable {
    /// Its place in the log of all events.
    pub position: Position,
    /// The stream that it belongs to.
    pub stream: StreamId,
    /// Its place in that stream.
    pub version: Version,
    /// The stored name.
    pub event_type: String,
    /// What cannot be read and why, for operators.
    pub reason: String,
}

/// A place in the log: an event, or one that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// An event.
    Event(Arc<Envelope>),
    /// One that cannot be read. A reader that it concerns must stop in front of it; others pass it.
    Unreadable(Arc<Unreadable>),
}

impl Entry {
    /// Its place in the log of all events.
    #[must_use]
    pub fn position(&self) -> Position {
        match self {
            Self::Event(envelope) => envelope.position,
            Self::Unreadable(unreadable) => unreadable.position,
        }
    }

    /// The stream that it belongs to.
    #[must_use]
    pub fn stream(&self) -> &StreamId {
        match self {
            Self::Event(envelope) => &envelope.stream,
            Self::Unreadable(unreadable) => &unreadable.stream,
        }
    }

    /// The stored name.
    #[must_use]
    pub fn event_type(&self) -> &str {
        match self {
            Self::Event(envelope) => &envelope.event_type,
            Self::Unreadable(unreadable) => &unreadable.event_type,
        }
    }

    /// The event, if it can be read.
    #[must_use]
    pub fn event(&self) -> Option<&Arc<Envelope>> {
        match self {
            Self::Event(envelope) => Some(envelope),
            Self::Unreadable(_) => None,
        }
    }
}

/// A page of one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamPage {
    /// In order of version, without gap but for those that cannot be read.
    pub events: Vec<Envelope>,
    /// Those of the page that cannot be read, in order of version. They count into its limit. A state is not folded
    /// past one of them.
    pub unreadable: Vec<Unreadable>,
    /// Whether the page ends at the stream's end, as it was when the page was read.
    pub is_end: bool,
}

/// A page of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPage {
    /// In order of position; those that the filter refuses are left out.
    pub entries: Vec<Entry>,
    /// How far the page read: no event that the filter lets through lies between the last one given and here. Moves
    /// also when the page is empty, so that checkpoints pass what does not concern them; never beyond the head.
    pub read_up_to: Position,
    /// The head as it was when the page was read. The reader is up to date if `read_up_to` equals it.
    pub head: Position,
}

impl LogPage {
    /// A page without events, at the end of a log that is known up to `read_up_to`.
    #[must_use]
    pub fn empty(read_up_to: Position) -> Self {
        Self {
            entries: Vec::new(),
            read_up_to: read_up_to,
            head: read_up_to,
        }
    }

    /// Its events that can be read. For readers that are complete without the others.
    pub fn events(&self) -> impl DoubleEndedIterator<Item = &Arc<Envelope>> {
        self.entries.iter().filter_map(Entry::event)
    }
}

/// What a refusal is checked against, read in one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandStatus {
    /// The command's receipt, if it took effect before.
    pub receipt: Option<Receipt>,
    /// The present version of each stream that was asked for, in the order asked.
    pub versions: Vec<Version>,
    /// The head at that moment.
    pub head: Position,
}

/// A state that was folded once and kept, so that loading starts there. Never needed for correctness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Whose state.
    pub stream: StreamId,
    /// The version that it was folded to.
    pub version: Version,
    /// The shape of `state`.
    pub schema_version: u32,
    /// JSON text.
    pub state: String,
    /// When it was taken.
    pub created_at: DateTime<Utc>,
}

/// A log of events in streams. The promises are in the [module's documentation](self).
#[async_trait]
pub trait EventStore: Debug + Send + Sync + 'static {
    /// Writes a batch and answers each commit by itself, in the batch's order. It means: each commit alone, in
    /// that order. An accepted commit is visible to the checks behind it; a refused one takes no position; a command
    /// id that repeats inside the batch gets the first one's receipt. The command id is looked up before the
    /// expectations are checked, the fence after the command id and before the expectations.
    ///
    /// Call it from the [`Appender`](crate::appender::Appender) alone, which puts commits into batches.
    ///
    /// # Errors
    /// An error is about the whole batch; see [`StoreError`] for what then happened to it.
    async fn append(&self, batch: &[Commit]) -> Result<Vec<Result<Receipt, Rejected>>, StoreError>;

    /// The command's receipt, the present versions of `streams`, and the head, as of one moment.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be read.
    async fn standing(
        &self,
        command: CommandId,
        streams: &[StreamId],
    ) -> Result<CommandStatus, StoreError>;

    /// Up to `limit` (1 to [`MAX_PAGE_EVENTS`]) events of a stream behind version `after`. A stream without events
    /// gives an empty page.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be read.
    async fn read_stream(
        &self,
        stream: &StreamId,
        after: Version,
        limit: usize,
    ) -> Result<StreamPage, StoreError>;

    /// Up to `limit` (1 to [`MAX_PAGE_EVENTS`]) events of the log behind position `after` that `filter` lets through.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be read.
    async fn read_all(
        &self,
        after: Position,
        filter: &Filter,
        limit: usize,
    ) -> Result<LogPage, StoreError>;

    /// The position of the last event.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be read.
    async fn head(&self) -> Result<Position, StoreError>;

    /// The log's id, its head, and the event at each of `positions` (at most [`MAX_PAGE_EVENTS`]), as of one moment. The
    /// id is made with the log, differs from every other log's, and is kept by a copy of it.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be read.
    async fn identify(&self, positions: &[Position]) -> Result<LogIdentity, StoreError>;

    /// Waits until the head is at or above `position`, and gives where it was seen. It wakes on notification and polls
    /// beside it, because a notification can be lost with its connection. It has no time-out of its own: drop the future.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be read.
    async fn wait_for(&self, position: Position) -> Result<Position, StoreError>;

    /// The snapshot of a stream with this schema version, if there is one.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be read.
    async fn load_snapshot(
        &self,
        stream: &StreamId,
        schema_version: u32,
    ) -> Result<Option<Snapshot>, StoreError>;

    /// Keeps a snapshot, unless one of the same stream and schema version is at the same or a higher version.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be written.
    async fn save_snapshot(&self, snapshot: &Snapshot) -> Result<(), StoreError>;

    /// Removes the snapshot of this stream, schema version and version: it is not of the stream's events. One at
    /// another version stays. Afterwards a snapshot at a lower version can be saved.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be written.
    async fn remove_snapshot(
        &self,
        stream: &StreamId,
        schema_version: u32,
        version: Version,
    ) -> Result<(), StoreError>;
}
