//! The commits in flight, and their pending results.

use std::collections::HashMap;
use std::sync::Arc;

use metrics::Gauge;
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::result::{AppendError, AppendResult, CommitOutcome};
use crate::commit::Commit;
use crate::id::CommandId;

pub(super) enum Job {
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
pub struct Pending(pub(super) watch::Receiver<Option<AppendResult>>);

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

/// The commits in flight by command id; of several with one id, the last.
#[derive(Clone, Debug)]
pub(super) struct InFlight {
    pending: Arc<Mutex<HashMap<CommandId, Pending>>>,
    /// How many there are. Looked up once, because it changes with each commit.
    count: Gauge,
}

impl InFlight {
    pub(super) fn new() -> Self {
        Self {
            pending: Arc::default(),
            count: metrics::gauge!("event_store_append_pending_commits"),
        }
    }

    pub(super) fn add(&self, command: CommandId, pending: &Pending) {
        let mut all = self.lock();
        all.insert(command, pending.clone());
        self.measure(&all);
    }

    pub(super) fn find(&self, command: CommandId) -> Option<Pending> {
        let all = self.lock();
        all.get(&command)
            .filter(|sent| !sent.is_complete())
            .cloned()
    }

    pub(super) fn remove(&self, command: CommandId) {
        // The entry may belong to a later commit with the same id that is still in flight; that one stays.
        let mut all = self.lock();
        if all.get(&command).is_some_and(Pending::is_complete) {
            all.remove(&command);
            self.measure(&all);
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a gauge takes a float")]
    fn measure(&self, all: &HashMap<CommandId, Pending>) {
        self.count.set(all.len() as f64);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<CommandId, Pending>> {
        self.pending.lock()
    }
}
