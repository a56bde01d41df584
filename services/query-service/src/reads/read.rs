//! What a request asks of its reads, and what they give.

use std::sync::Arc;

use event_sourcing::{Position, StoreError};
use tokio::time::Instant;

/// The most rows of a list without paging, and of a page.
pub const MOST_ROWS: i64 = 500;

/// Which part of a list is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// So many rows; otherwise as many as a list may have.
    pub limit: Option<i64>,
    /// Rows to leave out in front.
    pub offset: i64,
}

impl Window {
    pub(super) fn most(self) -> i64 {
        self.limit.unwrap_or(MOST_ROWS)
    }
}

/// What a request asks of all its reads.
#[derive(Clone, Copy, Debug)]
pub struct At {
    /// They reflect at least this position.
    pub min: Position,
    /// How long they may wait for it.
    pub deadline: Instant,
}

/// Something read, and the position that it reflects at least.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found<T> {
    /// What was read.
    pub value: T,
    /// The lowest checkpoint that it was read from.
    pub position: Position,
}

impl<T> Found<T> {
    /// The same position with something made of the value.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Found<U> {
        Found {
            value: make(self.value),
            position: self.position,
        }
    }
}

/// Rows by the answer to a look-up by key.
pub type Row<R> = Option<Arc<R>>;

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
        /// Which one.
        projection: &'static str,
        /// How far it is.
        at: Position,
    },
    /// A projection stands still below the position.
    #[error("the projection {projection} stands still at position {at}, below {min}")]
    Stalled {
        /// Which one.
        projection: &'static str,
        /// What was asked for.
        min: Position,
        /// Where it stands.
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
