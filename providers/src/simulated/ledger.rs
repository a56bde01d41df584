//! What the simulated providers have done: one table, one row a key, written in batches.
//!
//! ```text
//!  callers ──► queue (bounded) ──► batch ──► one statement for its actions,
//!                                            one for its undos ──► each caller's record
//! ```
//!
//! The first action under a key writes its row; a repeat finds it and is answered from it. An undo that comes first
//! writes a row too, closed: the tombstone that a delayed action meets. Each statement decides on the rows that it
//! locks, so two processes with one book agree. Nothing is held in memory between batches.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use command_database::{CommandDatabase, DatabaseError};
use event_sourcing::queue::take_batch;
use event_sourcing::{Clock, FailureLog};
use platform::fields;
use sagas::{CallError, OperationKey};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::record::{Action, ProviderKind, Record, SimulatedCall};
use super::statement;

/// Calls that may wait.
const QUEUE: usize = 4_096;
/// The most calls of one batch.
const BATCH: usize = 512;

struct Job {
    call: SimulatedCall,
    action: Action,
    answer: oneshot::Sender<Result<Record, CallError>>,
}

/// The entrance to the book. Clones share it; its task ends when all are gone.
#[derive(Clone, Debug)]
pub struct SimulatedLedger {
    queue: mpsc::Sender<Job>,
    database: CommandDatabase,
}

/// The task that writes the book.
#[derive(Debug)]
pub struct LedgerTask(JoinHandle<()>);

impl LedgerTask {
    /// Waits until all that was asked is written. It comes to that when the last [`SimulatedLedger`] is dropped.
    pub async fn finished(self) {
        // A panic was told by the runtime; nothing is left to wait for.
        let _ = self.0.await;
    }
}

impl SimulatedLedger {
    /// Opens the book in `database`.
    #[must_use]
    pub fn open(database: CommandDatabase, clock: Arc<dyn Clock>) -> (Self, LedgerTask) {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let task = tokio::spawn(write_batches(database.clone(), clock, jobs));
        (Self { queue, database }, LedgerTask(task))
    }

    /// Does `action` unless something holds under its key, and says what holds then.
    ///
    /// # Errors
    /// The database failed.
    pub async fn act(&self, action: Action) -> Result<Record, CallError> {
        self.call(SimulatedCall::Act, action).await
    }

    /// Reverses what holds under the key of `action`, and closes it.
    ///
    /// # Errors
    /// The database failed.
    pub async fn undo(&self, action: Action) -> Result<Record, CallError> {
        self.call(SimulatedCall::Undo, action).await
    }

    /// What holds under a key.
    ///
    /// # Errors
    /// The database failed.
    pub async fn look_up(
        &self,
        kind: ProviderKind,
        key: &OperationKey,
    ) -> Result<Option<Record>, CallError> {
        let found = statement::look_up(&self.database, kind, key).await;
        found.map_err(|error| call_error(&error))
    }

    async fn call(&self, call: SimulatedCall, action: Action) -> Result<Record, CallError> {
        let (answer, answered) = oneshot::channel();
        let job = Job {
            call,
            action,
            answer,
        };
        if self.queue.send(job).await.is_err() {
            return Err(CallError::transient("the simulated provider has stopped"));
        }
        let lost = CallError::unknown("the simulated provider stopped while it worked");
        answered.await.unwrap_or(Err(lost))
    }
}

async fn write_batches(
    database: CommandDatabase,
    clock: Arc<dyn Clock>,
    mut jobs: mpsc::Receiver<Job>,
) {
    let mut taken = Vec::new();
    while take_batch(&mut jobs, &mut taken, BATCH).await {
        let mut batch = Batch::default();
        for job in taken.drain(..) {
            // A statement cannot meet a row twice, and the calls of one key stay in their order.
            if !batch.keys.insert((job.action.kind, job.action.key.clone())) {
                std::mem::take(&mut batch).write(&database, &*clock).await;
                batch.keys.insert((job.action.kind, job.action.key.clone()));
            }
            match job.call {
                SimulatedCall::Act => batch.actions.push(job),
                SimulatedCall::Undo => batch.undos.push(job),
            }
        }
        batch.write(&database, &*clock).await;
    }
}

#[derive(Default)]
struct Batch {
    keys: HashSet<(ProviderKind, OperationKey)>,
    actions: Vec<Job>,
    undos: Vec<Job>,
}

impl Batch {
    async fn write(self, database: &CommandDatabase, clock: &dyn Clock) {
        let now = clock.now().timestamp_micros();
        for (call, jobs) in [
            (SimulatedCall::Act, self.actions),
            (SimulatedCall::Undo, self.undos),
        ] {
            if jobs.is_empty() {
                continue;
            }
            let actions: Vec<&Action> = jobs.iter().map(|job| &job.action).collect();
            let written = statement::write(database, &call, &actions, now).await;
            answer(jobs, written);
        }
    }
}

fn answer(jobs: Vec<Job>, written: Result<HashMap<(String, String), Record>, DatabaseError>) {
    let mut records = match written {
        Ok(records) => records,
        Err(error) => {
            let failure = call_error(&error);
            for job in jobs {
                // Who went away is not waiting.
                let _ = job.answer.send(Err(failure.clone()));
            }
            return;
        }
    };
    for job in jobs {
        let kind = job.action.kind.name().to_owned();
        let key = (kind, job.action.key.as_str().to_owned());
        let record = records.remove(&key);
        let lost = || CallError::unknown("the simulated provider's book lost a row");
        let _ = job.answer.send(record.ok_or_else(lost));
    }
}

/// What a caller is told. The cause is in the log.
fn call_error(error: &DatabaseError) -> CallError {
    static FAILURES: FailureLog = FailureLog::new();
    if let Some(suppressed) = FAILURES.failed(Instant::now()) {
        tracing::warn!(
            { fields::ERROR } = error as &dyn std::error::Error,
            { fields::SUPPRESSED } = suppressed,
            "the simulated providers' book could not be used"
        );
    }
    if error.nothing_happened() {
        CallError::transient("the simulated provider's book cannot be reached")
    } else {
        CallError::unknown("the simulated provider's book did not answer")
    }
}
