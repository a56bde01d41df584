//! Group commit: one appender per process and store.
//!
//! Callers put commits into a bounded queue; one task takes what is queued, writes it as one batch, and answers
//! each caller by itself. There is no artificial delay: while one batch is on its way the next one gathers.
//!
//! ```text
//!  reserve ──► queue (bounded) ──► batch ──► EventStore::append ──► each caller's Pending
//!                                    │ ▲                │
//!        deadline passed: dropped ◄──┘ └── unavailable ─┘   the same commits again, by their command ids
//! ```
//!
//! The queue keeps order: of two commits the one that was sent first is judged first. A lane relies on it.
//! The caller only waits for an answer, so a caller that goes away takes nothing with it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use crate::commit::{Commit, Receipt, Refused};
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
pub enum Outcome {
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
    Refused(#[from] Refused),
    /// The store could not be reached before the deadline, or the queue stayed full.
    #[error("the event store did not answer in time ({0:?})")]
    Unavailable(Outcome),
    /// The store failed for good; nothing was written.
    #[error(transparent)]
    Failed(StoreError),
}

type Settled = Result<Receipt, AppendError>;

enum Job {
    Append {
        commit: Commit,
        deadline: Instant,
        done: watch::Sender<Option<Settled>>,
    },
    Barrier {
        done: watch::Sender<Option<Settled>>,
    },
}

/// The answer to a commit, when it comes. Clones wait for the same answer.
#[derive(Clone, Debug)]
pub struct Pending(watch::Receiver<Option<Settled>>);

impl Pending {
    /// Waits for the answer until `deadline`; after it the outcome is unknown.
    ///
    /// # Errors
    /// [`AppendError`] if the commit was not written, or may not have been.
    pub async fn wait(&mut self, deadline: Instant) -> Settled {
        let settled = timeout_at(deadline, self.0.wait_for(Option::is_some)).await;
        match settled {
            Ok(Ok(answer)) => answer
                .clone()
                .unwrap_or(Err(AppendError::Unavailable(Outcome::Unknown))),
            Ok(Err(_)) | Err(_) => Err(AppendError::Unavailable(Outcome::Unknown)),
        }
    }

    /// Whether the answer is there.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.0.borrow().is_some()
    }
}

/// A place in the queue: sending through it cannot wait and cannot fail.
#[derive(Debug)]
pub struct Slot<'a>(mpsc::Permit<'a, Job>);

impl Slot<'_> {
    /// Puts the commit into the queue. It is dropped unwritten if `deadline` passes before its turn.
    #[must_use]
    pub fn send(self, commit: Commit, deadline: Instant) -> Pending {
        let (done, answer) = watch::channel(None);
        self.0.send(Job::Append {
            commit,
            deadline,
            done,
        });
        Pending(answer)
    }
}

/// The queue's entrance. Clones share it; the task ends when all are gone and the queue is empty.
#[derive(Clone, Debug)]
pub struct Appender {
    queue: mpsc::Sender<Job>,
}

impl Appender {
    /// Starts the task. Await the handle after the last clone is dropped: then all that was queued is answered.
    #[must_use]
    pub fn start(store: Arc<dyn EventStore>, config: AppenderConfig) -> (Self, JoinHandle<()>) {
        let (queue, jobs) = mpsc::channel(config.queue);
        (Self { queue }, tokio::spawn(run(store, config, jobs)))
    }

    /// Waits for a place in the queue.
    ///
    /// # Errors
    /// Unavailable, nothing happened, if there is none before `deadline`.
    pub async fn reserve(&self, deadline: Instant) -> Result<Slot<'_>, AppendError> {
        match timeout_at(deadline, self.queue.reserve()).await {
            Ok(Ok(permit)) => Ok(Slot(permit)),
            Ok(Err(_)) | Err(_) => Err(AppendError::Unavailable(Outcome::None)),
        }
    }

    /// Queues a commit and waits for its answer.
    ///
    /// # Errors
    /// [`AppendError`] if it was not written, or may not have been.
    pub async fn append(&self, commit: Commit, deadline: Instant) -> Settled {
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
    pub async fn settle(&self, deadline: Instant) -> Result<(), AppendError> {
        let slot = self.reserve(deadline).await?;
        let (done, mut answer) = watch::channel(None);
        slot.0.send(Job::Barrier { done });
        match timeout_at(deadline, answer.changed()).await {
            // The sender is dropped without a value when the barrier's turn comes.
            Ok(_) => Ok(()),
            Err(_) => Err(AppendError::Unavailable(Outcome::None)),
        }
    }
}

