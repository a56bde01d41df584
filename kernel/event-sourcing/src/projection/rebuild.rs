//! Folds the log into a generation that is not read yet.
//!
//! The caller chooses the positions up to which it folds, because the rows are compared with the live ones
//! at an exact position. The pages are folded and written by the code of the live path.

use std::fmt;
use std::sync::Arc;

use super::config::RunnerConfig;
use super::page::PageFolder;
use super::parking::Parking;
use super::{Parked, Projection, ProjectionProgress, ProjectionStore};
use crate::id::Position;
use crate::lease::{LeaseStore, Token};
use crate::store::{EventStore, LogPage, StoreError};
use crate::subscription::{LeaseLost, LogReader};

/// Folds the log into one generation under a lease of its own, up to chosen positions.
pub struct Rebuilder<P: Projection> {
    pages: PageFolder<P>,
    page: usize,
}

/// Why a rebuild stopped.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// Another process holds the lease, or the generation was dropped.
    #[error("another process has taken over or ended the rebuild")]
    LeaseLost,
    /// The rows belong to another log. The next [`Rebuilder::begin`] starts with an empty generation.
    #[error("the event store was restored or replaced")]
    ForeignLog,
    /// An event cannot be read or folded.
    #[error("event {} cannot be folded: {}", .0.position, .0.reason)]
    Parked(Parked),
    /// A database failed.
    #[error("a database failed")]
    Store(#[from] StoreError),
}

impl From<LeaseLost> for RebuildError {
    fn from(lost: LeaseLost) -> Self {
        match lost {
            LeaseLost::Lease => Self::LeaseLost,
            LeaseLost::Log(_) => Self::ForeignLog,
            LeaseLost::Error(error) => Self::Store(error),
        }
    }
}

/// The end of work under a lease: by itself, or because the lease was lost.
enum Ended<E> {
    Work(E),
    Lost(LeaseLost),
}

impl<E> From<LeaseLost> for Ended<E> {
    fn from(lost: LeaseLost) -> Self {
        Self::Lost(lost)
    }
}

impl<P: Projection> Rebuilder<P> {
    /// Folds `log` into `rows`. The lease must not be that of the live runner, which continues meanwhile.
    #[must_use]
    pub fn new(
        log: Arc<dyn EventStore>,
        rows: Arc<dyn ProjectionStore<P>>,
        leases: Arc<dyn LeaseStore>,
        config: &RunnerConfig,
    ) -> Self {
        Self {
            pages: PageFolder::new("rebuild", log, rows, leases, config),
            page: config.page,
        }
    }

    /// The name of its lease.
    #[must_use]
    pub fn lease(&self) -> Arc<str> {
        Arc::clone(&self.pages.lease)
    }

    /// Takes the lease. `None` if another process holds it.
    ///
    /// # Errors
    /// [`StoreError`] if the leases cannot be reached.
    pub async fn take(&self) -> Result<Option<Token>, StoreError> {
        match self.pages.subscription.take().await {
            Ok(token) => Ok(Some(token)),
            Err(LeaseLost::Error(error)) => Err(error),
            Err(LeaseLost::Lease | LeaseLost::Log(_)) => Ok(None),
        }
    }

    /// Runs `work` while the lease is held and the checkpoint belongs to the log.
    ///
    /// # Errors
    /// That of `work`, or [`RebuildError`] if the lease was lost meanwhile.
    pub async fn hold<T, E: From<RebuildError>>(
        &self,
        token: Token,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let work = async { work.await.map_err(Ended::Work) };
        let ended = self.pages.subscription.run_with_lease(token, work).await;
        ended.map_err(|ended| match ended {
            Ended::Work(error) => error,
            Ended::Lost(lost) => RebuildError::from(lost).into(),
        })
    }

    /// Fences earlier holders and returns the stored progress, from which an interrupted rebuild continues. If the rows
    /// belong to another log, it starts again with an empty generation.
    ///
    /// # Errors
    /// [`RebuildError`] except for [`RebuildError::Parked`].
    pub async fn begin(&self, token: Token) -> Result<ProjectionProgress, RebuildError> {
        Ok(self.pages.begin(token).await?)
    }

    /// Folds the events after `progress` up to exactly `target`, which must not be above the head of the log. Does
    /// nothing if the rows are there already.
    ///
    /// # Errors
    /// [`RebuildError`]. After [`RebuildError::Parked`], `progress` is at the event before.
    pub async fn fold_to(
        &self,
        token: Token,
        progress: &mut ProjectionProgress,
        target: Position,
    ) -> Result<(), RebuildError> {
        let log = self.pages.subscription.log();
        let mut parking = Parking::new(P::NAME, Arc::clone(log));
        let filter = self.pages.handlers.filter();
        let mut reader = LogReader::new(Arc::clone(log), filter, self.page, progress.position);
        let mut ahead = None;
        while progress.position < target {
            let page = match ahead.take() {
                Some(page) => page,
                None => reader.page().await?,
            };
            let page = up_to(page, target);
            if page.read_up_to <= progress.position {
                // The log ends before a position that it had: it was replaced by an older copy.
                return Err(RebuildError::ForeignLog);
            }
            let skips = parking.skips().await?;
            let applied = self.pages.apply(token, progress, page, &mut reader, &skips);
            ahead = applied.await?;
            self.pages.subscription.set_checkpoint(progress.mark);
            if let Some(parked) = &progress.parked {
                return Err(RebuildError::Parked(parked.clone()));
            }
        }
        Ok(())
    }

    /// Releases the lease, so that another process can continue.
    pub async fn release(&self) {
        self.pages.subscription.release().await;
    }
}

impl<P: Projection> fmt::Debug for Rebuilder<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rebuilder({})", P::NAME)
    }
}

/// The page without what is after `target`, which is its head then: the log is read no further.
fn up_to(page: LogPage, target: Position) -> LogPage {
    let mut page = page;
    page.entries.retain(|entry| entry.position() <= target);
    page.read_up_to = page.read_up_to.min(target);
    page.head = page.head.min(target);
    page
}
