//! Where a handler's checkpoint and its parked streams are kept.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::id::{Position, Version};
use crate::lease::Token;
use crate::log::LogMark;
use crate::store::StoreError;
use crate::stream::StreamId;

/// A stream whose event could not be handled. It and all later ones of the stream wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParkedStream {
    /// The stream.
    pub stream: StreamId,
    /// The event in front of which it stands.
    pub position: Position,
    /// That event's place in the stream.
    pub version: Version,
    /// Its stored name.
    pub event_type: String,
    /// What was wrong with it, for operators.
    pub reason: String,
    /// When that was found.
    pub parked_at: DateTime<Utc>,
    /// How many decisions about the handler were known then. Only a later one has the stream try again.
    pub decisions: u64,
}

/// How far a handler is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HandlerProgress {
    /// The checkpoint: every event up to here is done, or part of a parked stream. Nothing before the first start.
    pub mark: Option<LogMark>,
    /// The parked streams.
    pub parked: Vec<ParkedStream>,
}

/// What has changed.
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

/// Keeps the progress of handlers.
#[async_trait]
pub trait HandlerStore: Send + Sync + 'static {
    /// Stores `token` with the checkpoint, so that an older one is refused from here on, and returns the progress.
    /// Nothing if a newer token is already there.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be written.
    async fn begin(
        &self,
        handler: &str,
        token: Token,
    ) -> Result<Option<HandlerProgress>, StoreError>;

    /// The progress as it is, whichever process made it.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be read.
    async fn progress(&self, handler: &str) -> Result<HandlerProgress, StoreError>;

    /// Writes checkpoint and parked streams in one transaction and returns true, or writes nothing and returns false if
    /// the token is not the one that began last.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be written. The outcome may be unknown; to write the same again is safe.
    async fn write(&self, handler: &str, write: HandlerWrite) -> Result<bool, StoreError>;

    /// Moves the checkpoint of every handler to `mark`, the head of the log, and forgets its token: an operator accepted
    /// another log. Streams stay parked if the log has their event. The others are forgotten: what the log has of them
    /// now, or will have, is read from the checkpoint on.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be written.
    async fn accept(&self, mark: LogMark) -> Result<(), StoreError>;
}
