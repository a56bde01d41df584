//! Group commit: one appender per process and store.
//!
//! Callers put commits into a bounded queue. One task takes all queued commits, writes them as one batch, and completes
//! each caller's [`Pending`] separately. There is no artificial delay: the next batch accumulates while one is written,
//! and callers that are ready to queue a commit run before the next batch is taken.
//!
//! ```text
//!  reserve ──► queue (bounded) ──► batch ──► EventStore::append ──► each caller's Pending
//!                                    │ ▲                │
//!        deadline passed: dropped ◄──┘ └── unavailable ─┘   retry with backoff, idempotent by command id
//! ```
//!
//! Commits are validated in the order in which they were sent; lanes depend on it. Callers only wait for a result, so a
//! cancelled caller does not cancel its commit.

use std::collections::HashMap;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use crate::backoff::Backoff;
use crate::commit::{Commit, Receipt, Rejected};
use crate::failure_log::FailureLog;
use crate::fields;
use crate::id::CommandId;
use crate::queue::take_batch;
use crate::store::{EventStore, StoreError};

/// The limits of an appender.
#[derive(Clone, Debug)]
pub struct AppenderConfig {
    /// The maximum number of queued commits.
    pub queue: usize,
    /// The maximum number of commits in one batch.
    pub batch_commits: usize,
    /// A batch takes no further commit once it holds this many events.
    pub batch_events: usize,
    /// The backoff before the first retry of a batch when the store is unavailable; it doubles with each retry.
    pub retry_min: Duration,
    /// The maximum backoff.
    pub retry_max: Duration,
}

impl Default for AppenderConfig {
    fn default() -> Self {
        Self {
            queue: 4_096,
            batch_commits: 512,
            batch_events: 2_000,
            retry_min: Duration::from_millis(10),
            retry_max: Duration::from_secs(1),
        }
    }
}

/// Whether a commit without a receipt may have been written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitOutcome {
    /// It was not written.
    None,
    /// The outcome is unknown: it may have been written. Sending the same command again resolves it.
    Unknown,
}

/// Why a commit has no receipt.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AppendError {
    /// The store validated the commit and rejected it.
    #[error(transparent)]
    Rejected(#[from] Rejected),
    /// The store returned no result before the deadline, or the queue stayed full.
    #[error("the event store did not respond in time ({0:?})")]
    Unavailable(CommitOutcome),
    /// The store failed permanently; nothing was written.
    #[error(transparent)]
    Failed(StoreError),
}

type AppendResult = Result<Receipt, AppendError>;

enum Job {
    Append {
        commit: Commit,
        deadline: Instant,
        result: watch::Sender<Option<AppendResult>>,
    },
    Barrier {
        done: watch::Sender<Option<AppendResult>>,
    },
}

/// The pending result of a commit. Clones wait for the same result.
#[derive(Clone, Debug)]
pub struct Pending(watch::Receiver<Option<AppendResult>>);

impl Pending {
    /// Waits for the result until `deadline`; on a timeout the outcome is unknown.
    ///
    /// # Errors
    /// [`AppendError`] if the commit was not written, or may not have been.
    pub async fn wait(&mut self, deadline: Instant) -> AppendResult {
        timeout_at(deadline, self.result())
            .await
            .unwrap_or(Err(AppendError::Unavailable(CommitOutcome::Unknown)))
    }

    /// Waits for the result without a deadline. The appender completes it: after the commit's deadline it is no longer
    /// retried.
    pub(crate) async fn result(&mut self) -> AppendResult {
        let answer = self.0.wait_for(Option::is_some).await;
        let answer = answer.ok().and_then(|answer| answer.clone());
        // The sender is dropped without a result only if the task was aborted, such as at a shutdown of the runtime.
        answer.unwrap_or(Err(AppendError::Unavailable(CommitOutcome::Unknown)))
    }

    /// Whether the result is available.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.0.borrow().is_some()
    }
}

/// A reserved place in the queue: sending through it neither waits nor fails.
#[derive(Debug)]
pub struct Slot<'a> {
    permit: mpsc::Permit<'a, Job>,
    in_flight: &'a InFlight,
}

impl Slot<'_> {
    /// Puts the commit into the queue. If `deadline` passes before its batch is written, it is dropped unwritten.
    #[must_use]
    pub fn send(self, commit: Commit, deadline: Instant) -> Pending {
        let (done, answer) = watch::channel(None);
        let pending = Pending(answer);
        // Registered before it is queued: the task could otherwise complete it first, and the entry would never be
        // removed.
        self.in_flight.add(commit.command_id(), &pending);
        self.permit.send(Job::Append {
            commit,
            deadline,
            result: done,
        });
        pending
    }
}

/// The commits in flight by command id; of several with one id, the last.
#[derive(Clone, Debug, Default)]
struct InFlight(Arc<Mutex<HashMap<CommandId, Pending>>>);

impl InFlight {
    fn add(&self, command: CommandId, pending: &Pending) {
        self.lock().insert(command, pending.clone());
    }

    fn find(&self, command: CommandId) -> Option<Pending> {
        let all = self.lock();
        all.get(&command)
            .filter(|sent| !sent.is_complete())
            .cloned()
    }

