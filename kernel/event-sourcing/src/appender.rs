//! Group commit: one appender per process and store.
//!
//! Callers put commits into a bounded queue; one task takes what is queued, writes it as one batch, and answers
//! each caller by itself. There is no artificial delay: while one batch is on its way the next one gathers, and who is
//! ready to queue a commit when a batch is taken does so first.
//!
//! ```text
//!  reserve ──► queue (bounded) ──► batch ──► EventStore::append ──► each caller's Pending
//!                                    │ ▲                │
//!        deadline passed: dropped ◄──┘ └── unavailable ─┘   the same commits again, by their command ids
//! ```
//!
//! The queue keeps order: of two commits the one that was sent first is judged first. A lane relies on it.
//! The caller only waits for an answer, so a caller that goes away takes nothing with it.

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
    /// Commits that may wait.
    pub queue: usize,
    /// The most commits of one batch.
    pub batch_commits: usize,
    /// A batch takes no further commit once it holds this many events.
    pub batch_events: usize,
    /// The pause before the first retry of a batch that found the store unavailable; it doubles with each.
    pub retry_min: Duration,
    /// The longest such pause.
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

/// What is known of a commit that was not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitOutcome {
    /// Nothing happened.
    None,
    /// It may have been written. Sending the same command again tells.
    Unknown,
}

/// Why a commit has no receipt.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AppendError {
    /// The store judged it and said no.
    #[error(transparent)]
    Rejected(#[from] Rejected),
    /// The store could not be reached before the deadline, or the queue stayed full.
    #[error("the event store did not answer in time ({0:?})")]
    Unavailable(CommitOutcome),
    /// The store failed for good; nothing was written.
    #[error(transparent)]
    Failed(StoreError),
}

type AppendResult = Result<Receipt, AppendError>;

enum Job {
    Append {
        commit: Commit,
        deadline: Instant,
        done: watch::Sender<Option<AppendResult>>,
    },
    Barrier {
        done: watch::Sender<Option<AppendResult>>,
    },
}

/// The answer to a commit, when it comes. Clones wait for the same answer.
#[derive(Clone, Debug)]
pub struct Pending(watch::Receiver<Option<AppendResult>>);

impl Pending {
    /// Waits for the answer until `deadline`; after it the outcome is unknown.
    ///
    /// # Errors
    /// [`AppendError`] if the commit was not written, or may not have been.
    pub async fn wait(&mut self, deadline: Instant) -> AppendResult {
        timeout_at(deadline, self.result())
            .await
            .unwrap_or(Err(AppendError::Unavailable(CommitOutcome::Unknown)))
    }

    /// Waits for the answer. The store's own time-outs bound how long that takes.
    pub(crate) async fn result(&mut self) -> AppendResult {
        let answer = self.0.wait_for(Option::is_some).await;
        let answer = answer.ok().and_then(|answer| answer.clone());
        answer.unwrap_or(Err(AppendError::Unavailable(CommitOutcome::Unknown)))
    }

    /// Whether the answer is there.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.0.borrow().is_some()
    }
}

/// A place in the queue: sending through it cannot wait and cannot fail.
#[derive(Debug)]
pub struct Slot<'a> {
    permit: mpsc::Permit<'a, Job>,
    on_the_way: &'a InFlight,
}

impl Slot<'_> {
    /// Puts the commit into the queue. It is dropped unwritten if `deadline` passes before its turn.
    #[must_use]
    pub fn send(self, commit: Commit, deadline: Instant) -> Pending {
        let (done, answer) = watch::channel(None);
        let pending = Pending(answer);
        self.on_the_way.add(commit.command_id(), &pending);
        self.permit.send(Job::Append {
            commit,
            deadline,
            done,
        });
        pending
    }
}

/// The commits that were sent and not answered, by their command ids; of several with one id, the last.
#[derive(Clone, Debug, Default)]
struct InFlight(Arc<Mutex<HashMap<CommandId, Pending>>>);

impl InFlight {
    fn add(&self, command: CommandId, pending: &Pending) {
        self.lock().insert(command, pending.clone());
    }

    fn find(&self, command: CommandId) -> Option<Pending> {
        let all = self.lock();
        all.get(&command).filter(|sent| !sent.is_settled()).cloned()
    }

    fn remove(&self, command: CommandId) {
        let mut all = self.lock();
        if all.get(&command).is_some_and(Pending::is_settled) {
            all.remove(&command);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<CommandId, Pending>> {
        self.0.lock()
    }
}

/// What the last call of the store came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastWrite {
    /// There was none yet.
    None,
    /// The store answered.
    Answered,
    /// It did not, and is called again.
    Unavailable,
    /// It cannot keep the batch, or nothing at all.
    Failed,
}

/// The queue's entrance. Clones share it; the task ends when all are gone and the queue is empty.
#[derive(Clone, Debug)]
pub struct Appender {
    queue: mpsc::Sender<Job>,
    on_the_way: InFlight,
    last_write: watch::Receiver<LastWrite>,
}

impl Appender {
    /// Starts the task. Await the handle after the last clone is dropped: then all that was queued is answered.
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

    /// What the last call of the store came to. Changes with every call.
    #[must_use]
    pub fn last_write(&self) -> watch::Receiver<LastWrite> {
        self.last_write.clone()
    }

    /// The answer to come of a commit with this command id that was sent and not answered.
    #[must_use]
    pub fn pending(&self, command: CommandId) -> Option<Pending> {
        self.on_the_way.find(command)
    }

