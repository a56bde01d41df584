//! The handle that callers send commits through.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use super::config::AppenderConfig;
use super::pending::{InFlight, Job, Pending};
use super::result::{AppendError, AppendResult, CommitOutcome, LastWrite};
use super::writer::{Writer, run};
use crate::commit::Commit;
use crate::failure_log::FailureLog;
use crate::id::CommandId;
use crate::store::EventStore;

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

/// The handle to the appender task. Clones share the task, which ends when all are dropped and the queue is empty.
#[derive(Clone, Debug)]
pub struct Appender {
    queue: mpsc::Sender<Job>,
    in_flight: InFlight,
    last_write: watch::Receiver<LastWrite>,
}

impl Appender {
    /// Starts the task. Await the handle after the last clone is dropped: every queued commit then has its result.
    #[must_use]
    pub fn start(store: Arc<dyn EventStore>, config: AppenderConfig) -> (Self, JoinHandle<()>) {
        let (queue, jobs) = mpsc::channel(config.queue);
        let in_flight = InFlight::new();
        let (writes, last_write) = watch::channel(LastWrite::None);
        let task_state = Writer {
            store,
            config,
            writes,
            failures: FailureLog::new(),
            unavailable_since: Mutex::new(None),
        };
        let task = tokio::spawn(run(task_state, jobs, in_flight.clone()));
        let appender = Self {
            queue,
            in_flight,
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
        self.in_flight.find(command)
    }

    /// Reserves a place in the queue, waiting while the queue is full.
    ///
    /// # Errors
    /// [`AppendError::Unavailable`] with [`CommitOutcome::None`] if the queue stays full until `deadline`.
    pub async fn reserve(&self, deadline: Instant) -> Result<Slot<'_>, AppendError> {
        match timeout_at(deadline, self.queue.reserve()).await {
            Ok(Ok(permit)) => Ok(Slot {
                permit,
                in_flight: &self.in_flight,
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
