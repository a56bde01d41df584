//! The ledger of the simulated providers: one table with one row for each key, written in batches.
//!
//! ```text
//!  callers ──► queue (bounded) ──► batch ──► one statement for its actions,
//!                                            one for its undos ──► each caller's record
//! ```
//!
//! The first action with a key inserts its row; a repeat is answered from it. An undo that arrives first inserts a closed
//! row: the tombstone that declines a delayed action. Each statement decides on the rows that it locks, so two processes
//! on one ledger agree. Nothing is cached between batches.

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

/// Capacity of the queue.
const QUEUE: usize = 4_096;
/// Maximum number of calls in a batch.
const BATCH: usize = 512;

struct Job {
    call: SimulatedCall,
    action: Action,
    answer: oneshot::Sender<Result<Record, CallError>>,
}

/// A handle to the ledger. Clones share it; its task ends when all are dropped.
#[derive(Clone, Debug)]
pub struct SimulatedLedger {
    queue: mpsc::Sender<Job>,
    database: CommandDatabase,
}

/// The task that writes the ledger.
#[derive(Debug)]
pub struct LedgerTask(JoinHandle<()>);

impl LedgerTask {
    /// Waits until all accepted calls are written. Returns after the last [`SimulatedLedger`] is dropped.
    pub async fn finished(self) {
        // A panic was reported by the runtime.
        let _ = self.0.await;
    }
}

impl SimulatedLedger {
    /// Opens the ledger in `database`.
    #[must_use]
    pub fn open(database: CommandDatabase, clock: Arc<dyn Clock>) -> (Self, LedgerTask) {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let task = tokio::spawn(write_batches(database.clone(), clock, jobs));
        (Self { queue, database }, LedgerTask(task))
    }

    /// Executes `action` unless its key has a row, and returns the row.
    ///
    /// # Errors
    /// The database failed.
    pub async fn act(&self, action: Action) -> Result<Record, CallError> {
        self.call(SimulatedCall::Act, action).await
    }

    /// Undoes the action of the same key, if there is one, and closes the key.
    ///
    /// # Errors
    /// The database failed.
    pub async fn undo(&self, action: Action) -> Result<Record, CallError> {
        self.call(SimulatedCall::Undo, action).await
    }

    /// The row of a key.
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
            // A statement cannot update a row twice, and the calls of one key stay in their order.
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
                // The caller may have dropped its call.
                let _ = job.answer.send(Err(failure.clone()));
            }
            return;
        }
    };
    for job in jobs {
        let kind = job.action.kind.name().to_owned();
        let key = (kind, job.action.key.as_str().to_owned());
        let record = records.remove(&key);
        let lost = || CallError::unknown("the simulated provider's ledger returned no row");
        let _ = job.answer.send(record.ok_or_else(lost));
    }
}

/// The error of a call. The cause is logged.
fn call_error(error: &DatabaseError) -> CallError {
    static FAILURES: FailureLog = FailureLog::new();
    if let Some(suppressed) = FAILURES.failed(Instant::now()) {
        tracing::warn!(
            { fields::ERROR } = error as &dyn std::error::Error,
            { fields::SUPPRESSED } = suppressed,
            "the ledger of the simulated providers is unavailable"
        );
    }
    if error.nothing_happened() {
        CallError::transient("the simulated provider's ledger cannot be reached")
    } else {
        CallError::unknown("the simulated provider's ledger did not answer")
    }
}
