//! Lanes: each serializes the commands of one process on one stream.
//!
//! ```text
//!   lock            who may decide now: one writer, or several readers, in order of arrival
//!   pending state   the state after the commits sent so far, and the pending result of the last of them
//! ```
//!
//! A command locks the lanes of all its streams in the order of the streams' names, which excludes deadlocks. It
//! decides on the pending states, sends its commit, advances the pending states and releases the locks: no lock is held
//! while the store writes, so commands on one stream are pipelined. The appender preserves the order of sending, so
//! each commit finds the events that it was decided on, or is rejected. When a commit is rejected, the pending states
//! that it advanced are invalidated. Later commits on those streams are rejected too, because they name the id of an
//! event that was never written; they are decided again on the stored state.
//!
//! An epoch identifies one load of a lane. A command whose commit was rejected invalidates the pending state only if
//! its epoch is the one that the command decided on, so it never drops a state that was loaded since.

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

/// The state of a stream after all commits sent so far. Optimistic: the last of them may not be durable yet.
#[derive(Clone, Debug)]
pub(super) struct PendingState {
    pub(super) state: AnyState,
    pub(super) version: Version,
    /// The id of the event at `version`, if known.
    pub(super) last_event: Option<Uuid>,
    /// The last commit that wrote the stream; `None` if the state was read from the store.
    pub(super) pending: Option<Pending>,
    pub(super) epoch: u64,
}

impl PendingState {
    /// Whether no commit that it depends on is in flight. The appender answers in order, so the last commit is enough.
    fn is_settled(&self) -> bool {
        self.pending.as_ref().is_none_or(Pending::is_complete)
    }

    /// The expected version of a commit that was decided on this state.
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

/// The held lock of a lane.
#[expect(dead_code, reason = "held until they are dropped")]
pub(super) enum LaneGuard {
    Read(OwnedRwLockReadGuard<()>),
    Write(OwnedRwLockWriteGuard<()>),
}

/// One stream's lane.
#[derive(Debug, Default)]
pub(super) struct LaneCell {
    lock: Arc<RwLock<()>>,
    pending_state: Mutex<Option<PendingState>>,
    epochs: AtomicU64,
    recently_used: AtomicBool,
    /// Held while the pending state is loaded: concurrent readers share the lane's lock, and only one of them should
    /// load.
    pub(super) loading: AsyncMutex<()>,
}

impl LaneCell {
    pub(super) async fn read(&self) -> LaneGuard {
        LaneGuard::Read(Arc::clone(&self.lock).read_owned().await)
    }

    pub(super) async fn write(&self) -> LaneGuard {
        LaneGuard::Write(Arc::clone(&self.lock).write_owned().await)
    }

    pub(super) fn pending_state(&self) -> Option<PendingState> {
        self.pending_state.lock().clone()
    }

    pub(super) fn set_pending_state(&self, pending_state: PendingState) {
        *self.pending_state.lock() = Some(pending_state);
    }

    pub(super) fn next_epoch(&self) -> u64 {
        // Only uniqueness matters, so the atomic needs no ordering.
        self.epochs.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Drops the pending state if it is at this version.
    pub(super) fn invalidate_at(&self, version: Version) {
        self.pending_state
            .lock()
            .take_if(|pending_state| pending_state.version == version);
    }

    /// Drops the pending state, unless a newer one was loaded since.
    pub(super) fn invalidate(&self, epoch: u64) {
        self.pending_state
            .lock()
            .take_if(|pending_state| pending_state.epoch == epoch);
    }

    // Evicting a lane in use would give the next command a second lock for the same stream. Evicting one whose commit
    // is in flight would load a state without that commit.
    fn is_busy(self: &Arc<Self>) -> bool {
        Arc::strong_count(self) > 1
            || self
                .pending_state
                .lock()
                .as_ref()
                .is_some_and(|pending_state| !pending_state.is_settled())
    }
}

/// All lanes of a process, which are also a bounded cache of states.
#[derive(Debug)]
pub(super) struct Lanes {
    capacity: usize,
    cells: Mutex<Cells>,
}

#[derive(Debug, Default)]
struct Cells {
    by_stream: HashMap<StreamId, Arc<LaneCell>>,
    /// The queue of the CLOCK eviction algorithm: an entry used since its last inspection moves to the back, any other
    /// is evicted. A stream evicted explicitly leaves its entry in the queue and can therefore have two; the queue
    /// length, not the map, is bounded by the capacity.
    clock: VecDeque<StreamId>,
}

impl Lanes {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            cells: Mutex::default(),
        }
    }

    /// The lane of a stream, if cached.
    pub(super) fn find(&self, stream: &StreamId) -> Option<Arc<LaneCell>> {
        self.cells.lock().by_stream.get(stream).cloned()
    }

    /// The lane of a stream, created if absent.
    pub(super) fn get(&self, stream: &StreamId) -> Arc<LaneCell> {
        // Lookup and insertion under one lock: a stream must never have two lanes.
        let mut cells = self.cells.lock();
        if let Some(cell) = cells.by_stream.get(stream) {
            cell.recently_used.store(true, Ordering::Relaxed);
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

    /// Evicts a lane unless it is in use. Its queue entry is removed at its next inspection.
    pub(super) fn evict(&self, stream: &StreamId) {
        // `is_busy` is checked under the map's lock: no other task can get the lane between check and removal.
        let mut cells = self.cells.lock();
        if let Some(cell) = cells.by_stream.get(stream)
            && !cell.is_busy()
        {
            cells.by_stream.remove(stream);
        }
    }
}

impl Cells {
    /// Evicts entries, inspecting a bounded number of them under the lock. If none can be evicted the cache exceeds its
    /// capacity until the next call.
    fn evict(&mut self) {
        const STEPS: usize = 16;
        let mut freed = 0;
        for _ in 0..STEPS {
            let Some(stream) = self.clock.pop_front() else {
                return;
            };
            let keep = self.by_stream.get(&stream).is_some_and(|cell| {
                cell.recently_used.swap(false, Ordering::Relaxed) || cell.is_busy()
            });
            if keep {
                self.clock.push_back(stream);
            } else {
                self.by_stream.remove(&stream);
                freed += 1;
                // Two for each insertion, so that a cache over its capacity shrinks back to it.
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
    fn evicted_lanes_do_not_accumulate() {
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
            // Each is used twice, as an order is by its saga, so that its entry survives the first inspection.
            drop(lanes.get(&stream));
            drop(lanes.get(&stream));
            let cells = lanes.cells.lock();
            assert!(cells.by_stream.len() <= 10 && cells.clock.len() <= 10);
        }
    }

    #[test]
    fn a_lane_in_use_is_not_evicted() {
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
