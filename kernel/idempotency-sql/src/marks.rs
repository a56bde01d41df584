//! Compares the stored answers with the event store's log, and reopens the requests whose answers belong to another log.

use event_sourcing::{EventStore, LogId, LogMark, Position, StoreError};
use sql_database::Statement;
use sql_database::mark::{self, MarkRow, stored_position};

use crate::age::KeyClock;
use crate::tables::RequestTables;

/// How many marks are compared with the log in one query.
const COMPARED_AT_ONCE: i64 = 1_000;

/// A mark of another log if there is one, else the mark with the highest position.
const NEWEST: &str = "\
    SELECT log_id, position, event_id FROM idempotent_requests \
    WHERE answer IS NOT NULL AND log_id IS NOT NULL AND (created_at > $2 OR ran_at > $3) \
    ORDER BY CASE WHEN log_id = $1 THEN 1 ELSE 0 END, position DESC LIMIT 1";
const REOPEN: &str = "\
    UPDATE idempotent_requests \
    SET answer = NULL, log_id = NULL, position = NULL, event_id = NULL, lease_until = 0 \
    WHERE answer IS NOT NULL AND log_id IS NOT NULL AND (log_id <> $1 OR position >= $2)";
const DOWNWARD: &str = "\
    SELECT DISTINCT log_id, position, event_id FROM idempotent_requests \
    WHERE answer IS NOT NULL AND log_id = $1 AND position <= $2 ORDER BY position DESC LIMIT $3";

/// The mark of an unexpired answer that belongs to another log than `log`; if there is none, the highest mark in `log`.
///
/// # Errors
/// [`StoreError`] if the marks cannot be read.
pub async fn newest(
    tables: &RequestTables,
    clock: &KeyClock,
    log: LogId,
) -> Result<Option<LogMark>, StoreError> {
    const OPERATION: &str = "read the logs of the stored answers";
    let since = clock.now().expired_before();
    let newest = Statement::new(OPERATION, NEWEST)
        .bind(log.to_string())
        .bind(since.at)
        .bind(since.ran);
    let found: Option<MarkRow> = tables.fetch_optional(newest).await?;
    match found {
        Some(row) => mark::read(OPERATION, row),
        None => Ok(None),
    }
}

/// Reopens the requests whose answers do not belong to the log that ends at `head`, and returns their number. Two logs that
/// share an event are equal up to it, so the downward search can stop at the first mark that the log contains.
///
/// # Errors
/// [`StoreError`] if the tables or the event store cannot be read or written.
pub async fn reopen_foreign(
    tables: &RequestTables,
    store: &dyn EventStore,
    head: LogMark,
) -> Result<u64, StoreError> {
    let mut reopened = reopen_after(tables, head).await?;
    let mut below = head.position;
    loop {
        let marks = downward(tables, head.log, below).await?;
        let positions: Vec<Position> = marks.iter().map(|mark| mark.position).collect();
        let identity = store.identify(&positions).await?;
        let foreign = marks
            .iter()
            .take_while(|mark| identity.verify(mark).is_err());
        let Some(lowest) = foreign.last() else {
            return Ok(reopened);
        };
        reopened += reopen_from(tables, head.log, lowest.position).await?;
        below = Position(lowest.position.0.saturating_sub(1));
    }
}

/// Reopens the requests that were answered after `head` was the log's head, or in another log, and returns their number. The
/// log contains everything before.
///
/// # Errors
/// [`StoreError`] if the tables cannot be written.
pub async fn reopen_after(tables: &RequestTables, head: LogMark) -> Result<u64, StoreError> {
    reopen_from(tables, head.log, head.position.next()).await
}

/// Removes the answers from this position on, and those of other logs. The requests stay: a repeat is executed with the command
/// ids of the first time, so that it takes no effect twice if its events are in the log, although its answer came later.
async fn reopen_from(
    tables: &RequestTables,
    log: LogId,
    from: Position,
) -> Result<u64, StoreError> {
    let reopen = Statement::new("reopen requests that the log does not contain", REOPEN)
        .bind(log.to_string())
        .bind(stored_position(from));
    tables.execute(reopen).await
}

async fn downward(
    tables: &RequestTables,
    log: LogId,
    from: Position,
) -> Result<Vec<LogMark>, StoreError> {
    const OPERATION: &str = "read the marks of the stored answers";
    let downward = Statement::new(OPERATION, DOWNWARD)
        .bind(log.to_string())
        .bind(stored_position(from))
        .bind(COMPARED_AT_ONCE);
    let rows: Vec<MarkRow> = tables.fetch_all(downward).await?;
    // Every selected row has a mark: the query filters on `log_id`.
    let marks = rows.into_iter();
    let marks = marks.filter_map(|row| mark::read(OPERATION, row).transpose());
    marks.collect()
}
