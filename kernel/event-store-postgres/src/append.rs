//! Appends a batch with one statement and one round trip; with two if each commit has to be validated by itself.
//!
//! ```text
//!            ┌─────── connection reused ◄── answered ──┐
//!  append ──►│                                         ├── append_… ──► answers
//!            └─ connect ◄── end its server process ◄── broken, or this future was dropped
//! ```
//!
//! When a connection breaks, the outcome of its statement is unknown: it may have committed, be waiting for the lock,
//! or never have reached the server. So the server process of the broken connection is terminated before a new
//! connection is used. After that the batch is in the log or never will be, and sending the same commits again returns
//! the true outcome.

use std::sync::Arc;

use event_sourcing::{Commit, Position, Receipt, Rejected, StoreError};
use sql_database::NamedPool;
use sqlx::{PgConnection, Row};
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::batch::Batch;
use crate::error::{AppendFailure, Phase, store_error};
use crate::optimistic_batch::OptimisticBatch;
use crate::read::{receipts, version_of};
use crate::session::{self, Backend, Connector};

const OPERATION: &str = "append";

const APPEND: &str = "
    SELECT head, outcome, detail, stream_version
    FROM append_events($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
                       $18, $19, $20, $21, $22, $23, $24, $25)";

/// PostgreSQL checks privileges before the first row, so an insert without rows shows whether inserting is allowed.
const MAY_APPEND: &str = "
    WITH nothing AS (INSERT INTO events SELECT * FROM events WHERE false)
    SELECT l.only_row FROM event_log_lock l WHERE l.only_row FOR NO KEY UPDATE";

pub(crate) async fn may_append(pool: &NamedPool) -> Result<(), sqlx::Error> {
    sqlx::query(MAY_APPEND)
        .fetch_all(&mut *pool.acquire().await?)
        .await
        .map(|_| ())
}

/// The one connection that appends. It has a mutex and not a pool, because appends are serialized by the log's lock
/// anyway.
#[derive(Debug)]
pub(crate) struct AppendConnection {
    connector: Connector,
    /// The connections that read, which find out as well whether the server can be reached.
    pool: NamedPool,
    slot: Mutex<Slot>,
}

#[derive(Debug)]
struct Slot {
    connection: Option<(PgConnection, Backend)>,
    /// The server process of a connection that was abandoned in the middle of a statement.
    in_doubt: Option<Backend>,
}

/// The result of a batch.
pub(crate) struct AppendResults {
    pub head: Position,
    pub answers: Vec<Result<Receipt, Rejected>>,
}

impl AppendConnection {
    pub(crate) fn new(
        connector: Connector,
        pool: NamedPool,
        connection: PgConnection,
        backend: Backend,
    ) -> Self {
        Self {
            connector,
            pool,
            slot: Mutex::new(Slot {
                connection: Some((connection, backend)),
                in_doubt: None,
            }),
        }
    }

    pub(crate) async fn append(&self, commits: &[Commit]) -> Result<AppendResults, StoreError> {
        let optimistic = OptimisticBatch::of(commits).map_err(not_serializable)?;
        let mut slot = self.slot.lock().await;
        let (mut connection, backend) = self
            .connection(&mut slot)
            .await
            .map_err(|error| store_error(OPERATION, Phase::Repeatable, error))?;
        // From here on this future owns the connection. If it is dropped or fails before the answer, the connection is
        // closed, and `in_doubt` makes the next append terminate its server process first.
        slot.in_doubt = Some(backend);
        // A batch that the optimistic function rejected has written nothing, so its commits can be sent again.
        let optimistic = try_optimistic(&mut connection, optimistic);
        let answers = match self.in_time(optimistic).await? {
            Some(answers) => answers,
            None => self.in_time(append_each(&mut connection, commits)).await?,
        };
        // Only now, when all results are complete: after an error above, the statement may have committed.
        slot.in_doubt = None;
        slot.connection = Some((connection, backend));
        Ok(answers)
    }

    /// The result of a statement. If there is none when the server would have cancelled it, the connection is silently lost.
    async fn in_time<T>(
        &self,
        sent: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let answered = timeout(self.connector.answer_timeout(), sent).await;
        answered.unwrap_or_else(|_| {
            let lost = sqlx::Error::Io(std::io::ErrorKind::TimedOut.into());
            Err(store_error(OPERATION, Phase::Appending, lost))
        })
    }

