//! Acquires lanes: the locks, in order, and the pending states that they protect.

use std::collections::HashMap;

use tokio::time::Instant;

use super::executor::Executor;
use super::lane::{LaneCell, LaneGuard, PendingState};
use super::load::{Loaded, load};
use super::state::AggregateType;
use super::stream_lane::{Lane, LaneSet, Mode};
use super::work::AcquiredStream;
use crate::id::Version;
use crate::store::StoreError;
use crate::stream::StreamId;

impl Executor {
    /// Locks the lanes in the order of the streams' names and returns their pending states.
    pub(super) async fn acquire(
        &self,
        lanes: &LaneSet,
        deadline: Instant,
    ) -> Result<(Vec<LaneGuard>, HashMap<StreamId, AcquiredStream>), StoreError> {
        let mut guards = Vec::with_capacity(lanes.len());
        let mut acquired = HashMap::with_capacity(lanes.len());
        for lane in lanes.values().filter(|lane| lane.mode != Mode::Fresh) {
            let cell = self.lanes.get(&lane.stream);
            guards.push(match lane.mode {
                Mode::Read => cell.read().await,
                _ => cell.write().await,
            });
            let pending_state = match (lane.mode, cell.pending_state()) {
                (_, Some(pending_state)) => pending_state,
                // Not stored in the lane: a state that was never read must not serve other commands.
                (Mode::Create, None) => PendingState {
                    state: (lane.kind.initial)(),
                    version: Version::NONE,
                    last_event: None,
                    pending: None,
                    epoch: cell.next_epoch(),
                },
                (_, None) => self.load_pending_state(lane, &cell).await?,
            };
            acquired.insert(
                lane.stream.clone(),
                AcquiredStream::new(lane, Some(cell), pending_state),
            );
        }
        // Last, after all locks are held: the flush waits for every commit queued before, and the reads then see them.
        // If the flush times out, the reads may be stale; the store's version check still protects the commit.
        let mut settled = false;
        for lane in lanes.values().filter(|lane| lane.mode == Mode::Fresh) {
            if !settled {
                settled = self.appender.flush(deadline).await.is_ok();
            }
            let pending_state = self.read(lane.kind, &lane.stream, 0).await?;
            acquired.insert(
                lane.stream.clone(),
                AcquiredStream::new(lane, None, pending_state),
            );
        }
        Ok((guards, acquired))
    }

    /// The pending state of a lane, loaded from the store if absent.
    pub(super) async fn load_pending_state(
        &self,
        lane: &Lane,
        cell: &LaneCell,
    ) -> Result<PendingState, StoreError> {
        if let Some(pending_state) = cell.pending_state() {
            return Ok(pending_state);
        }
        let _alone = cell.loading.lock().await;
        // Another reader may have loaded it while this one waited for the lock.
        if let Some(pending_state) = cell.pending_state() {
            return Ok(pending_state);
        }
        let pending_state = self
            .read(lane.kind, &lane.stream, cell.next_epoch())
            .await?;
        cell.set_pending_state(pending_state.clone());
        Ok(pending_state)
    }

    async fn read(
        &self,
        kind: &'static AggregateType,
        stream: &StreamId,
        epoch: u64,
    ) -> Result<PendingState, StoreError> {
        let loaded = load(&*self.store, kind, stream, None).await?;
        if loaded.folded >= self.snapshot_every
            && let Some(last_event) = loaded.last_event
        {
            self.snapshots
                .take(kind, stream, &loaded.state, loaded.version, last_event);
        }
        let Loaded {
            state,
            version,
            last_event,
            ..
        } = loaded;
        Ok(PendingState {
            state,
            version,
            last_event,
            pending: None,
            epoch,
        })
    }
}
