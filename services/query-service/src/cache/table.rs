//! The cache of one table.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use event_sourcing::Position;
use parking_lot::Mutex;
use read_model_sql::{Checkpoint, Snapshot};
use tokio::time::Instant;

use super::{MAX_AGE, RowCache};

/// The cached rows of one table, the follower's position, and the version that cached pages depend on.
pub struct TableCache<R> {
    /// Rows by key, each with the position that it was read at.
    pub rows: RowCache<Snapshot<Arc<R>>>,
    version: AtomicU64,
    following: Mutex<FollowerState>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FollowerState {
    generation: i64,
    position: Position,
    as_of: Option<Instant>,
}

impl<R> TableCache<R> {
    /// A cache of about `capacity` rows, which answers nothing until its follower runs.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            rows: RowCache::new(capacity),
            version: AtomicU64::new(0),
            following: Mutex::new(FollowerState {
                generation: 0,
                position: Position::START,
                as_of: None,
            }),
        }
    }

    /// The position up to which all changes were invalidated, if it is at or above `min` and was confirmed recently.
    /// Must be read before the row is looked up: a row found afterwards did not change up to this position. It may be
    /// newer, if it was loaded at a later checkpoint than the follower has processed.
    #[must_use]
    pub fn position(&self, min: Position) -> Option<Position> {
        let following = *self.following.lock();
        let is_fresh = following
            .as_of
            .is_some_and(|as_of| as_of.elapsed() <= MAX_AGE);
        (is_fresh && following.position >= min).then_some(following.position)
    }

    /// Changes with each change of the table; cached pages are valid for one version.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Removes the rows that changed, and invalidates the pages.
    pub fn invalidate<'k>(&self, keys: impl IntoIterator<Item = &'k String>) {
        let mut is_touched = false;
        for key in keys {
            self.rows.invalidate(key);
            is_touched = true;
        }
        if is_touched {
            self.version.fetch_add(1, Ordering::Release);
        }
    }

    pub fn clear(&self) {
        self.rows.clear();
        self.version.fetch_add(1, Ordering::Release);
    }

    /// Records that the follower has processed everything up to `position`.
    pub(crate) fn publish(&self, position: Position, checkpoint: &Checkpoint) {
        let mut following = self.following.lock();
        following.generation = checkpoint.generation;
        following.position = position;
        // While the follower catches up, the previous confirmation stays valid: it was at the checkpoint at that time.
        if position >= checkpoint.position {
            following.as_of = checkpoint.as_of;
        }
    }

    /// Makes the cache answer nothing until the table can be read.
    pub(super) fn disable(&self, checkpoint: &Checkpoint) {
        *self.following.lock() = FollowerState {
            generation: checkpoint.generation,
            position: Position::START,
            as_of: None,
        };
    }

    pub(super) fn follower_position(&self) -> (i64, Position) {
        let following = *self.following.lock();
        (following.generation, following.position)
    }
}

impl<R> fmt::Debug for TableCache<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableCache")
            .field("rows", &self.rows)
            .field("following", &*self.following.lock())
            .finish_non_exhaustive()
    }
}
