//! How long a checkpoint may stay behind events that do not concern its projection.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::id::Position;

/// How long events gather, for each that the log has just grown by: the busier the log, the larger the pages. Where
/// events come one by one, each is shown at once.
const LINGER_PER_EVENT: Duration = Duration::from_millis(1);

/// The time in which a checkpoint stays behind, because nothing that concerns the projection has happened.
pub(super) struct CheckpointDebounce {
    demand: Option<watch::Receiver<Position>>,
    most: Duration,
    until: Option<Instant>,
}

impl CheckpointDebounce {
    pub(super) fn new(demand: Option<watch::Receiver<Position>>, most: Duration) -> Self {
        Self {
            demand,
            most,
            until: None,
        }
    }

    /// Begins, unless it has begun. Whether the checkpoint may stay where it is, though the log is known up to `seen`.
    pub(super) fn must_write(&mut self, checkpoint: Position, seen: Position) -> bool {
        let Some(demand) = &self.demand else {
            return false;
        };
        let now = Instant::now();
        let until = *self.until.get_or_insert(now + self.most);
        now < until && !helps(checkpoint, seen, *demand.borrow())
    }

    /// Waits until the checkpoint must move.
    pub(super) async fn over(&mut self, checkpoint: Position, seen: Position) {
        let until = self.until.unwrap_or_else(Instant::now);
        let Some(demand) = &mut self.demand else {
            return;
        };
        let demanded = demand.wait_for(|wanted| helps(checkpoint, seen, *wanted));
        // A demand, the end of the time, or the end of those who demand: each ends it.
        let _ended = tokio::time::timeout_at(until, demanded).await;
    }

    /// Lets events gather, unless a reader waits for one of them. The log has just grown by `grown` events.
    pub(super) async fn linger(&mut self, checkpoint: Position, grown: u64) {
        let Some(demand) = &mut self.demand else {
            return;
        };
        let end = Instant::now() + self.most.min(pause(grown));
        let end = self.until.map_or(end, |until| until.min(end));
        let demanded = demand.wait_for(|wanted| *wanted > checkpoint);
        // A demand, the end of the time, or the end of those who demand: each ends it.
        let _ended = tokio::time::timeout_at(end, demanded).await;
    }

    /// The checkpoint has moved.
    pub(super) fn end(&mut self) {
        self.until = None;
    }
}

fn pause(grown: u64) -> Duration {
    LINGER_PER_EVENT.saturating_mul(u32::try_from(grown).unwrap_or(u32::MAX))
}

/// Whether a move of the checkpoint to `seen` would let the reader of `wanted` go on.
fn helps(checkpoint: Position, seen: Position, wanted: Position) -> bool {
    checkpoint < wanted && wanted <= seen
}
