//! The store of the progress of event handlers.

use async_trait::async_trait;
use event_sourcing::handler::{HandlerProgress, HandlerStore, HandlerWrite, ParkedStream};
use event_sourcing::{LogMark, StoreError, StreamId, Token};
use sql_database::mark::{self, MarkRow, stored_event, stored_position};
use sql_database::{Database, Statement, Transaction};

use crate::row::{self, ParkedRow, signed};
use crate::schema::SCHEMA;

const TAKE: &str = "INSERT INTO event_handlers AS h (name, token, position) VALUES ($1, $2, 0) \
     ON CONFLICT (name) DO UPDATE SET token = excluded.token WHERE h.token <= excluded.token";
const MARK: &str = "SELECT log_id, position, event_id FROM event_handlers WHERE name = $1";
const PARKED: &str = "SELECT stream_type, stream_id, position, version, event_type, reason, parked_at, decisions \
     FROM parked_streams WHERE handler = $1 ORDER BY stream_type, stream_id";
const MOVE: &str = "UPDATE event_handlers SET position = $3, log_id = $4, event_id = $5 \
     WHERE name = $1 AND token = $2";
const PARK: &str = "INSERT INTO parked_streams \
     (handler, stream_type, stream_id, position, version, event_type, reason, parked_at, decisions) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
     ON CONFLICT (handler, stream_type, stream_id) DO UPDATE SET \
         position = excluded.position, version = excluded.version, event_type = excluded.event_type, \
         reason = excluded.reason, parked_at = excluded.parked_at, decisions = excluded.decisions";
const RELEASE: &str =
    "DELETE FROM parked_streams WHERE handler = $1 AND stream_type = $2 AND stream_id = $3";
const FORGET: &str = "DELETE FROM parked_streams WHERE position > $1 \
     OR handler NOT IN (SELECT name FROM event_handlers WHERE log_id = $2)";
const ACCEPT: &str =
    "UPDATE event_handlers SET token = 0, position = $1, log_id = $2, event_id = $3";

const FORGET_AFTER: &str = "DELETE FROM parked_streams WHERE position > $1";
const REWIND: &str = "UPDATE event_handlers SET token = 0, \
         position = CASE WHEN position > $1 THEN $1 ELSE position END, \
         event_id = CASE WHEN position > $1 THEN $3 ELSE event_id END \
     WHERE log_id = $2";

const BEGIN: &str = "start an event handler";
const READ: &str = "read the progress of an event handler";
const WRITE: &str = "write the progress of an event handler";
const ALIGN: &str = "align the event handlers with the log";
const ACCEPT_LOG: &str = "move the event handlers to another log";

/// Stores the progress of event handlers in a database. Clones share its connections.
#[derive(Clone, Debug)]
pub struct SqlHandlerStore {
    database: Database,
}

impl SqlHandlerStore {
    /// Opens the store in `database` and runs missing migrations; without `migrate`, a missing migration is an error.
    ///
    /// # Errors
    /// [`StoreError`] if the database cannot be reached, or its schema does not fit this binary.
    pub async fn open(database: Database, migrate: bool) -> Result<Self, StoreError> {
        let prepared = if migrate {
            SCHEMA.migrate(&database).await
        } else {
            SCHEMA.check(&database).await
        };
        prepared.map_err(|error| error.into_store_error("migrate the event handlers' tables"))?;
        Ok(Self { database })
    }

    /// The progress of every handler that ever wrote one, in the order of names.
    ///
    /// # Errors
    /// [`StoreError`] if the database cannot be read.
    pub async fn marks(&self) -> Result<Vec<(String, LogMark)>, StoreError> {
        const ALL: &str = "SELECT name, log_id, position, event_id FROM event_handlers \
             WHERE log_id IS NOT NULL ORDER BY name";
        let rows: Vec<(String, Option<String>, i64, Option<String>)> =
            self.database.fetch_all(Statement::new(READ, ALL)).await?;
        let mut marks = Vec::with_capacity(rows.len());
        for (name, log, position, event) in rows {
            let mark = mark::read(READ, (log, position, event))?;
            marks.extend(mark.map(|mark| (name, mark)));
        }
        Ok(marks)
    }