    async fn connection(&self, slot: &mut Slot) -> Result<(PgConnection, Backend), sqlx::Error> {
        if let Some(open) = slot.connection.take() {
            return Ok(open);
        }
        // Opened first, because the new connection is the one that terminates the old process.
        let connecting = self.connector.connect();
        let (mut connection, backend) = self.pool.open_outside(connecting).await?;
        if let Some(in_doubt) = slot.in_doubt {
            // `in_doubt` is cleared only after the process has ended: if this fails, the next call tries again.
            session::terminate(&mut connection, in_doubt).await?;
            slot.in_doubt = None;
        }
        Ok((connection, backend))
    }

    /// Terminates a statement that a broken connection may have left running, so that a later read sees everything that
    /// it will ever write.
    pub(crate) async fn wait_until_idle(&self) -> Result<(), sqlx::Error> {
        // The holder of the slot is appending, and has terminated such a statement first.
        let Ok(mut slot) = self.slot.try_lock() else {
            return Ok(());
        };
        if slot.in_doubt.is_some() {
            slot.connection = Some(self.connection(&mut slot).await?);
        }
        Ok(())
    }

    /// Closes the connection cleanly.
    pub(crate) async fn close(&self) {
        if let Some((connection, _)) = self.slot.lock().await.connection.take() {
            // If this fails, the server ends the session by itself.
            let _ = sqlx::Connection::close(connection).await;
        }
    }
}

/// Metadata that cannot be serialized can never be stored, so the error is permanent.
fn not_serializable(error: serde_json::Error) -> StoreError {
    StoreError::Failed {
        operation: OPERATION,
        source: Arc::new(error),
    }
}

async fn try_optimistic(
    connection: &mut PgConnection,
    optimistic: Option<OptimisticBatch<'_>>,
) -> Result<Option<AppendResults>, StoreError> {
    let Some(optimistic) = optimistic else {
        return Ok(None);
    };
    let confirmed = optimistic
        .run(connection)
        .await
        .map_err(|error| store_error(OPERATION, Phase::Appending, error))?;
    Ok(confirmed.map(|confirmed| AppendResults {
        head: confirmed.head,
        answers: confirmed.receipts.into_iter().map(Ok).collect(),
    }))
}

async fn append_each(
    connection: &mut PgConnection,
    commits: &[Commit],
) -> Result<AppendResults, StoreError> {
    let batch = Batch::of(commits).map_err(not_serializable)?;
    let verdict = run(connection, batch)
        .await
        .map_err(|error| store_error(OPERATION, Phase::Appending, error))?;
    let answers = answer(connection, commits, &verdict)
        .await
        .map_err(|error| without_answers(&verdict, error))?;
    Ok(AppendResults {
        head: verdict.head,
        answers,
    })
}

/// The row that `append_events` returned.
struct AppendOutcomes {
    head: Position,
    outcome: Vec<i16>,
    detail: Vec<i64>,
    stream_version: Vec<i32>,
}

/// The driver returns the row only after the statement has ended, and its transaction with it. So the batch is
/// committed when this returns.
async fn run(
    connection: &mut PgConnection,
    batch: Batch<'_>,
) -> Result<AppendOutcomes, sqlx::Error> {
    let row = sqlx::query(APPEND)
        .bind(batch.stream_type)
        .bind(batch.stream_id)
        .bind(batch.lease_name)
        .bind(batch.command)
        .bind(batch.same_as)
        .bind(batch.recorded_at)
        .bind(batch.fence_lease)
        .bind(batch.fence_token)
        .bind(batch.commit_events)
        .bind(batch.write_end)
        .bind(batch.write_stream)
        .bind(batch.expected)
        .bind(batch.expected_version)
        .bind(batch.follows)
        .bind(batch.write_events)
        .bind(batch.write_last_event)
        .bind(batch.event_commit)
        .bind(batch.event_write)
        .bind(batch.event_index)
        .bind(batch.event_step)
        .bind(batch.event_id)
        .bind(batch.event_type)
        .bind(batch.schema_version)
        .bind(batch.data)
        .bind(batch.metadata)
        .fetch_one(connection)
        .await?;
    Ok(AppendOutcomes {
        head: Position(row.try_get::<i64, _>(0)?.unsigned_abs()),
        outcome: row.try_get(1)?,
        detail: row.try_get(2)?,
        stream_version: row.try_get(3)?,
    })
}

