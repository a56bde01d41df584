//! When a parked projection tries again, and when a paused one resumes.
//!
//! A runner that cannot read or fold an event tries it again at its next start and when an operator resumes the
//! projection or skips the event. It does not retry by itself: the same binary would fail in the same way. Until then
//! it leaves the lease to the runners of other binaries, and competes for it again once one of them has passed the
//! event.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::{Parked, Projection, ProjectionControl, ProjectionProgress, ProjectionStore};
use crate::decision::Decisions;
use crate::id::Position;
use crate::store::{EventStore, StoreError};

/// The maximum age of the operators' decisions when a page is folded.
const DECISIONS_MAX_AGE: Duration = Duration::from_secs(1);
/// How long a parked runner waits after the log has grown before it reads decisions, so that a busy log does not cause
/// a read per event.
const LINGER: Duration = Duration::from_millis(100);

/// The state of a runner that outlives a lease.
pub(super) struct Parking {
    log: Arc<dyn EventStore>,
    decisions: Decisions<ProjectionControl>,
    read_at: Option<Instant>,
    /// How far the log was read when the decisions were read last.
    read_up_to: Position,
    /// The event that this runner could not read or fold, until an operator resumes or skips.
    failed_at: Option<Position>,
}

impl Parking {
    /// The state of a runner before its first attempt.
    pub(super) fn new(projection: &'static str, log: Arc<dyn EventStore>) -> Self {
        Self {
            log,
            decisions: Decisions::about(projection),
            read_at: None,
            read_up_to: Position::START,
            failed_at: None,
        }
    }

    /// Reads the operators' new decisions.
    pub(super) async fn refresh(&mut self) -> Result<(), StoreError> {
        let resumes = self.decisions.control().resumes();
        self.decisions.refresh(&*self.log).await?;
        let control = self.decisions.control();
        // Both decisions are a reason to try the event again; after a skip it is not folded.
        let is_skipped = self
            .failed_at
            .is_some_and(|position| control.skips().contains(&position));
        if is_skipped || control.resumes() > resumes {
            self.failed_at = None;
        }
        self.read_at = Some(Instant::now());
        Ok(())
    }

    /// Whether an operator has paused the projection. Decisions in the log up to `seen` are known within
    /// [`DECISIONS_MAX_AGE`].
    pub(super) async fn is_paused(&mut self, seen: Position) -> Result<bool, StoreError> {
        if self.due(seen).is_some_and(|due| due <= Instant::now()) {
            self.refresh().await?;
            self.read_up_to = seen;
        }
        Ok(self.decisions.control().is_paused())
    }

    /// Returns when [`Self::is_paused`] must be called again although the log does not grow.
    pub(super) async fn until_due(&self, seen: Position) {
        match self.due(seen) {
            Some(due) => tokio::time::sleep_until(due).await,
            None => std::future::pending().await,
        }
    }

    /// When the decisions must be read again: only a log that has grown can have a new one.
    fn due(&self, seen: Position) -> Option<Instant> {
        let read_at = self.read_at?;
        (seen > self.read_up_to).then(|| read_at + DECISIONS_MAX_AGE)
    }

    /// Waits until an operator resumes the projection. Checks at least every `interval`.
    pub(super) async fn wait_until_resumed(
        &mut self,
        interval: Duration,
    ) -> Result<(), StoreError> {
        loop {
            // As in `wait`: a decision that is appended after the head was read wakes the wait below.
            let head = self.log.head().await?;
            self.refresh().await?;
            if !self.decisions.control().is_paused() {
                return Ok(());
            }
            self.wait_for_growth(head, interval).await?;
        }
    }

    /// The skipped positions, ascending, at most [`DECISIONS_MAX_AGE`] old.
    pub(super) async fn skips(&mut self) -> Result<Vec<Position>, StoreError> {
        let is_old = |read_at: Instant| read_at.elapsed() > DECISIONS_MAX_AGE;
        if self.read_at.is_none_or(is_old) {
            self.refresh().await?;
        }
        let skips = self.decisions.control().skips();
        Ok(skips.iter().copied().collect())
    }

    /// The event at which the projection is parked, if this runner has already tried it.
    pub(super) fn unparked(&self, progress: &ProjectionProgress) -> Option<Parked> {
        let parked = progress.parked.as_ref();
        parked
            .filter(|parked| self.failed_at == Some(parked.position))
            .cloned()
    }

    /// Waits until there is a reason to take the lease again. Returns true if another runner has passed the event,
    /// false if this one must try it. Checks at least every `interval`.
    pub(super) async fn wait<P: Projection>(
        &mut self,
        parked: &Parked,
        rows: &dyn ProjectionStore<P>,
        interval: Duration,
    ) -> Result<bool, StoreError> {
        self.failed_at = Some(parked.position);
        loop {
            // The head is read before the decisions: a decision appended in between then wakes the wait below.
            let head = self.log.head().await?;
            self.refresh().await?;
            if self.failed_at.is_none() {
                return Ok(false);
            }
            let now = rows.progress().await?.parked;
            if now.is_none_or(|now| now.position != parked.position) {
                return Ok(true);
            }
            self.wait_for_growth(head, interval).await?;
        }
    }

    /// Waits until the log has grown beyond `head`, at most for `interval`.
    async fn wait_for_growth(&self, head: Position, interval: Duration) -> Result<(), StoreError> {
        tokio::select! {
            grown = self.log.wait_for(head.next()) => {
                grown?;
                tokio::time::sleep(LINGER).await;
            }
            () = tokio::time::sleep(interval) => {}
        }
        Ok(())
    }
}
