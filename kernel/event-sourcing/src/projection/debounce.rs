//! Delays checkpoint writes that no reader waits for.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::id::Position;

/// How long to let events accumulate, per event that the log has just grown by: the busier the log, the larger the
/// pages. Single events are shown almost immediately.
const LINGER_PER_EVENT: Duration = Duration::from_millis(1);

/// The time during which the checkpoint may lag behind the log because no event matched the projection.
pub(super) struct CheckpointDebounce {
    requested: Option<watch::Receiver<Position>>,
    max_delay: Duration,
    until: Option<Instant>,
}

impl CheckpointDebounce {
    pub(super) fn new(demand: Option<watch::Receiver<Position>>, most: Duration) -> Self {
        Self {
            requested: demand,
            max_delay: most,
            until: None,
        }
    }

    /// Starts the delay, unless it runs already. Returns true while the checkpoint need not be written, although the
    /// log was read up to `seen`.
    pub(super) fn may_delay(&mut self, checkpoint: Position, seen: Position) -> bool {
        let Some(demand) = &self.requested else {
            return false;
        };
        let now = Instant::now();
        let until = *self.until.get_or_insert(now + self.max_delay);
        now < until && !satisfies_request(checkpoint, seen, *demand.borrow())
    }

    /// Waits until the checkpoint must be written.
    pub(super) async fn elapsed(&mut self, checkpoint: Position, seen: Position) {
        let until = self.until.unwrap_or_else(Instant::now);
        let Some(demand) = &mut self.requested else {
            return;
        };
        let demanded = demand.wait_for(|wanted| satisfies_request(checkpoint, seen, *wanted));
        // A request, the timeout, or a dropped sender: each ends the wait.
        let _ended = tokio::time::timeout_at(until, demanded).await;
    }

    /// Lets events accumulate, unless a reader waits for one of them. The log has just grown by `grown` events.
    pub(super) async fn linger(&mut self, checkpoint: Position, grown: u64) {
        let Some(demand) = &mut self.requested else {
            return;
        };
        let end = Instant::now() + self.max_delay.min(pause(grown));
        let end = self.until.map_or(end, |until| until.min(end));
        let demanded = demand.wait_for(|wanted| *wanted > checkpoint);
        // A request, the timeout, or a dropped sender: each ends the wait.
        let _ended = tokio::time::timeout_at(end, demanded).await;
    }

    /// Ends the delay: the checkpoint was written.
    pub(super) fn end(&mut self) {
        self.until = None;
    }
}

fn pause(grown: u64) -> Duration {
    LINGER_PER_EVENT.saturating_mul(u32::try_from(grown).unwrap_or(u32::MAX))
}

/// Whether writing the checkpoint `seen` would complete the read that waits for `wanted`.
fn satisfies_request(checkpoint: Position, seen: Position, wanted: Position) -> bool {
    checkpoint < wanted && wanted <= seen
}