/// The error of a query after the batch was committed: the receipts could not be read, but the events are durable. An
/// accepted commit therefore has an unknown outcome and not a failed one.
fn without_answers(verdict: &AppendOutcomes, error: sqlx::Error) -> StoreError {
    let committed = verdict.outcome.contains(&ACCEPTED);
    match store_error(OPERATION, Phase::Repeatable, error) {
        StoreError::Unavailable { operation, source } if committed => {
            StoreError::OutcomeUnknown { operation, source }
        }
        error => error,
    }
}

const ACCEPTED: i16 = 1;
const WRONG_VERSION: i16 = 2;
const FENCED: i16 = 3;
const STORED: i16 = 4;
const SAME_AS: i16 = 5;

async fn answer(
    connection: &mut PgConnection,
    commits: &[Commit],
    verdict: &AppendOutcomes,
) -> Result<Vec<Result<Receipt, Rejected>>, sqlx::Error> {
    let stored: Vec<_> = commits
        .iter()
        .zip(&verdict.outcome)
        .filter(|(_, outcome)| **outcome == STORED)
        .map(|(commit, _)| commit.command_id().0)
        .collect();
    let mut stored = if stored.is_empty() {
        Vec::new()
    } else {
        // Read after the batch has committed. They cannot have changed since: events are never updated.
        receipts(connection, &stored).await?
    }
    .into_iter();
    let mut answers = Vec::with_capacity(commits.len());
    let mut writes = 0;
    for (index, commit) in commits.iter().enumerate() {
        let versions = verdict
            .stream_version
            .get(writes..writes + commit.writes().len())
            .ok_or(AppendFailure::InvalidResult("too few versions"))?;
        let detail = usize::try_from(verdict.detail.get(index).copied().unwrap_or_default())
            .unwrap_or_default();
        let answer = match verdict.outcome.get(index).copied() {
            Some(ACCEPTED) => Ok(accepted(commit, detail, versions)),
            Some(WRONG_VERSION) => Err(version_conflict(
                commit,
                detail.wrapping_sub(writes + 1),
                versions,
            )?),
            Some(FENCED) => Err(fenced(commit)?),
            Some(STORED) => Ok(stored
                .next()
                .ok_or(AppendFailure::InvalidResult("no receipt"))?),
            Some(SAME_AS) => Ok(repeated(&answers, detail)?),
            _ => return Err(AppendFailure::InvalidResult("unknown outcome").into()),
        };
        answers.push(answer);
        writes += commit.writes().len();
    }
    Ok(answers)
}

fn accepted(commit: &Commit, first: usize, versions: &[i32]) -> Receipt {
    let first = Position(first as u64);
    let written = || {
        let writes = commit.writes().iter().zip(versions);
        writes.filter(|(write, _)| !write.events.is_empty())
    };
    Receipt {
        first,
        last: Position(first.0 + commit.event_count() as u64 - 1),
        recorded_at: commit.recorded_at(),
        operation: commit.operation(),
        versions: written()
            .map(|(write, version)| (write.stream.clone(), version_of(*version)))
            .collect(),
        duplicate: false,
    }
}

fn version_conflict(
    commit: &Commit,
    write: usize,
    versions: &[i32],
) -> Result<Rejected, AppendFailure> {
    let met = commit.writes().get(write).zip(versions.get(write));
    let (write, actual) = met.ok_or(AppendFailure::InvalidResult("a conflict without a write"))?;
    Ok(Rejected::WrongExpectedVersion {
        stream: write.stream.clone(),
        expected: write.expected,
        actual: version_of(*actual),
    })
}

fn fenced(commit: &Commit) -> Result<Rejected, AppendFailure> {
    let fence = commit
        .fence()
        .ok_or(AppendFailure::InvalidResult("no fence"))?;
    Ok(Rejected::Fenced(fence.clone()))
}

fn repeated(
    answers: &[Result<Receipt, Rejected>],
    ordinal: usize,
) -> Result<Receipt, AppendFailure> {
    match answers.get(ordinal.wrapping_sub(1)) {
        Some(Ok(receipt)) => Ok(Receipt {
            duplicate: true,
            ..receipt.clone()
        }),
        _ => Err(AppendFailure::InvalidResult("the repeat of nothing")),
    }
}
