//! The task of the appender: it takes what is queued, writes it as batches, and completes each waiter.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use parking_lot::Mutex;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tracing::{Instrument, Span};

use super::config::AppenderConfig;
use super::pending::{InFlight, Job};
use super::result::{AppendError, AppendResult, CommitOutcome, LastWrite};
use crate::backoff::Backoff;
use crate::commit::{Commit, Receipt, Rejected};
use crate::failure_log::FailureLog;
use crate::fields;
use crate::id::CommandId;
use crate::queue::take_batch;
use crate::store::{EventStore, StoreError};
use crate::trace;

struct Waiter {
    command: CommandId,
    deadline: Instant,
    done: watch::Sender<Option<AppendResult>>,
    in_flight: InFlight,
}

impl Waiter {
    fn complete(&self, answer: AppendResult) {
        // Completed before it is removed: `find` then never misses a commit in flight, and ignores completed ones.
        self.done.send_replace(Some(answer));
        self.in_flight.remove(self.command);
    }
}

impl Drop for Waiter {
    /// A waiter without a result when its batch is dropped lost it to a panic: its outcome is unknown.
    fn drop(&mut self) {
        if self.done.borrow().is_none() {
            self.complete(Err(AppendError::Unavailable(CommitOutcome::Unknown)));
        }
    }
}

/// Appends batches to the store and records the results.
pub(super) struct Writer {
    pub(super) store: Arc<dyn EventStore>,
    pub(super) config: AppenderConfig,
    pub(super) writes: watch::Sender<LastWrite>,
    pub(super) failures: FailureLog,
    /// When the store became unavailable, if it was at the last attempt.
    pub(super) unavailable_since: Mutex<Option<Instant>>,
}

impl Writer {
    async fn append(
        &self,
        commits: &[Commit],
    ) -> Result<Vec<Result<Receipt, Rejected>>, StoreError> {
        let answers = self.store.append(commits).await;
        self.report(answers.as_ref().err());
        let mut since = self.unavailable_since.lock();
        *since = match &answers {
            Err(error) if error.is_retryable() => since.or_else(|| Some(Instant::now())),
            _ => None,
        };
        drop(since);
        self.writes.send_replace(match &answers {
            Ok(_) => LastWrite::Answered,
            Err(error) if error.is_retryable() => LastWrite::Unavailable,
            Err(_) => LastWrite::Failed,
        });
        answers
    }

    /// Whether the store has been unavailable for so long that commits do not wait for it.
    fn is_out(&self) -> bool {
        let since = *self.unavailable_since.lock();
        since.is_some_and(|since| since.elapsed() >= self.config.outage_timeout)
    }

    fn report(&self, failure: Option<&StoreError>) {
        let now = Instant::now();
        if let Some(error) = failure {
            failures(match error {
                StoreError::Unavailable { .. } => UNAVAILABLE,
                StoreError::OutcomeUnknown { .. } => UNKNOWN,
                StoreError::Failed { .. } => FAILED,
            })
            .increment(1);
            if let Some(suppressed) = self.failures.failed(now) {
                tracing::warn!(
                    { fields::ERROR } = error as &dyn std::error::Error,
                    { fields::SUPPRESSED } = suppressed,
                    "append failed"
                );
            }
        } else {
            self.failures.log_recovery(now, "appends succeed again");
        }
    }
}

const UNAVAILABLE: &str = "unavailable";
const UNKNOWN: &str = "unknown";
const FAILED: &str = "failed";

fn failures(outcome: &'static str) -> metrics::Counter {
    metrics::counter!("event_store_append_failures_total", "outcome" => outcome)
}

pub(super) async fn run(writer: Writer, mut jobs: mpsc::Receiver<Job>, in_flight: InFlight) {
    for outcome in [UNAVAILABLE, UNKNOWN, FAILED] {
        // A counter that first appears with value 1 hides its first event from `rate()`.
        failures(outcome).increment(0);
    }
    let mut taken = Vec::new();
    while take_batch(&mut jobs, &mut taken, writer.config.batch_commits).await {
        let mut batch = Batch::default();
        for job in taken.drain(..) {
            match job {
                Job::Append {
                    commit,
                    deadline,
                    result: done,
                } => {
                    let waiting = Waiter {
                        command: commit.command_id(),
                        deadline,
                        done,
                        in_flight: in_flight.clone(),
                    };
                    batch.push(commit, waiting);
                    // Commits are not split, so a batch can exceed the limit by the events of one commit.
                    if batch.events >= writer.config.batch_events {
                        write(std::mem::take(&mut batch), &writer).await;
                    }
                }
                // The commits before the barrier must have their results before it completes.
                Job::Barrier { done } => {
                    write(std::mem::take(&mut batch), &writer).await;
                    drop(done);
                }
            }
        }
        write(batch, &writer).await;
    }
}