    fn remove(&self, command: CommandId) {
        // The entry may belong to a later commit with the same id that is still in flight; that one stays.
        let mut all = self.lock();
        if all.get(&command).is_some_and(Pending::is_complete) {
            all.remove(&command);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<CommandId, Pending>> {
        self.0.lock()
    }
}

/// The result of the last append call to the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastWrite {
    /// No append was called yet.
    None,
    /// The store returned results, accepted or rejected.
    Answered,
    /// The store was unavailable or the outcome unknown; the appender retries.
    Unavailable,
    /// A permanent failure: the store cannot write this batch, or any.
    Failed,
}

/// The handle to the appender task. Clones share the task, which ends when all are dropped and the queue is empty.
#[derive(Clone, Debug)]
pub struct Appender {
    queue: mpsc::Sender<Job>,
    on_the_way: InFlight,
    last_write: watch::Receiver<LastWrite>,
}

impl Appender {
    /// Starts the task. Await the handle after the last clone is dropped: every queued commit then has its result.
    #[must_use]
    pub fn start(store: Arc<dyn EventStore>, config: AppenderConfig) -> (Self, JoinHandle<()>) {
        let (queue, jobs) = mpsc::channel(config.queue);
        let on_the_way = InFlight::default();
        let (writes, last_write) = watch::channel(LastWrite::None);
        let task_state = Writer {
            store,
            config,
            writes,
            failures: FailureLog::new(),
        };
        let task = tokio::spawn(run(task_state, jobs, on_the_way.clone()));
        let appender = Self {
            queue,
            on_the_way,
            last_write,
        };
        (appender, task)
    }

    /// The result of the last append call to the store. The watch channel changes with every call.
    #[must_use]
    pub fn last_write(&self) -> watch::Receiver<LastWrite> {
        self.last_write.clone()
    }

    /// The pending result of a commit in flight with this command id.
    #[must_use]
    pub fn pending(&self, command: CommandId) -> Option<Pending> {
        self.on_the_way.find(command)
    }

    /// Reserves a place in the queue, waiting while the queue is full.
    ///
    /// # Errors
    /// [`AppendError::Unavailable`] with [`CommitOutcome::None`] if the queue stays full until `deadline`.
    pub async fn reserve(&self, deadline: Instant) -> Result<Slot<'_>, AppendError> {
        match timeout_at(deadline, self.queue.reserve()).await {
            Ok(Ok(permit)) => Ok(Slot {
                permit,
                in_flight: &self.on_the_way,
            }),
            Ok(Err(_)) | Err(_) => Err(AppendError::Unavailable(CommitOutcome::None)),
        }
    }

    /// Queues a commit and waits for its result.
    ///
    /// # Errors
    /// [`AppendError`] if it was not written, or may not have been.
    pub async fn append(&self, commit: Commit, deadline: Instant) -> AppendResult {
        self.reserve(deadline)
            .await?
            .send(commit, deadline)
            .wait(deadline)
            .await
    }

    /// Waits until every commit that was queued before this call has its result.
    ///
    /// # Errors
    /// [`AppendError::Unavailable`] if that takes longer than until `deadline`.
    pub async fn flush(&self, deadline: Instant) -> Result<(), AppendError> {
        let slot = self.reserve(deadline).await?;
        let (done, mut answer) = watch::channel(None);
        slot.permit.send(Job::Barrier { done });
        match timeout_at(deadline, answer.changed()).await {
            // The task drops the sender without a value when it reaches the barrier.
            Ok(_) => Ok(()),
            Err(_) => Err(AppendError::Unavailable(CommitOutcome::None)),
        }
    }
}

struct Waiter {
    command: CommandId,
    deadline: Instant,
    done: watch::Sender<Option<AppendResult>>,
    on_the_way: InFlight,
}

impl Waiter {
    fn complete(&self, answer: AppendResult) {
        // Completed before it is removed: `find` then never misses a commit in flight, and ignores completed ones.
        self.done.send_replace(Some(answer));
        self.on_the_way.remove(self.command);
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
struct Writer {
    store: Arc<dyn EventStore>,
    config: AppenderConfig,
    writes: watch::Sender<LastWrite>,
    failures: FailureLog,
}

impl Writer {
    async fn append(
        &self,
        commits: &[Commit],
    ) -> Result<Vec<Result<Receipt, Rejected>>, StoreError> {
        let answers = self.store.append(commits).await;
        self.report(answers.as_ref().err());
        self.writes.send_replace(match &answers {
            Ok(_) => LastWrite::Answered,
            Err(error) if error.is_retryable() => LastWrite::Unavailable,
            Err(_) => LastWrite::Failed,
        });
        answers
    }

    fn report(&self, failure: Option<&StoreError>) {
        let now = Instant::now();
        if let Some(error) = failure {
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

async fn run(writer: Writer, mut jobs: mpsc::Receiver<Job>, on_the_way: InFlight) {
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
                        on_the_way: on_the_way.clone(),
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
            let error = match writer.append(&self.commits).await {
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
            // Wake at the earliest deadline, so that its caller is answered within its grace period that nothing was
            // written.
            let first = self.waiters.iter().map(|waiting| waiting.deadline).min();
            let next = Instant::now() + backoff.next_pause();
            tokio::time::sleep_until(first.map_or(next, |first| first.min(next))).await;
        }
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
