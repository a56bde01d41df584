//! What a request asks of its reads, and what they return.
//!
//! # The position of an answer
//!
//! A caller sends the position of an answer as the minimum of its next read, perhaps to another replica, and must not see
//! less there than it has seen. So an answer at position `p` **shows nothing newer than `p`**. And it shows everything up to
//! the minimum that it was asked for: the [gate](super::gate) waits for that.
//!
//! The answer of one read is exact: it is what the events up to `p` made, all of them and no others. Rows and checkpoint
//! come from one statement and so from one snapshot. A row in memory was read that way too, and was not changed since, up
//! to the position that its cache has followed; it is what the log made at either, and carries the later of the two.
//!
//! The answer of several reads has parts of several positions: each projection has a checkpoint of its own, and each read a
//! snapshot of its own. This holds for a product with its category, for a batch of which a part was in memory, and for all
//! reads of a GraphQL request. It carries the **newest** of its parts ([`ReadResult::and`]). At the oldest, another replica could
//! show less of the newer part than the caller has seen: an order that was CONFIRMED is PROCESSING again.
//!
//! The newest does not say that each part reflects everything up to it: an older part may lack events between its own
//! position and the answer's. One number cannot say both unless all parts are read at the same checkpoint, and projections
//! share none; one that is parked would hold up the answers about all others. Nothing needs it either. A caller that must
//! see a certain write sends its position as the minimum, and then *every* part reflects at least that; a caller that
//! reads again at the position of an answer gets every part at least as new as that. What it costs: the next read may have
//! to wait for the slower projection, and is refused if that one is parked, where it would have been answered from older
//! rows than the caller has seen others of.

use std::sync::Arc;

use event_sourcing::{Position, StoreError};
use read_model_sql::Snapshot;
use tokio::time::Instant;

/// The most rows of a list without paging, and of a page.
pub const MAX_ROWS: i64 = 500;

/// Which part of a list is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pagination {
    /// So many rows; otherwise as many as a list may have.
    pub limit: Option<i64>,
    /// Rows to leave out in front.
    pub offset: i64,
}

impl Pagination {
    pub(super) fn limit_within_bounds(self) -> i64 {
        self.limit.unwrap_or(MAX_ROWS)
    }
}

/// What a request asks of all its reads.
#[derive(Clone, Copy, Debug)]
pub struct ReadOptions {
    /// They reflect at least this position.
    pub min: Position,
    /// How long they may wait for it.
    pub deadline: Instant,
}

/// An answer, and the position that it reflects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadResult<T> {
    pub value: T,
    /// Nothing of it is newer; nothing up to the request's minimum is missing.
    pub position: Position,
}

impl<T> ReadResult<T> {
    /// What was in memory, of which everything that changed up to `followed` was thrown out.
    pub(super) fn in_memory(snapshot: Snapshot<T>, followed: Position) -> Self {
        Self {
            position: snapshot.position.max(followed),
            value: snapshot.value,
        }
    }

    /// The same position with something made of the value.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> ReadResult<U> {
        ReadResult {
            value: make(self.value),
            position: self.position,
        }
    }

    /// Both in one answer, at the newer position.
    pub fn and<U>(self, other: ReadResult<U>) -> ReadResult<(T, U)> {
        ReadResult {
            position: self.position.max(other.position),
            value: (self.value, other.value),
        }
    }
}

impl<T> From<Snapshot<T>> for ReadResult<T> {
    fn from(snapshot: Snapshot<T>) -> Self {
        Self {
            value: snapshot.value,
            position: snapshot.position,
        }
    }
}

/// Rows by the answer to a look-up by key.
pub type Row<R> = Option<Arc<R>>;

/// Rows by the answer to a look-up by several keys.
pub(super) type Rows<R> = Vec<Arc<R>>;

/// Why a read has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The rows did not reach the position in time.
    #[error("the read side is at position {at}, waited for {min}")]
    Behind {
        /// What was asked for.
        min: Position,
        /// Where the slowest projection is.
        at: Position,
    },
    /// The rows are not to be read yet: they were not at the head of the log so far.
    #[error("the read model {projection} is being built, so far up to position {at}")]
    Building {
        projection: &'static str,
        /// How far it is.
        at: Position,
    },
    /// A projection stands still below the position.
    #[error("the projection {projection} stands still at position {at}, below {min}")]
    Stalled {
        projection: &'static str,
        /// What was asked for.
        min: Position,
        at: Position,
    },
    /// The log is not that long.
    #[error("position {min} is above the head {head}")]
    AboveHead {
        /// What was asked for.
        min: Position,
        /// The log's last position.
        head: Position,
    },
    /// A database could not answer.
    #[error("the read side's database")]
    Store(#[from] StoreError),
}