/// Writes a batch. A panic (a bug in the store) fails this batch only: the task survives and writes the later ones.
async fn write(batch: Batch, writer: &Writer) {
    let mut writing = pin!(batch.write(writer));
    let unwound = poll_fn(|context| {
        let polled = catch_unwind(AssertUnwindSafe(|| writing.as_mut().poll(context)));
        polled.map_or(Poll::Ready(true), |written| written.map(|()| false))
    });
    if unwound.await {
        tracing::error!("an append panicked; its outcome is unknown");
    }
}

#[derive(Default)]
struct Batch {
    commits: Vec<Commit>,
    waiters: Vec<Waiter>,
    events: usize,
}

/// A batch that failed permanently.
struct FailedBatch {
    batch: Batch,
    error: StoreError,
    /// The outcome of the earlier attempts. The last one wrote nothing.
    outcome: CommitOutcome,
}

impl Batch {
    fn push(&mut self, commit: Commit, waiting: Waiter) {
        self.events += commit.event_count();
        self.commits.push(commit);
        self.waiters.push(waiting);
    }

    /// Writes until every commit has a result or has passed its deadline. A commit that the store can never write must
    /// not fail the others in its batch, so the commits of a failed batch are written again one by one.
    async fn write(self, writer: &Writer) {
        let Err(failed) = self.write_whole(writer, CommitOutcome::None).await else {
            return;
        };
        if failed.batch.commits.len() == 1 {
            // A single commit cannot be split further.
            return failed.answer();
        }
        let FailedBatch { batch, outcome, .. } = failed;
        for (commit, waiting) in batch.commits.into_iter().zip(batch.waiters) {
            let mut alone = Self::default();
            alone.push(commit, waiting);
            if let Err(failed) = alone.write_whole(writer, outcome).await {
                failed.answer();
            }
        }
    }

    /// Returns the batch if the store failed permanently. `outcome` is that of the earlier attempts.
    async fn write_whole(
        mut self,
        writer: &Writer,
        mut outcome: CommitOutcome,
    ) -> Result<(), FailedBatch> {
        let mut backoff = Backoff::new(writer.config.retry_min, writer.config.retry_max);
        loop {
            // Only between attempts: a commit that was sent to the store has an outcome that only the store can report.
            self.drop_expired(outcome);
            if self.commits.is_empty() {
                return Ok(());
            }
            let started = Instant::now();
            let span = self.span();
            let error = match writer.append(&self.commits).instrument(span).await {
                Ok(answers) => {
                    metrics::histogram!("event_store_append_duration_seconds")
                        .record(started.elapsed());
                    #[expect(clippy::cast_precision_loss, reason = "a batch is small")]
                    metrics::histogram!("event_store_append_batch_events")
                        .record(self.events as f64);
                    self.answer(answers);
                    return Ok(());
                }
                Err(error) => error,
            };
            match error {
                StoreError::Failed { .. } => {
                    return Err(FailedBatch {
                        batch: self,
                        error,
                        outcome,
                    });
                }
                // Stays unknown in all later attempts: an expired commit is then reported as possibly written.
                StoreError::OutcomeUnknown { .. } => outcome = CommitOutcome::Unknown,
                StoreError::Unavailable { .. } => {}
            }
            if outcome == CommitOutcome::None && writer.is_out() {
                for waiting in &self.waiters {
                    waiting.complete(Err(AppendError::Unavailable(CommitOutcome::None)));
                }
                return Ok(());
            }
            // Wake at the earliest deadline, so that its caller is answered within its grace period that nothing was
            // written.
            let first = self.waiters.iter().map(|waiting| waiting.deadline).min();
            let next = Instant::now() + backoff.next_pause();
            tokio::time::sleep_until(first.map_or(next, |first| first.min(next))).await;
        }
    }

    fn span(&self) -> Span {
        trace::batch(self.commits.iter().filter_map(Commit::trace), || {
            tracing::info_span!(
                target: trace::TARGET,
                "commit",
                { fields::COMMITS } = self.commits.len(),
                { fields::EVENTS } = self.events,
            )
        })
    }

    fn drop_expired(&mut self, outcome: CommitOutcome) {
        let now = Instant::now();
        if self.waiters.iter().all(|waiting| waiting.deadline > now) {
            return;
        }
        let jobs = std::mem::take(self);
        for (commit, waiting) in jobs.commits.into_iter().zip(jobs.waiters) {
            if waiting.deadline > now {
                self.push(commit, waiting);
            } else {
                waiting.complete(Err(AppendError::Unavailable(outcome)));
            }
        }
    }

    fn answer(self, answers: Vec<Result<Receipt, Rejected>>) {
        debug_assert_eq!(answers.len(), self.waiters.len(), "one result per commit");
        for (waiting, answer) in self.waiters.iter().zip(answers) {
            waiting.complete(answer.map_err(AppendError::Rejected));
        }
    }
}

impl FailedBatch {
    fn answer(self) {
        for waiting in &self.batch.waiters {
            waiting.complete(Err(match self.outcome {
                CommitOutcome::None => AppendError::Failed(self.error.clone()),
                CommitOutcome::Unknown => AppendError::Unavailable(CommitOutcome::Unknown),
            }));
        }
    }
}