    /// Waits for a place in the queue.
    ///
    /// # Errors
    /// Unavailable, nothing happened, if there is none before `deadline`.
    pub async fn reserve(&self, deadline: Instant) -> Result<Slot<'_>, AppendError> {
        match timeout_at(deadline, self.queue.reserve()).await {
            Ok(Ok(permit)) => Ok(Slot {
                permit,
                on_the_way: &self.on_the_way,
            }),
            Ok(Err(_)) | Err(_) => Err(AppendError::Unavailable(CommitOutcome::None)),
        }
    }

    /// Queues a commit and waits for its answer.
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

    /// Waits until everything that was queued before this call is answered.
    ///
    /// # Errors
    /// Unavailable, nothing happened, if it does not come to that before `deadline`.
    pub async fn flush(&self, deadline: Instant) -> Result<(), AppendError> {
        let slot = self.reserve(deadline).await?;
        let (done, mut answer) = watch::channel(None);
        slot.permit.send(Job::Barrier { done });
        match timeout_at(deadline, answer.changed()).await {
            // The sender is dropped without a value when the barrier's turn comes.
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
        self.done.send_replace(Some(answer));
        self.on_the_way.remove(self.command);
    }
}

impl Drop for Waiter {
    /// Whoever was not answered when the batch is gone hears that nobody knows: a panic took the answer along.
    fn drop(&mut self) {
        if self.done.borrow().is_none() {
            self.complete(Err(AppendError::Unavailable(CommitOutcome::Unknown)));
        }
    }
}

/// Where batches go.
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
                    done,
                } => {
                    let waiting = Waiter {
                        command: commit.command_id(),
                        deadline,
                        done,
                        on_the_way: on_the_way.clone(),
                    };
                    batch.push(commit, waiting);
                    if batch.events >= writer.config.batch_events {
                        write(std::mem::take(&mut batch), &writer).await;
                    }
                }
                Job::Barrier { done } => {
                    write(std::mem::take(&mut batch), &writer).await;
                    drop(done);
                }
            }
        }
        write(batch, &writer).await;
    }
}

/// Writes a batch. A panic on the way, a bug of the store's, ends with the batch: those behind it are written.
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
    waiting: Vec<Waiter>,
    events: usize,
}

/// A batch that the store failed for good.
struct FailedBatch {
    batch: Batch,
    error: StoreError,
    /// What an earlier try may have left behind. The last one wrote nothing.
    outcome: CommitOutcome,
}

impl Batch {
    fn push(&mut self, commit: Commit, waiting: Waiter) {
        self.events += commit.event_count();
        self.commits.push(commit);
        self.waiting.push(waiting);
    }

    /// Writes until every commit has an answer or has passed its deadline. One that the store can never keep must
    /// not take its batch-mates along, so a batch that failed goes again in parts of one.
    async fn write(self, writer: &Writer) {
        let Err(failed) = self.write_whole(writer, CommitOutcome::None).await else {
            return;
        };
        if failed.batch.commits.len() == 1 {
            return failed.answer();
        }
        let FailedBatch { batch, outcome, .. } = failed;
        for (commit, waiting) in batch.commits.into_iter().zip(batch.waiting) {
            let mut alone = Self::default();
            alone.push(commit, waiting);
            if let Err(failed) = alone.write_whole(writer, outcome).await {
                failed.answer();
            }
        }
    }

    /// The batch comes back if the store failed for good. `outcome` is that of the tries before.
    async fn write_whole(
        mut self,
        writer: &Writer,
        mut outcome: CommitOutcome,
    ) -> Result<(), FailedBatch> {
        let mut backoff = Backoff::new(writer.config.retry_min, writer.config.retry_max);
        loop {
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
                StoreError::OutcomeUnknown { .. } => outcome = CommitOutcome::Unknown,
                StoreError::Unavailable { .. } => {}
            }
            // No longer than the first deadline, so that its caller still hears that nothing happened.
            let first = self.waiting.iter().map(|waiting| waiting.deadline).min();
            let next = Instant::now() + backoff.next_pause();
            tokio::time::sleep_until(first.map_or(next, |first| first.min(next))).await;
        }
    }

    fn drop_expired(&mut self, outcome: CommitOutcome) {
        let now = Instant::now();
        if self.waiting.iter().all(|waiting| waiting.deadline > now) {
            return;
        }
        let jobs = std::mem::take(self);
        for (commit, waiting) in jobs.commits.into_iter().zip(jobs.waiting) {
            if waiting.deadline > now {
                self.push(commit, waiting);
            } else {
                waiting.complete(Err(AppendError::Unavailable(outcome)));
            }
        }
    }

    fn answer(self, answers: Vec<Result<Receipt, Rejected>>) {
        debug_assert_eq!(answers.len(), self.waiting.len(), "one answer a commit");
        for (waiting, answer) in self.waiting.iter().zip(answers) {
            waiting.complete(answer.map_err(AppendError::Rejected));
        }
    }
}

impl FailedBatch {
    fn answer(self) {
        for waiting in &self.batch.waiting {
            waiting.complete(Err(match self.outcome {
                CommitOutcome::None => AppendError::Failed(self.error.clone()),
                CommitOutcome::Unknown => AppendError::Unavailable(CommitOutcome::Unknown),
            }));
        }
    }
}