struct Waiting {
    deadline: Instant,
    done: watch::Sender<Option<Settled>>,
}

impl Waiting {
    fn settle(&self, answer: Settled) {
        self.done.send_replace(Some(answer));
    }
}

async fn run(store: Arc<dyn EventStore>, config: AppenderConfig, mut jobs: mpsc::Receiver<Job>) {
    let mut taken = Vec::new();
    while jobs.recv_many(&mut taken, config.batch_commits).await > 0 {
        let mut batch = Batch::default();
        for job in taken.drain(..) {
            match job {
                Job::Append {
                    commit,
                    deadline,
                    done,
                } => {
                    batch.push(commit, Waiting { deadline, done });
                    if batch.events >= config.batch_events {
                        std::mem::take(&mut batch).write(&*store, &config).await;
                    }
                }
                Job::Barrier { done } => {
                    std::mem::take(&mut batch).write(&*store, &config).await;
                    drop(done);
                }
            }
        }
        batch.write(&*store, &config).await;
    }
}

#[derive(Default)]
struct Batch {
    commits: Vec<Commit>,
    waiting: Vec<Waiting>,
    events: usize,
}

impl Batch {
    fn push(&mut self, commit: Commit, waiting: Waiting) {
        self.events += commit.event_count();
        self.commits.push(commit);
        self.waiting.push(waiting);
    }

    /// Writes until every commit has an answer or has passed its deadline. One that the store can never keep must
    /// not take its batch-mates along, so a batch that failed goes again in parts of one.
    async fn write(self, store: &dyn EventStore, config: &AppenderConfig) {
        let Err((failed, error)) = self.write_whole(store, config).await else {
            return;
        };
        if failed.commits.len() == 1 {
            return failed.fail(&error);
        }
        for (commit, waiting) in failed.commits.into_iter().zip(failed.waiting) {
            let mut alone = Self::default();
            alone.push(commit, waiting);
            if let Err((failed, error)) = alone.write_whole(store, config).await {
                failed.fail(&error);
            }
        }
    }

    /// The batch comes back if the store failed for good.
    async fn write_whole(
        mut self,
        store: &dyn EventStore,
        config: &AppenderConfig,
    ) -> Result<(), (Self, StoreError)> {
        let mut outcome = Outcome::None;
        let mut pause = config.retry_min;
        loop {
            self.drop_expired(outcome);
            if self.commits.is_empty() {
                return Ok(());
            }
            let started = Instant::now();
            let error = match store.append(&self.commits).await {
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
            tracing::warn!(error = &error as &dyn std::error::Error, "append failed");
            match error {
                StoreError::Failed { .. } => return Err((self, error)),
                StoreError::OutcomeUnknown { .. } => outcome = Outcome::Unknown,
                StoreError::Unavailable { .. } => {}
            }
            // No longer than the first deadline, so that its caller still hears that nothing happened.
            let first = self.waiting.iter().map(|waiting| waiting.deadline).min();
            let next = Instant::now() + pause;
            tokio::time::sleep_until(first.map_or(next, |first| first.min(next))).await;
            pause = (pause * 2).min(config.retry_max);
        }
    }

    fn drop_expired(&mut self, outcome: Outcome) {
        let now = Instant::now();
        if self.waiting.iter().all(|waiting| waiting.deadline > now) {
            return;
        }
        let jobs = std::mem::take(self);
        for (commit, waiting) in jobs.commits.into_iter().zip(jobs.waiting) {
            if waiting.deadline > now {
                self.push(commit, waiting);
            } else {
                waiting.settle(Err(AppendError::Unavailable(outcome)));
            }
        }
    }

    fn answer(self, answers: Vec<Result<Receipt, Refused>>) {
        debug_assert_eq!(answers.len(), self.waiting.len(), "one answer a commit");
        for (waiting, answer) in self.waiting.iter().zip(answers) {
            waiting.settle(answer.map_err(AppendError::Refused));
        }
    }

    fn fail(self, error: &StoreError) {
        for waiting in &self.waiting {
            waiting.settle(Err(AppendError::Failed(error.clone())));
        }
    }
}
