//! Lanes: the commands of one process on one stream, in a row.
//!
//! ```text
//!   gate   who may decide now: one writer, or several readers; first come, first served
//!   tip    the state that the commits sent so far will leave, and the answer to the last of them
//! ```
//!
//! A command passes the gates of all its streams in the order of their names, decides on the tips, sends its
//! commit, moves the tips, and opens the gates: it does not hold them while the store writes. The appender keeps
//! the order of sending, so each commit finds what it was decided on, or is refused. If a commit is refused, the
//! tips that it had moved are dropped, and those behind it are refused as well, because their commits follow an
//! event that never came to be; they are decided again on what the store has.
//!
//! An epoch tells tips apart: whoever was refused drops the tip only if it is still of the epoch that it had decided on.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::sync::{Mutex as AsyncMutex, OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};
use uuid::Uuid;

use super::state::AnyState;
use crate::appender::Pending;
use crate::commit::ExpectedVersion;
use crate::id::Version;
use crate::stream::StreamId;

/// The state at the end of a lane.
#[derive(Clone, Debug)]
pub(super) struct PendingState {
    pub(super) state: AnyState,
    pub(super) version: Version,
    /// The event at `version`, if it is known: not when the state comes from a snapshot.
    pub(super) last_event: Option<Uuid>,
    /// The last commit that wrote the stream, as long as it may not be durable.
    pub(super) pending: Option<Pending>,
    pub(super) epoch: u64,
}

impl PendingState {
    /// Whether no commit that it rests on is on its way.
    fn is_settled(&self) -> bool {
        self.pending.as_ref().is_none_or(Pending::is_settled)
    }

    /// What a commit that was decided on this tip requires.
    pub(super) fn expected(&self) -> ExpectedVersion {
        match self.last_event {
            Some(event_id) => ExpectedVersion::Follows {
                version: self.version,
                event_id,
            },
            None if self.version == Version::NONE => ExpectedVersion::NoStream,
            None => ExpectedVersion::Exact(self.version),
        }
    }
}

/// The right to decide on a stream.
#[expect(dead_code, reason = "held for what dropping them does")]
pub(super) enum LaneGuard {
    Read(OwnedRwLockReadGuard<()>),
    Write(OwnedRwLockWriteGuard<()>),
}

/// One stream's lane.
#[derive(Debug, Default)]
pub(super) struct LaneCell {
    gate: Arc<RwLock<()>>,
    tip: Mutex<Option<PendingState>>,
    epochs: AtomicU64,
    touched: AtomicBool,
    /// Held while the tip is loaded, so that several readers load once.
    pub(super) loading: AsyncMutex<()>,
}

impl LaneCell {
    pub(super) async fn read(&self) -> LaneGuard {
        LaneGuard::Read(Arc::clone(&self.gate).read_owned().await)
    }

    pub(super) async fn write(&self) -> LaneGuard {
        LaneGuard::Write(Arc::clone(&self.gate).write_owned().await)
    }

    pub(super) fn tip(&self) -> Option<PendingState> {
        self.tip.lock().clone()
    }

    pub(super) fn set_tip(&self, tip: PendingState) {
        *self.tip.lock() = Some(tip);
    }

    pub(super) fn next_epoch(&self) -> u64 {
        self.epochs.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Drops the tip if it is of this version.
    pub(super) fn invalidate_at(&self, version: Version) {
        self.tip.lock().take_if(|tip| tip.version == version);
    }

    /// Drops the tip, unless a newer one was loaded since.
    pub(super) fn invalidate(&self, epoch: u64) {
        self.tip.lock().take_if(|tip| tip.epoch == epoch);
    }

    fn is_busy(self: &Arc<Self>) -> bool {
        Arc::strong_count(self) > 1
            || self
                .tip
                .lock()
                .as_ref()
                .is_some_and(|tip| !tip.is_settled())
    }
}

/// All lanes of a process: a bounded cache of states as well.
#[derive(Debug)]
pub(super) struct Lanes {
    capacity: usize,
    cells: Mutex<Cells>,
}

#[derive(Debug, Default)]
struct Cells {
    by_stream: HashMap<StreamId, Arc<LaneCell>>,
    /// The places of the cache, the next one to be looked at in front: what was used since the last look keeps its
    /// place, anything else goes. A stream that was let go leaves its place behind, and may come to have another.
    clock: VecDeque<StreamId>,
}

impl Lanes {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            cells: Mutex::default(),
        }
    }

    /// A lane, if it is known.
    pub(super) fn find(&self, stream: &StreamId) -> Option<Arc<LaneCell>> {
        self.cells.lock().by_stream.get(stream).cloned()
    }

    /// A lane, whether it was known or not.
    pub(super) fn get(&self, stream: &StreamId) -> Arc<LaneCell> {
        let mut cells = self.cells.lock();
        if let Some(cell) = cells.by_stream.get(stream) {
            cell.touched.store(true, Ordering::Relaxed);
            return Arc::clone(cell);
        }
        if cells.clock.len() >= self.capacity {
            cells.evict();
        }
        let cell = Arc::new(LaneCell::default());
        cells.by_stream.insert(stream.clone(), Arc::clone(&cell));
        cells.clock.push_back(stream.clone());
        cell
    }

    /// Drops a lane that nobody is in. Its place comes free when it is looked at.
    pub(super) fn evict(&self, stream: &StreamId) {
        let mut cells = self.cells.lock();
        if let Some(cell) = cells.by_stream.get(stream)
            && !cell.is_busy()
        {
            cells.by_stream.remove(stream);
        }
    }
}

impl Cells {
    /// Frees a place if it finds one within a few steps. Otherwise the cache is a little over its capacity until
    /// the next try.
    fn evict(&mut self) {
        const STEPS: usize = 16;
        let mut freed = 0;
        for _ in 0..STEPS {
            let Some(stream) = self.clock.pop_front() else {
                return;
            };
            let keep = self
                .by_stream
                .get(&stream)
                .is_some_and(|cell| cell.touched.swap(false, Ordering::Relaxed) || cell.is_busy());
            if keep {
                self.clock.push_back(stream);
            } else {
                self.by_stream.remove(&stream);
                freed += 1;
                // Two at a time, so that a cache over its capacity comes back to it.
                if freed == 2 {
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_that_were_let_go_leave_no_trace_that_grows() {
        let lanes = Lanes::new(10);
        for number in 0..1_000 {
            let stream = StreamId::new("saga", format!("saga-{number}"));
            drop(lanes.get(&stream));
            lanes.evict(&stream);
            assert!(lanes.find(&stream).is_none());
        }
        let cells = lanes.cells.lock();
        assert!(cells.by_stream.is_empty() && cells.clock.len() <= 10);
    }

    #[test]
    fn the_cache_stays_within_its_capacity_however_many_streams_pass() {
        let lanes = Lanes::new(10);
        for number in 0..1_000 {
            let stream = StreamId::new("order", format!("order-{number}"));
            // Each is used a second time, as an order is by its saga.
            drop(lanes.get(&stream));
            drop(lanes.get(&stream));
            let cells = lanes.cells.lock();
            assert!(cells.by_stream.len() <= 10 && cells.clock.len() <= 10);
        }
    }

    #[test]
    fn a_lane_that_somebody_is_in_is_not_let_go() {
        let lanes = Lanes::new(10);
        let stream = StreamId::new("saga", "saga-1");
        let cell = lanes.get(&stream);
        lanes.evict(&stream);
        assert!(
            lanes
                .find(&stream)
                .is_some_and(|found| Arc::ptr_eq(&found, &cell))
        );
    }
}