    /// Moves each handler that is past `head` back to it, because both were copied at different times: the log ends at `head`
    /// and contains everything before it. Handlers that are not past it keep their checkpoint. No process may use the store.
    ///
    /// # Errors
    /// [`StoreError`] if the database cannot be written.
    pub async fn align(&self, head: LogMark) -> Result<(), StoreError> {
        let position = stored_position(head.position);
        let mut transaction = self.database.begin().await?;
        let forget = Statement::new(ALIGN, FORGET_AFTER).bind(position);
        transaction.execute(forget).await?;
        // Tokens grow in the log's database, whose copy may be the older one: without a reset no process could start.
        let rewind = Statement::new(ALIGN, REWIND)
            .bind(position)
            .bind(head.log.to_string())
            .bind(stored_event(&head));
        transaction.execute(rewind).await?;
        transaction.commit(ALIGN).await
    }
}

#[async_trait]
impl HandlerStore for SqlHandlerStore {
    async fn begin(
        &self,
        handler: &str,
        token: Token,
    ) -> Result<Option<HandlerProgress>, StoreError> {
        let mut transaction = self.database.begin().await?;
        let take = Statement::new(BEGIN, TAKE)
            .bind(handler)
            .bind(signed(token.0));
        // Storing the token fences the previous runner: its writes carry the old token and are rejected.
        if transaction.execute(take).await? == 0 {
            transaction.rollback().await?;
            return Ok(None);
        }
        let mark: Option<MarkRow> = transaction.fetch_optional(read_mark(handler)).await?;
        let parked: Vec<ParkedRow> = transaction.fetch_all(read_parked(handler)).await?;
        transaction.commit(BEGIN).await?;
        progress(mark, parked).map(Some)
    }

    async fn progress(&self, handler: &str) -> Result<HandlerProgress, StoreError> {
        let mark: Option<MarkRow> = self.database.fetch_optional(read_mark(handler)).await?;
        let parked: Vec<ParkedRow> = self.database.fetch_all(read_parked(handler)).await?;
        progress(mark, parked)
    }

    async fn write(&self, handler: &str, write: HandlerWrite) -> Result<bool, StoreError> {
        let mut transaction = self.database.begin().await?;
        let move_on = place(
            Statement::new(WRITE, MOVE)
                .bind(handler)
                .bind(signed(write.token.0)),
            &write.mark,
        );
        // The token differs, so another process has taken over. This row is also the lock: a concurrent start waits for
        // the commit.
        if transaction.execute(move_on).await? == 0 {
            transaction.rollback().await?;
            return Ok(false);
        }
        for parked in &write.parked {
            park(&mut transaction, handler, parked).await?;
        }
        for stream in &write.released {
            transaction
                .execute(named(Statement::new(WRITE, RELEASE).bind(handler), stream))
                .await?;
        }
        transaction.commit(WRITE).await?;
        Ok(true)
    }

    async fn accept(&self, mark: LogMark) -> Result<(), StoreError> {
        let mut transaction = self.database.begin().await?;
        // Parked events that the new log does not have are deleted before the marks change, because the condition
        // compares them with the marks' log.
        let forget = Statement::new(ACCEPT_LOG, FORGET)
            .bind(stored_position(mark.position))
            .bind(mark.log.to_string());
        transaction.execute(forget).await?;
        let accept = place(Statement::new(ACCEPT_LOG, ACCEPT), &mark);
        transaction.execute(accept).await?;
        transaction.commit(ACCEPT_LOG).await
    }
}

async fn park(
    transaction: &mut Transaction,
    handler: &str,
    parked: &ParkedStream,
) -> Result<(), StoreError> {
    let park = named(Statement::new(WRITE, PARK).bind(handler), &parked.stream)
        .bind(signed(parked.position.0))
        .bind(signed(parked.version.0))
        .bind(parked.event_type.as_str())
        .bind(parked.reason.as_str())
        .bind(parked.parked_at.timestamp_micros())
        .bind(signed(parked.decisions));
    transaction.execute(park).await?;
    Ok(())
}

fn read_mark(handler: &str) -> Statement {
    Statement::new(READ, MARK).bind(handler)
}

fn read_parked(handler: &str) -> Statement {
    Statement::new(READ, PARKED).bind(handler)
}

fn progress(mark: Option<MarkRow>, parked: Vec<ParkedRow>) -> Result<HandlerProgress, StoreError> {
    let mark = match mark {
        Some(row) => mark::read(READ, row)?,
        None => None,
    };
    let parked = parked.into_iter().map(|row| row::parked(READ, row));
    Ok(HandlerProgress {
        mark,
        parked: parked.collect::<Result<_, _>>()?,
    })
}

fn named(statement: Statement, stream: &StreamId) -> Statement {
    statement
        .bind(stream.aggregate_type())
        .bind(stream.aggregate_id())
}

fn place(statement: Statement, mark: &LogMark) -> Statement {
    statement
        .bind(stored_position(mark.position))
        .bind(mark.log.to_string())
        .bind(stored_event(mark))
}
