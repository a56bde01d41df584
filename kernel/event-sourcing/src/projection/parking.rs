//! How long a parked projection stays parked.
//!
//! A runner that cannot read or fold an event tries it again at its next start, when an operator asks for it, and when
//! an operator skips it; not by itself, since the same binary would fail in the same way. Meanwhile it leaves the lease to
//! the runners of other binaries, and takes part again once one of them has passed the event.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::{Parked, Projection, ProjectionControl, ProjectionProgress, ProjectionStore};
use crate::decision::Decisions;
use crate::id::Position;
use crate::store::{EventStore, StoreError};

/// How old the operators' decisions may be that a page is folded by.
const DECISIONS_MAX_AGE: Duration = Duration::from_secs(1);
/// How long the log grows before a parked runner looks whether one of the events is a decision.
const LINGER: Duration = Duration::from_millis(100);

/// What a runner remembers from one lease to the next.
pub(super) struct Parking {
    log: Arc<dyn EventStore>,
    decisions: Decisions<ProjectionControl>,
    read_at: Option<Instant>,
    /// The event that this runner could not read or fold, and was not asked to try again.
    gave_up: Option<Position>,
}

impl Parking {
    /// Of a runner that has tried nothing yet.
    pub(super) fn new(projection: &'static str, log: Arc<dyn EventStore>) -> Self {
        Self {
            log,
            decisions: Decisions::about(projection),
            read_at: None,
            gave_up: None,
        }
    }

    /// Reads what operators have decided since.
    pub(super) async fn refresh(&mut self) -> Result<(), StoreError> {
        let resumes = self.decisions.control().resumes();
        self.decisions.refresh(&*self.log).await?;
        let control = self.decisions.control();
        let is_skipped = self
            .gave_up
            .is_some_and(|position| control.skips().contains(&position));
        if is_skipped || control.resumes() > resumes {
            self.gave_up = None;
        }
        self.read_at = Some(Instant::now());
        Ok(())
    }

    /// The positions that are left out, ascending; as of a moment ago at the earliest.
    pub(super) async fn skips(&mut self) -> Result<Vec<Position>, StoreError> {
        let is_old = |read_at: Instant| read_at.elapsed() > DECISIONS_MAX_AGE;
        if self.read_at.is_none_or(is_old) {
            self.refresh().await?;
        }
        let skips = self.decisions.control().skips();
        Ok(skips.iter().copied().collect())
    }

    /// The event that the projection is parked at, if this runner has tried it.
    pub(super) fn unparked(&self, progress: &ProjectionProgress) -> Option<Parked> {
        let parked = progress.parked.as_ref();
        parked
            .filter(|parked| self.gave_up == Some(parked.position))
            .cloned()
    }

    /// Waits until there is a reason to take the lease again. Whether another runner has passed the event; otherwise this
    /// one is to try it. It looks at least each `interval`.
    pub(super) async fn wait<P: Projection>(
        &mut self,
        parked: &Parked,
        rows: &dyn ProjectionStore<P>,
        interval: Duration,
    ) -> Result<bool, StoreError> {
        self.gave_up = Some(parked.position);
        loop {
            let head = self.log.head().await?;
            self.refresh().await?;
            if self.gave_up.is_none() {
                return Ok(false);
            }
            let now = rows.progress().await?.parked;
            if now.is_none_or(|now| now.position != parked.position) {
                return Ok(true);
            }
            tokio::select! {
                grown = self.log.wait_for(head.next()) => {
                    grown?;
                    tokio::time::sleep(LINGER).await;
                }
                () = tokio::time::sleep(interval) => {}
            }
        }
    }
}
