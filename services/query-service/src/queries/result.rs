//! The options of a read, and its result with the position that it reflects.
//!
//! # The position of an answer
//!
//! A caller sends the position of an answer as the minimum of its next read, possibly to another replica, and must
//! not see an older state there (monotonic reads). So an answer at position `p` **contains nothing newer than `p`**.
//! And it contains everything up to the requested minimum: the [barrier](read_model_sql::ReadBarrier) waits for that.
//!
//! The answer of a single read is exact: the fold of all events up to `p` and no others. Rows and checkpoint are read
//! by one statement, so from one snapshot. A cached row was read the same way and has not changed up to the position
//! that its cache has followed; it is valid at both positions and carries the later one.
//!
//! The answer of several reads has parts at several positions: each projection has its own checkpoint, and each read
//! its own snapshot. This applies to a product with its category, to a batch that was partly cached, and to all reads
//! of a GraphQL request. It carries the position of its **newest** part ([`ReadResult::and`]). With the oldest,
//! another replica could return an older state of the newer part than the caller has seen: an order that was
//! CONFIRMED would be PROCESSING again.
//!
//! The newest position does not mean that each part reflects everything up to it: an older part may lack events between
//! its own position and the answer's. One number could guarantee both only if all parts were read at the same
//! checkpoint, which projections do not share; a parked projection would then block the answers about all others.
//! Nothing needs it either. A caller that must see a certain write sends its position as the minimum, and *every*
//! part then reflects at least that. The cost: the next read may have to wait for the slower projection, and fails if
//! that one is parked.

use std::sync::Arc;

use event_sourcing::Position;
use read_model_sql::Snapshot;

/// Limit of rows in a list without paging, and in a page.
pub const MAX_ROWS: i64 = 500;

/// The requested part of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pagination {
    /// Number of rows; `None` means [`MAX_ROWS`].
    pub limit: Option<i64>,
    /// Number of rows to skip.
    pub offset: i64,
}

impl Pagination {
    pub(super) fn limit_within_bounds(self) -> i64 {
        self.limit.unwrap_or(MAX_ROWS)
    }
}

/// A result and the position that it reflects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadResult<T> {
    pub value: T,
    /// The value contains nothing newer, and everything up to the request's minimum.
    pub position: Position,
}

impl<T> ReadResult<T> {
    /// A cached value; all changes up to `followed` were invalidated before it was read.
    pub(super) fn in_memory(snapshot: Snapshot<T>, followed: Position) -> Self {
        Self {
            position: snapshot.position.max(followed),
            value: snapshot.value,
        }
    }

    /// Converts the value; the position stays.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> ReadResult<U> {
        ReadResult {
            value: make(self.value),
            position: self.position,
        }
    }

    /// Combines two results at the newer position.
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

/// The result of a lookup by key.
pub type Row<R> = Option<Arc<R>>;

/// The result of a lookup by several keys.
pub(super) type Rows<R> = Vec<Arc<R>>;
