//! The event store: one log of all events, divided into streams.
//!
//! Every adapter gives the same guarantees; `event-store-conformance` tests each of them.
//!
//! 1. An acknowledged commit is durable; one without an acknowledgement is stored whole or not at all.
//! 2. Versions inside a stream are 1, 2, 3 … without gap.
//! 3. Positions are in commit order, without gap. A reader that has read up to position p never later finds an event at
//!    or below p.
//! 4. A command id takes effect once. Its repeat gets the first receipt, whatever versions it expects.
//! 5. An unreadable event fails no page: it is returned as such at its position, and the rest of the page is complete.

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

/// The maximum number of events in one page, whatever limit was requested.
pub const MAX_PAGE_EVENTS: usize = 5_000;

/// A stored event that cannot be read, in place of its envelope: its metadata, time or ids are damaged, or in a format
/// that this binary does not know. It affects only its stream and the readers that follow that stream.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Unreadable {
    /// Its position in the log.
    pub position: Position,
    /// The stream that it belongs to.
    pub stream: StreamId,
    /// Its version in that stream.
    pub version: Version,
    /// The stored name.
    pub event_type: String,
    /// Which part cannot be read and why, for operators.
    pub reason: String,
}

/// An entry of the log: a readable or an unreadable event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// An event.
    Event(Arc<Envelope>),
    /// An unreadable event. A reader that follows its stream must stop before it; others skip it.
    Unreadable(Arc<Unreadable>),
}

impl Entry {
    /// Its position in the log.
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

    /// The event, if it is readable.
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
    /// In order of version, without gaps except for the unreadable ones.
    pub events: Vec<Envelope>,
    /// The unreadable events of the page, in order of version. They count towards its limit. A state must not be folded
    /// past one of them.
    pub unreadable: Vec<Unreadable>,
    /// Whether the page reached the end of the stream at the time of the read.
    pub is_end: bool,
}

/// A page of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPage {
    /// In order of position; only those that the filter matches.
    pub entries: Vec<Entry>,
    /// How far the page was read: between the last entry and this position no event matches the filter. It advances
    /// also when the page is empty, so that checkpoints can pass events that do not match. Never above the head.
    pub read_up_to: Position,
    /// The head at the time of the read. The reader is up to date if `read_up_to` equals it.
    pub head: Position,
}

impl LogPage {
    /// A page without events, at the end of a log whose head is `read_up_to`.
    #[must_use]
    pub fn empty(read_up_to: Position) -> Self {
        Self {
            entries: Vec::new(),
            read_up_to,
            head: read_up_to,
        }
    }

    /// Its readable events. Only for readers that may skip unreadable ones.
    pub fn events(&self) -> impl DoubleEndedIterator<Item = &Arc<Envelope>> {
        self.entries.iter().filter_map(Entry::event)
    }
}

/// The state that a rejection is checked against, read in one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandStatus {
    /// The command's receipt, if it took effect before.
    pub receipt: Option<Receipt>,
    /// The current version of each requested stream, in the order of the request.
    pub versions: Vec<Version>,
    /// The head at that moment.
    pub head: Position,
}

/// A stored fold of a stream, so that loading starts there. Never needed for correctness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The stream that was folded.
    pub stream: StreamId,
    /// The version up to which it was folded.
    pub version: Version,
    /// The schema of `state`; a binary with another one ignores the snapshot.
    pub schema_version: u32,
    /// JSON text.
    pub state: String,
    /// When it was taken.
    pub created_at: DateTime<Utc>,
}

/// A log of events in streams. The guarantees are in the [module's documentation](self).
///
/// ```
/// # use event_sourcing::testing::doc::Incremented;
/// # use event_sourcing::{
/// #     CommandId, Commit, DomainEvent, EventStore, ExpectedVersion, Filter, MemoryEventStore, Metadata, NewEvent,
/// #     Position, StreamId, SystemClock, Version, Write,
/// # };
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let now = chrono::DateTime::UNIX_EPOCH;
/// # let command_id = CommandId::from_parts(now, [1; 10]);
/// # let new = NewEvent { event: Incremented { by: 3 }.encode(), metadata: Metadata::default() };
/// let store = MemoryEventStore::new(std::sync::Arc::new(SystemClock));
/// let stream = StreamId::new("counter", "counter-1");
/// let write = Write { stream: stream.clone(), expected: ExpectedVersion::NoStream, events: vec![new] };
/// let commit = Commit::try_new(command_id, now, vec![write], None)?;
///
/// // The second commit has the same command id: it writes nothing and gets the first one's receipt.
/// let results = store.append(&[commit.clone(), commit]).await?;
/// let duplicates: Vec<_> = results.iter().flatten().map(|receipt| receipt.duplicate).collect();
/// assert_eq!(duplicates, [false, true]);
///
/// let page = store.read_stream(&stream, Version::NONE, 100).await?;
/// assert_eq!(page.events[0].event_type, "Incremented");
/// let page = store.read_all(Position::START, &Filter::ALL, 100).await?;
/// assert_eq!((page.entries.len(), page.read_up_to), (1, Position(1)));
/// # Ok(())
/// # }
/// ```
#[async_trait]
pub trait EventStore: Debug + Send + Sync + 'static {
    /// Appends a batch and returns one result per commit, in the batch's order. Equivalent to appending each commit
    /// alone in that order: an accepted commit is visible to the checks of the later ones, a rejected one takes no
    /// position, and a command id repeated inside the batch gets the first one's receipt. Each commit is checked for
    /// its command id first, then its fence, then its expected versions.
    ///
    /// Call it only from the [`Appender`](crate::appender::Appender), which builds the batches.
    ///
    /// # Errors
    /// An error concerns the whole batch; each variant of [`StoreError`] states whether it was written.
    async fn append(&self, batch: &[Commit]) -> Result<Vec<Result<Receipt, Rejected>>, StoreError>;

    /// The command's receipt, the current versions of `streams`, and the head, read as of one moment.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be read.
    async fn command_status(
        &self,
        command: CommandId,
        streams: &[StreamId],
    ) -> Result<CommandStatus, StoreError>;

    /// Up to `limit` (1 to [`MAX_PAGE_EVENTS`]) events of a stream after version `after`. A stream without events
    /// returns an empty page.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be read.
    async fn read_stream(
        &self,
        stream: &StreamId,
        after: Version,
        limit: usize,
    ) -> Result<StreamPage, StoreError>;

    /// Up to `limit` (1 to [`MAX_PAGE_EVENTS`]) events of the log after position `after` that `filter` matches.
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

    /// The log's id, its head, and the event at each of `positions` (at most [`MAX_PAGE_EVENTS`]), read as of one
    /// moment. The id is created with the log, is globally unique, and is preserved by a copy of the log.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be read.
    async fn identify(&self, positions: &[Position]) -> Result<LogIdentity, StoreError>;

    /// Waits until the head is at or above `position`, and returns the head. Implementations wake on notification and
    /// also poll, because a notification can be lost with its connection. There is no timeout: drop the future to stop
    /// waiting.
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

    /// Stores a snapshot, unless one of the same stream and schema version is at the same or a higher version.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be written.
    async fn save_snapshot(&self, snapshot: &Snapshot) -> Result<(), StoreError>;

    /// Removes the snapshot of this stream, schema version and version, because it does not match the stream's events.
    /// One at another version stays. Afterwards a snapshot at a lower version can be saved.
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
