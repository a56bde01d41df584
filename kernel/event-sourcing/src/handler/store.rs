//! The store of a handler's checkpoint and parked streams.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::id::{Position, Version};
use crate::lease::Token;
use crate::log::LogMark;
use crate::store::StoreError;
use crate::stream::StreamId;

/// A stream with an event that could not be handled. That event and all later ones of the stream wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParkedStream {
    /// The stream.
    pub stream: StreamId,
    /// The event before which it is parked.
    pub position: Position,
    /// That event's version in the stream.
    pub version: Version,
    /// The stored name of that event's type.
    pub event_type: String,
    /// Why it could not be handled, for operators.
    pub reason: String,
    /// When the stream was parked.
    pub parked_at: DateTime<Utc>,
    /// The number of decisions about the handler that were known then. Only a later one resumes the stream.
    pub decisions: u64,
}

/// The progress of a handler.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HandlerProgress {
    /// The checkpoint: every event up to here is done, or part of a parked stream. `None` before the first start.
    pub mark: Option<LogMark>,
    /// The parked streams.
    pub parked: Vec<ParkedStream>,
}

/// The changes of a handler's progress.
#[derive(Clone, Debug)]
pub struct HandlerWrite {
    /// The lease token of the writing process.
    pub token: Token,
    /// The checkpoint.
    pub mark: LogMark,
    /// Streams that are parked now, or at another event than before.
    pub parked: Vec<ParkedStream>,
    /// Streams that are not parked any more.
    pub released: Vec<StreamId>,
}

/// Stores the progress of handlers.
#[async_trait]
pub trait HandlerStore: Send + Sync + 'static {
    /// Stores `token` with the checkpoint, so that writes with an older one are rejected from now on, and returns the
    /// progress. `None` if a newer token is stored already.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be written.
    async fn begin(
        &self,
        handler: &str,
        token: Token,
    ) -> Result<Option<HandlerProgress>, StoreError>;

    /// The current progress, whichever process wrote it.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be read.
    async fn progress(&self, handler: &str) -> Result<HandlerProgress, StoreError>;

    /// Writes checkpoint and parked streams in one transaction and returns true. Writes nothing and returns false if
    /// the token is not the one that `begin` stored last.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be written. The outcome may be unknown; writing the same again is safe.
    async fn write(&self, handler: &str, write: HandlerWrite) -> Result<bool, StoreError>;

    /// Moves the checkpoint of every handler to `mark`, the head of the log, and clears its token: an operator accepted
    /// another log. Streams stay parked if the log contains their event. The others are removed: their events, if the
    /// log has or gets any, are read after the checkpoint.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be written.
    async fn accept(&self, mark: LogMark) -> Result<(), StoreError>;
}
