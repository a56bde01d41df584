//! Does what operators requested: folds, compares and swaps.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use event_sourcing::projection::{
    Parked, ProjectionProgress, RebuildError, Rebuilder, RunnerConfig,
};
use event_sourcing::{
    Backoff, EventStore, FailureLog, LeaseStore, Position, StoreError, Token, fields, with_causes,
};
use sql_database::mark::position;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::compare::{LiveSnapshot, compare, live_checkpoint};
use super::control::RebuildControl;
use super::record::{RebuildState, RebuildStatus, find, find_in, set_state};
use super::report::RebuildReport;
use super::store::{RebuildRows, rebuild_token};
use super::swap::{SwapResult, swap};
use crate::database::Transaction;
use crate::error::failed;
use crate::generation::holds;
use crate::statement::Statement;
use crate::table::{TableProjection, column_names};

/// How often a process looks for a rebuild that another one requested or left.
const POLL_INTERVAL: Duration = Duration::from_secs(2);
/// A generation so close to the live one is folded the rest of the way while a snapshot is open.
const NEAR_EVENTS: u64 = 1_000;
/// How long a swap races with the live runner, which folds the same events.
const SWAP_TIMEOUT: Duration = Duration::from_mins(1);
/// The pause before the live checkpoint is read again, if it is below the rebuilt one.
const LIVE_PAUSE: Duration = Duration::from_millis(100);

/// Does the rebuilds of one projection in this process, while no other process does.
pub struct RebuildTask<P: TableProjection> {
    control: RebuildControl,
    rows: Arc<RebuildRows<P>>,
    log: Arc<dyn EventStore>,
    rebuilder: Rebuilder<P>,
    retry: [Duration; 2],
    failures: FailureLog,
}

impl<P: TableProjection> fmt::Debug for RebuildTask<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RebuildTask({})", P::NAME)
    }
}

/// The live runner stayed ahead during all attempts to swap.
#[derive(Debug, thiserror::Error)]
#[error("the live generation stayed ahead for {} s; request the swap again", SWAP_TIMEOUT.as_secs())]
struct StaysAhead;

/// The live generation was removed by an operator.
#[derive(Debug, thiserror::Error)]
#[error("there is no live generation to compare with")]
struct NoLiveGeneration;

impl<P: TableProjection> RebuildTask<P> {
    /// A task that obeys `control`. It does nothing until [`Self::run`] is called.
    #[must_use]
    pub fn new(
        control: RebuildControl,
        log: Arc<dyn EventStore>,
        leases: Arc<dyn LeaseStore>,
        config: &RunnerConfig,
    ) -> Self {
        let rows = Arc::new(RebuildRows::new(control.clone()));
        let shared: Arc<RebuildRows<P>> = Arc::clone(&rows);
        Self {
            control,
            rows,
            rebuilder: Rebuilder::new(Arc::clone(&log), shared, leases, config),
            log,
            retry: [config.retry_min, config.retry_max],
            failures: FailureLog::new(),
        }
    }

    /// The name of its lease.
    #[must_use]
    pub fn lease(&self) -> Arc<str> {
        self.rebuilder.lease()
    }

    /// Runs until `stop` is cancelled, then releases the lease. What it is doing is continued at the next start, or by
    /// another process.
    pub async fn run(self, stop: CancellationToken) {
        let [first, longest] = self.retry;
        let mut backoff = Backoff::new(first, longest);
        let never_stopped = async {
            loop {
                let wait = Box::pin(self.turn(&mut backoff)).await;
                // A request wakes it early.
                let _woken = tokio::time::timeout(wait, self.control.wake.notified()).await;
            }
        };
        stop.run_until_cancelled(never_stopped).await;
        self.rebuilder.release().await;
    }

    /// Does the next step, if there is one, and returns the time until it may look again.
    async fn turn(&self, backoff: &mut Backoff) -> Duration {
        match self.try_step().await {
            Ok(true) | Err(RebuildError::ForeignLog) => {
                backoff.reset();
                Duration::ZERO
            }
            // The process that has the lease reports its own errors.
            Ok(false) | Err(RebuildError::LeaseLost) => POLL_INTERVAL,
            Err(RebuildError::Store(error)) => {
                if let Some(suppressed) = self.failures.failed(Instant::now()) {
                    tracing::warn!(
                        { fields::PROJECTION } = P::NAME,
                        { fields::ERROR } = &error as &dyn std::error::Error,
                        { fields::SUPPRESSED } = suppressed,
                        "a rebuild retries"
                    );
                }
                backoff.next_pause()
            }
            Err(RebuildError::Parked(_)) => Duration::ZERO,
        }
    }

