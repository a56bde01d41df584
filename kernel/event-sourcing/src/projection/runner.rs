//! Runs one projection: takes its lease, reads pages, folds them, and writes rows and checkpoint together.
//!
//! ```text
//!  wait for the lease ──► begin(token) ──► read page ──► fold ──► write rows + checkpoint ─┐
//!        ▲                                   ▲  │ nothing new: wait for the log            │
//!        │                                   └──┴──────────────────────────────────────────┤
//!        ├── lease lost, the checkpoint was moved by another process, or another log ──────┤
//!        └── an operator resumes or skips ◄── release the lease ◄── parked or paused ──────┘
//! ```
//!
//! A runner that cannot read or fold an event parks the projection and releases the lease, because a newer binary may
//! be able to read the event. It tries the event again at its next start and when an operator resumes the projection,
//! and competes for the lease again after another runner has passed the event.
//!
//! Events that do not match the projection's filter still advance its checkpoint, because readers may wait for a
//! position. Writing a transaction for each such page would be most of the load of an idle projection. The runner
//! therefore advances in memory, and writes when a reader waits or after a short time (`CheckpointDebounce`). A page
//! of few events costs nearly as much as a page of many, so the runner also lets events accumulate while no reader
//! waits, the longer the faster the log grows.
//!
//! The next page is read while one is written. Database errors are retried forever, with backoff.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span};

use super::build::BuildReport;
use super::config::RunnerConfig;
use super::debounce::CheckpointDebounce;
use super::page::PageFolder;
use super::parking::Parking;
use super::{Parked, Projection, ProjectionProgress, ProjectionStore};
use crate::backoff::Backoff;
use crate::decision;
use crate::failure_log::FailureLog;
use crate::fields;
use crate::id::Position;
use crate::lease::{LeaseStore, Token};
use crate::store::{EventStore, LogPage, StoreError};
use crate::subscription::{LeaseLost, LogReader};
use crate::trace;

/// The observable state of a runner.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts, each shown by itself"
)]
pub struct RunnerState {
    /// Whether this process holds the lease and runs the projection.
    pub active: bool,
    /// The checkpoint that this process wrote or read last.
    pub position: Position,
    /// Whether its rows have reached the head of the log once; until then it is being built.
    pub caught_up: bool,
    /// The event at which the projection is parked, if it is.
    pub parked: Option<Parked>,
    /// Whether an operator has paused the projection.
    pub is_paused: bool,
    /// The database error after which it retries, if any.
    pub failing: Option<String>,
    /// Whether that error is permanent: a damaged database, or one that this binary does not support.
    pub is_damaged: bool,
}

/// How often a runner without the lease tries to take it, at the least. A process that stops releases its leases, and reads wait
/// a few seconds at most for events that are not folded meanwhile.
const STANDBY_INTERVAL: Duration = Duration::from_millis(500);

/// Runs one projection in this process while it holds the lease.
pub struct Runner<P: Projection> {
    pages: PageFolder<P>,
    config: RunnerConfig,
    state: watch::Sender<RunnerState>,
    failures: FailureLog,
}

/// Why a runner stopped folding.
enum StopReason {
    Lost(LeaseLost),
    /// The projection is parked, and this runner cannot pass the event.
    Parked(Parked),
    /// An operator has paused the projection.
    Paused,
}

impl<E: Into<LeaseLost>> From<E> for StopReason {
    fn from(lost: E) -> Self {
        Self::Lost(lost.into())
    }
}

impl<P: Projection> fmt::Debug for Runner<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Runner({})", P::NAME)
    }
}

impl<P: Projection> Runner<P> {
    /// Creates a runner. It does nothing until [`Self::run`] is called.
    #[must_use]
    pub fn new(
        log: Arc<dyn EventStore>,
        rows: Arc<dyn ProjectionStore<P>>,
        leases: Arc<dyn LeaseStore>,
        config: RunnerConfig,
    ) -> Self {
        Self {
            pages: PageFolder::new("projection", log, rows, leases, &config),
            config,
            state: watch::Sender::default(),
            failures: FailureLog::new(),
        }
    }

    /// The name of its lease.
    #[must_use]
    pub fn lease(&self) -> Arc<str> {
        Arc::clone(&self.pages.lease)
    }

