//! Where a projection's rows and its checkpoint are kept.

use async_trait::async_trait;
use tokio::sync::watch;

use super::Projection;
use crate::id::Position;
use crate::lease::Token;
use crate::log::LogMark;
use crate::store::StoreError;

/// How far a projection is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProjectionProgress {
    /// The checkpoint: rows are the fold of all events up to here.
    pub position: Position,
    /// What the log had at the checkpoint; nothing if that is not known, or nothing was folded yet.
    pub mark: Option<LogMark>,
    /// Whether the rows were at the head of the log once. Until then they are not to be read.
    pub caught_up: bool,
    /// Why it stands still, if it does.
    pub parked: Option<Parked>,
}

/// A projection that met an event that it cannot read or fold, and stands in front of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parked {
    /// The event.
    pub position: Position,
    /// What was wrong with it.
    pub reason: String,
}

/// What one page changed.
#[derive(Clone, Debug)]
pub struct PageWrite<R> {
    /// The lease token of the writing runner.
    pub token: Token,
    /// The checkpoint that the page began from.
    pub from: Position,
    /// The checkpoint behind it.
    pub read_up_to: Position,
    /// What the log has at `read_up_to`.
    pub mark: LogMark,
    /// Whether the rows are at the head of the log with it, or were before.
    pub caught_up: bool,
    /// Each changed row once: its new value, or nothing if it is gone.
    pub changes: Vec<(String, Option<R>)>,
    /// Set if the event behind `read_up_to` could not be read or folded.
    pub parked: Option<Parked>,
}

/// Keeps one generation of one projection.
#[async_trait]
pub trait ProjectionStore<P: Projection>: Send + Sync + 'static {
    /// Stores `token` beside the checkpoint, so that pages with an older one are refused from here on, and gives the
    /// progress. Nothing if a newer token is already there.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be reached.
    async fn begin(&self, token: Token) -> Result<Option<ProjectionProgress>, StoreError>;

    /// Makes an empty generation in place of the present one, whose rows are of another log, and gives its progress.
    /// Nothing if `token` is not the one that began last.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be written. The outcome may be unknown; `begin` tells.
    async fn restart(&self, token: Token) -> Result<Option<ProjectionProgress>, StoreError>;

    /// The schema version whose rows are kept here. Versions have a lease each, so that binaries of both run together.
    fn schema_version(&self) -> u32 {
        P::SCHEMA_VERSION
    }

    /// The progress as it is, whichever runner made it.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be read.
    async fn progress(&self) -> Result<ProjectionProgress, StoreError>;

    /// The rows of these keys that exist.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be read.
    async fn load(&self, keys: &[String]) -> Result<Vec<(String, P::Row)>, StoreError>;

    /// The position that a reader in this process waited for last. Nothing if readers do not say; a runner then
    /// moves the checkpoint behind every page, also when none of its events concerns the projection.
    fn requested_position(&self) -> Option<watch::Receiver<Position>> {
        None
    }

    /// Writes rows and checkpoint in one transaction and says true, or writes nothing and says false if the checkpoint
    /// is not at `from` or the token is not the page's.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be written. The outcome may be unknown; `begin` tells.
    async fn write(&self, page: PageWrite<P::Row>) -> Result<bool, StoreError>;
}