    /// Returns whether a step was done.
    async fn try_step(&self) -> Result<bool, RebuildError> {
        let found = find(&self.control.database, self.control.version).await?;
        let Some(known) = found.filter(|found| found.state.is_running()) else {
            Self::measure(None);
            return Ok(false);
        };
        let Some(token) = self.rebuilder.take().await? else {
            Self::measure(None);
            return Ok(false);
        };
        let step = self.step(token, &known);
        let ended = self.rebuilder.hold(token, step).await;
        let ended = match ended {
            Err(RebuildError::Parked(parked)) => {
                let reason = RebuildError::Parked(parked).to_string();
                self.record_failure(token, reason).await
            }
            Err(RebuildError::Store(error)) if !error.is_retryable() => {
                let reason = with_causes(&error);
                self.record_failure(token, reason).await
            }
            ended => ended,
        };
        self.rebuilder.release().await;
        ended?;
        self.failures.log_recovery(
            Instant::now(),
            format_args!("the rebuild of {} has recovered", P::NAME),
        );
        Ok(true)
    }

    async fn step(&self, token: Token, known: &RebuildStatus) -> Result<(), RebuildError> {
        match known.state {
            RebuildState::Swapping | RebuildState::Reverting => {
                let progress = self.rebuilder.begin(token).await?;
                self.swap(token, progress).await
            }
            _ => self.build(token).await,
        }
    }

    /// Folds and compares.
    async fn build(&self, token: Token) -> Result<(), RebuildError> {
        let mut progress = self.rebuilder.begin(token).await?;
        tracing::info!(
            { fields::PROJECTION } = P::NAME,
            { fields::PROJECTION_VERSION } = self.control.version.version,
            { fields::POSITION } = progress.position.0,
            "the rows are rebuilt next to the live ones"
        );
        loop {
            let (_, live) = self.live().await?;
            if live.0.saturating_sub(progress.position.0) <= NEAR_EVENTS {
                break;
            }
            self.fold(token, &mut progress, live).await?;
        }
        self.record_comparing(token).await?;
        let report = self.compare(token, &mut progress).await?;
        tracing::info!(
            { fields::PROJECTION } = P::NAME,
            { fields::POSITION } = report.position.0,
            { fields::DIFFERENCES } = report.differences(),
            "the rebuilt rows were compared with the live ones"
        );
        self.record_report(token, &report).await
    }

    /// Folds in steps, so that the progress is measured.
    async fn fold(
        &self,
        token: Token,
        progress: &mut ProjectionProgress,
        target: Position,
    ) -> Result<(), RebuildError> {
        while progress.position < target {
            let next = Position(progress.position.0 + 10 * NEAR_EVENTS).min(target);
            self.rebuilder.fold_to(token, progress, next).await?;
            Self::measure(Some(progress.position));
        }
        Ok(())
    }

    /// Folds the rebuilt generation to the live one's position in a snapshot, and compares the two.
    async fn compare(
        &self,
        token: Token,
        progress: &mut ProjectionProgress,
    ) -> Result<RebuildReport, RebuildError> {
        let (database, version) = (&self.control.database, self.control.version);
        let _alone = database.lock_comparison().await;
        loop {
            let live = LiveSnapshot::take(database, version).await?;
            let mut live = live.ok_or_else(|| failed("compare rows", NoLiveGeneration))?;
            if live.position < progress.position {
                // The live generation was replaced, or a crash of the database lost its last pages: it catches up.
                live.end().await?;
                tokio::time::sleep(LIVE_PAUSE).await;
                continue;
            }
            self.fold(token, progress, live.position).await?;
            let target = self.generation().await?;
            let columns = self.rows.columns(target).await?;
            let report = compare(&mut live, database, (version, target), &columns).await;
            live.end().await?;
            return Ok(report?);
        }
    }

    /// Catches up with the live generation until a swap succeeds.
    async fn swap(
        &self,
        token: Token,
        mut progress: ProjectionProgress,
    ) -> Result<(), RebuildError> {
        let (database, version) = (&self.control.database, self.control.version);
        let (generation, columns) = (self.generation().await?, column_names::<P>());
        let started = Instant::now();
        // First to the live checkpoint: that of a paused or parked projection does not move. If it has moved meanwhile, to
        // the head of the log, which is above the live checkpoint.
        let (_, mut target) = self.live().await?;
        loop {
            let parked = self.fold_if_possible(token, &mut progress, target).await?;
            match swap(database, (version, generation), &columns, token).await? {
                SwapResult::Swapped => break,
                SwapResult::Lost => return Err(RebuildError::LeaseLost),
                SwapResult::Behind if started.elapsed() > SWAP_TIMEOUT => {
                    return Err(failed("swap generations", StaysAhead).into());
                }
                SwapResult::Behind => {}
            }
            if let Some(parked) = parked {
                return Err(RebuildError::Parked(parked));
            }
            target = self.log.head().await?;
        }
        tracing::info!(
            { fields::PROJECTION } = P::NAME,
            { fields::PROJECTION_VERSION } = version.version,
            { fields::POSITION } = progress.position.0,
            "the generations of the read model were swapped"
        );
        // Readers in this process switch now, not after the next poll.
        database.checkpoints().refresh(database).await?;
        Ok(())
    }

