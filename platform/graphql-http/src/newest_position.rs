//! The newest of several positions of the log.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The newest position that was noted, from any thread.
#[derive(Debug, Default)]
pub struct NewestPosition {
    /// One above it; 0 before the first one, since 0 itself is a position.
    above: AtomicU64,
}

impl NewestPosition {
    pub fn note(&self, position: u64) {
        self.above.fetch_max(position.saturating_add(1), Relaxed);
    }

    /// `None` before the first one.
    pub fn get(&self) -> Option<u64> {
        self.above.load(Relaxed).checked_sub(1)
    }
}