    /// Watches its state.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<RunnerState> {
        self.state.subscribe()
    }

    /// Runs until `stop` is cancelled, then releases the lease. A page that is being written may be lost; the next
    /// runner writes it again.
    pub async fn run(self, stop: CancellationToken) {
        // Registered at 0: a counter that first appears with value 1 hides its first event from `rate()`.
        metrics::counter!("projection_events_total", "projection" => P::NAME).increment(0);
        metrics::counter!("projection_rebuilds_total", "projection" => P::NAME).increment(0);
        for reader in [P::NAME, decision::READER] {
            metrics::counter!("events_unreadable_total", "reader" => reader).increment(0);
        }
        let mut parking = Parking::new(P::NAME, Arc::clone(self.pages.subscription.log()));
        let mut backoff = Backoff::new(self.config.retry_min, self.config.retry_max);
        while !stop.is_cancelled() {
            let wait = tokio::select! {
                () = stop.cancelled() => break,
                wait = self.turn(&mut parking, &mut backoff) => wait,
            };
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(wait) => {}
            }
        }
        self.pages.subscription.release().await;
    }

    /// Runs while it holds the lease, and returns the time until it may try to take the lease again.
    async fn turn(&self, parking: &mut Parking, backoff: &mut Backoff) -> Duration {
        let ended = self.run_with_lease(parking).await;
        let was_active = self.state.borrow().active;
        self.state.send_modify(|state| state.active = false);
        let lost = match ended {
            // A swap of generations rejects the write of a runner that still has the lease. It soon resumes with the new
            // generation; one that has really lost the lease fails to take it, and then waits.
            StopReason::Lost(LeaseLost::Lease) if was_active => return self.config.retry_min,
            StopReason::Lost(lost) => lost,
            StopReason::Paused => match self.stay_paused(parking).await {
                Ok(()) => return Duration::ZERO,
                Err(error) => LeaseLost::Error(error),
            },
            StopReason::Parked(parked) => match self.stay_parked(parking, &parked).await {
                Ok(()) => return Duration::ZERO,
                Err(error) => LeaseLost::Error(error),
            },
        };
        match lost {
            LeaseLost::Lease => {
                backoff.reset();
                // The other process retries now, and reports its own errors.
                self.state
                    .send_modify(|state| (state.failing, state.is_damaged) = (None, false));
                self.pages.subscription.pause().min(STANDBY_INTERVAL)
            }
            // `begin` logs it and rebuilds, at the next attempt.
            LeaseLost::Log(_) => self.config.retry_min,
            LeaseLost::Error(error) => {
                self.show_failure(&error);
                backoff.next_pause()
            }
        }
    }

    /// Releases the lease until there is a reason to try again.
    async fn stay_parked(&self, parking: &mut Parking, parked: &Parked) -> Result<(), StoreError> {
        self.pages.subscription.release().await;
        let stay = parking.wait(parked, &*self.pages.rows, self.config.retry_max);
        if stay.await? {
            self.state.send_modify(|state| state.parked = None);
        }
        Ok(())
    }

    /// Releases the lease until an operator resumes the projection.
    async fn stay_paused(&self, parking: &mut Parking) -> Result<(), StoreError> {
        self.pages.subscription.release().await;
        self.set_paused(true);
        tracing::info!(
            { fields::PROJECTION } = P::NAME,
            "the projection is paused until an operator resumes it"
        );
        parking.wait_until_resumed(self.config.retry_max).await?;
        self.set_paused(false);
        Ok(())
    }

    fn set_paused(&self, is_paused: bool) {
        self.state.send_modify(|state| state.is_paused = is_paused);
        self.pages.rows.set_paused(is_paused);
    }

    fn show_failure(&self, error: &StoreError) {
        if let Some(suppressed) = self.failures.failed(Instant::now()) {
            tracing::warn!(
                { fields::PROJECTION } = P::NAME,
                { fields::ERROR } = error as &dyn std::error::Error,
                { fields::SUPPRESSED } = suppressed,
                "projection retries"
            );
        }
        self.state.send_modify(|state| {
            state.failing = Some(error.to_string());
            state.is_damaged = !error.is_retryable();
        });
    }

    async fn run_with_lease(&self, parking: &mut Parking) -> StopReason {
        match self.try_run(parking).await {
            Ok(never) => match never {},
            Err(ended) => ended,
        }
    }

    async fn try_run(&self, parking: &mut Parking) -> Result<Infallible, StopReason> {
        let token = self.pages.subscription.take().await?;
        parking.refresh().await?;
        if parking.is_paused(Position::START).await? {
            return Err(StopReason::Paused);
        }
        let progress = self.pages.begin(token).await?;
        if let Some(parked) = parking.unparked(&progress) {
            return Err(StopReason::Parked(parked));
        }
        let work = self.work(parking, token, progress);
        self.pages.subscription.run_with_lease(token, work).await
    }

    async fn work(
        &self,
        parking: &mut Parking,
        token: Token,
        mut progress: ProjectionProgress,
    ) -> Result<Infallible, StopReason> {
        let mut reader = LogReader::new(
            Arc::clone(self.pages.subscription.log()),
            self.pages.handlers.filter(),
            self.config.page,
            progress.position,
        );
        let mut ahead = None;
        // Between the written checkpoint and `seen` no event matches the projection. Not persisted: after a crash that
        // part of the log is read again.
        let mut seen = progress.position;
        let mut is_at_end = false;
        let mut idle =
            CheckpointDebounce::new(self.pages.rows.requested_position(), self.config.idle);
        let mut build = BuildReport::new(P::NAME, self.pages.rows.schema_version(), &progress);
        self.show(&progress);
        loop {
            if parking.is_paused(reader.position()).await? {
                return Err(StopReason::Paused);
            }
            let page = match ahead.take() {
                Some(page) => page,
                None if is_at_end
                    && wait_at_head(&progress, &reader, &mut idle, parking).await? =>
                {
                    LogPage::empty(seen)
                }
                None => reader.page().await?,
            };
            is_at_end = page.read_up_to >= page.head;
            let ends_build = is_at_end && !progress.caught_up;
            let is_needed = page.read_up_to > progress.position
                || ends_build && page.read_up_to == progress.position;
            if !is_needed {
                continue;
            }
            let (from, head) = (seen, page.head);
            let is_idle = page.entries.is_empty() && is_at_end && !ends_build;
            if is_idle && idle.may_delay(progress.position, page.read_up_to) {
                seen = page.read_up_to;
            } else {
                let skips = parking.skips().await?;
                let span = Self::span(&progress, &page);
                let applied = self
                    .pages
                    .apply(token, &mut progress, page, &mut reader, &skips);
                ahead = applied.instrument(span).await?;
                if let Some(parked) = &progress.parked {
                    return Err(self.park(&progress, parked.clone()));
                }
                seen = progress.position;
                idle.end();
                self.pages.subscription.set_checkpoint(progress.mark);
                build.advance(&progress, head);
                self.show(&progress);
            }
            if ahead.is_none() {
                let grown = seen.0.saturating_sub(from.0);
                idle.linger(progress.position, grown).await;
            }
        }
    }

    /// In the traces of the events. What a rebuild reads belongs to requests that ended long ago.
    fn span(progress: &ProjectionProgress, page: &LogPage) -> Span {
        let is_live = progress.caught_up;
        let contexts = page.events().map(|event| &event.metadata.trace);
        trace::batch(contexts.filter(|_| is_live), || {
            tracing::info_span!(
                target: trace::TARGET,
                "project",
                otel.name = format!("project {}", P::NAME),
                otel.kind = "consumer",
                messaging.system = trace::MESSAGING_SYSTEM,
                messaging.operation.type = "process",
                messaging.operation.name = "project",
                messaging.consumer.group.name = P::NAME,
                messaging.batch.message_count = page.entries.len(),
            )
        })
    }

    /// Reports, once per attempt, that the projection cannot pass an event.
    fn park(&self, progress: &ProjectionProgress, parked: Parked) -> StopReason {
        metrics::counter!("events_unreadable_total", "reader" => P::NAME).increment(1);
        tracing::error!(
            { fields::PROJECTION } = P::NAME,
            { fields::POSITION } = parked.position.0,
            { fields::REASON } = parked.reason,
            "projection parked: it waits for another binary or an operator"
        );
        self.show(progress);
        StopReason::Parked(parked)
    }

    fn show(&self, progress: &ProjectionProgress) {
        self.failures.log_recovery(
            Instant::now(),
            format_args!("projection {} has recovered", P::NAME),
        );
        self.state.send_replace(RunnerState {
            active: true,
            position: progress.position,
            caught_up: progress.caught_up,
            parked: progress.parked.clone(),
            is_paused: false,
            failing: None,
            is_damaged: false,
        });
    }
}

/// Waits at the end of the log. Returns true when the checkpoint must be written, false when the log has grown or the
/// operators' decisions must be read.
async fn wait_at_head(
    progress: &ProjectionProgress,
    reader: &LogReader,
    idle: &mut CheckpointDebounce,
    parking: &Parking,
) -> Result<bool, StoreError> {
    let seen = reader.position();
    tokio::select! {
        grown = reader.grown() => {
            grown?;
            Ok(false)
        }
        () = parking.until_due(seen) => Ok(false),
        () = idle.elapsed(progress.position, seen), if seen > progress.position => Ok(true),
    }
}