    /// Folds up to `target`, or to the event that cannot be folded: the live generation may be parked there too.
    async fn fold_if_possible(
        &self,
        token: Token,
        progress: &mut ProjectionProgress,
        target: Position,
    ) -> Result<Option<Parked>, RebuildError> {
        match self.fold(token, progress, target).await {
            Ok(()) => Ok(None),
            Err(RebuildError::Parked(parked)) => Ok(Some(parked)),
            Err(error) => Err(error),
        }
    }

    /// The live generation and its position.
    async fn live(&self) -> Result<(i64, Position), StoreError> {
        let live = live_checkpoint(self.control.version);
        let found: Option<(i64, i64)> = self.control.database.fetch_optional(live).await?;
        let (generation, at) = found.ok_or_else(|| failed("rebuild rows", NoLiveGeneration))?;
        Ok((generation, position(at)))
    }

    /// The generation that is folded. It changes if the log was replaced.
    async fn generation(&self) -> Result<i64, RebuildError> {
        let found = find(&self.control.database, self.control.version).await?;
        let other = found.and_then(|found| found.other_generation());
        other.ok_or(RebuildError::LeaseLost)
    }

    async fn record_comparing(&self, token: Token) -> Result<(), RebuildError> {
        let (mut transaction, known) = self.begin_change(token).await?;
        let comparing = RebuildState::Comparing;
        set_state(
            &mut transaction,
            self.control.version,
            comparing,
            known.failure,
        )
        .await?;
        Ok(transaction.commit("compare rebuilt rows").await?)
    }

    async fn record_report(
        &self,
        token: Token,
        report: &RebuildReport,
    ) -> Result<(), RebuildError> {
        let operation = "record the report of a rebuild";
        let version = self.control.version;
        let json = serde_json::to_string(report).map_err(|error| failed(operation, error))?;
        // An operator may have made it automatic during the comparison.
        let (mut transaction, known) = self.begin_change(token).await?;
        let sql = "UPDATE read_model_rebuilds SET report = $3 WHERE projection = $1 AND schema_version = $2";
        let statement = Statement::new(operation, sql)
            .bind(version.name)
            .bind(i64::from(version.version))
            .bind(json);
        transaction.execute(statement).await?;
        let next = if known.is_automatic {
            RebuildState::Swapping
        } else {
            RebuildState::Ready
        };
        set_state(&mut transaction, version, next, None).await?;
        Ok(transaction.commit(operation).await?)
    }

    /// Starts a transaction that no other process of this rebuild and no operator's request interrupts, if this process
    /// still has the lease and the rebuild is still running.
    async fn begin_change(
        &self,
        token: Token,
    ) -> Result<(Transaction, RebuildStatus), RebuildError> {
        let version = self.control.version;
        let mut transaction = self.control.database.lock_schema().await?;
        let found = find_in(&mut transaction, version).await?;
        let found = found.filter(|found| found.state.is_running());
        if let Some(found) = found
            && let Some(other) = found.other_generation()
            && holds(&mut transaction, version, other, rebuild_token(token)).await?
        {
            return Ok((transaction, found));
        }
        transaction.rollback().await?;
        Err(RebuildError::LeaseLost)
    }

    async fn record_failure(&self, token: Token, reason: String) -> Result<(), RebuildError> {
        tracing::error!(
            { fields::PROJECTION } = P::NAME,
            { fields::PROJECTION_VERSION } = self.control.version.version,
            { fields::REASON } = reason,
            "a rebuild failed: the live rows are not affected"
        );
        let version = self.control.version;
        let (mut transaction, known) = self.begin_change(token).await?;
        let next = known.after_failure();
        set_state(&mut transaction, version, next, Some(reason)).await?;
        Ok(transaction.commit("record a failure").await?)
    }

    #[expect(clippy::cast_precision_loss, reason = "a gauge takes a float")]
    fn measure(position: Option<Position>) {
        let rebuilding = u8::from(position.is_some());
        metrics::gauge!("projection_rebuilding", "projection" => P::NAME).set(rebuilding);
        let position = position.map_or(0.0, |position| position.0 as f64);
        metrics::gauge!("projection_rebuild_position", "projection" => P::NAME).set(position);
    }
}
