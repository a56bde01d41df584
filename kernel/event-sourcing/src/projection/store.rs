//! The store of a projection's rows and checkpoint.

use async_trait::async_trait;
use tokio::sync::watch;

use super::Projection;
use crate::id::Position;
use crate::lease::Token;
use crate::log::LogMark;
use crate::store::StoreError;

/// The progress of a projection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProjectionProgress {
    /// The checkpoint: the rows are the fold of all events up to here.
    pub position: Position,
    /// The log's mark at the checkpoint; `None` if unknown, or if nothing was folded yet.
    pub mark: Option<LogMark>,
    /// Whether the rows have reached the head of the log once. Until then they must not be read.
    pub caught_up: bool,
    /// The event at which it is parked, if it is.
    pub parked: Option<Parked>,
}

/// The event before which a projection is parked, because it cannot read or fold it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parked {
    /// The event's position.
    pub position: Position,
    /// Why it cannot be read or folded, for operators.
    pub reason: String,
}

/// The changes of one page.
#[derive(Clone, Debug)]
pub struct PageWrite<R> {
    /// The lease token of the writing runner.
    pub token: Token,
    /// The checkpoint before the page; the write is rejected if the stored one differs.
    pub from: Position,
    /// The checkpoint after the page.
    pub read_up_to: Position,
    /// The log's mark at `read_up_to`.
    pub mark: LogMark,
    /// Whether the rows reach the head of the log with this page, or did before.
    pub caught_up: bool,
    /// Each changed row once, with its new value, or `None` if it is deleted.
    pub changes: Vec<(String, Option<R>)>,
    /// Set if the event after `read_up_to` could not be read or folded.
    pub parked: Option<Parked>,
}

/// Stores one generation of one projection.
#[async_trait]
pub trait ProjectionStore<P: Projection>: Send + Sync + 'static {
    /// Stores `token` with the checkpoint, so that pages with an older one are rejected from now on, and returns the
    /// progress. `None` if a newer token is stored already.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be reached.
    async fn begin(&self, token: Token) -> Result<Option<ProjectionProgress>, StoreError>;

    /// Replaces the generation, whose rows belong to another log, with an empty one, and returns its progress. `None`
    /// if `token` is not the one that `begin` stored last.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be written. The outcome may be unknown; `begin` returns the actual state.
    async fn restart(&self, token: Token) -> Result<Option<ProjectionProgress>, StoreError>;

    /// The schema version of the stored rows. Each version has its own lease, so that old and new binaries run
    /// together.
    fn schema_version(&self) -> u32 {
        P::SCHEMA_VERSION
    }

    /// The current progress, whichever runner wrote it.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be read.
    async fn progress(&self) -> Result<ProjectionProgress, StoreError>;

    /// The rows of these keys that exist.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be read.
    async fn load(&self, keys: &[String]) -> Result<Vec<(String, P::Row)>, StoreError>;

    /// The position that a reader in this process requested last. `None` if readers do not report it; the runner then
    /// writes the checkpoint after every page, even if no event matched.
    fn requested_position(&self) -> Option<watch::Receiver<Position>> {
        None
    }

    /// Records whether an operator has paused the projection, so that readers in this process do not wait for it.
    fn set_paused(&self, _is_paused: bool) {}

    /// Writes rows and checkpoint in one transaction and returns true. Writes nothing and returns false if the stored
    /// checkpoint is not `from` or the stored token is not the page's.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be written. The outcome may be unknown; `begin` returns the actual state.
    async fn write(&self, page: PageWrite<P::Row>) -> Result<bool, StoreError>;
}
