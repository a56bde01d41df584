//! Identifies the log, in one statement and so from one snapshot.

use event_sourcing::{LogId, LogIdentity, LogMark, Position, StoreError};
use sql_database::mark::{self, MarkRow};
use sql_database::{NamedPool, Statement, Transaction};
use uuid::Uuid;

use crate::read::{bigint, position_of};

const IDENTITY: &str = "
    SELECT l.id, coalesce(h.id, 0), h.event_id,
           ARRAY (
               SELECT e.event_id
               FROM unnest($1::bigint[]) WITH ORDINALITY q (position, n)
               LEFT JOIN events e ON e.id = q.position
               ORDER BY q.n
           )
    FROM event_log_id l
    LEFT JOIN (SELECT id, event_id FROM events ORDER BY id DESC LIMIT 1) h ON true";

pub(crate) async fn identify(
    pool: &NamedPool,
    positions: &[Position],
) -> Result<LogIdentity, sqlx::Error> {
    let asked: Vec<i64> = positions
        .iter()
        .map(|position| bigint(position.0))
        .collect();
    let (id, head, last, events): (Uuid, i64, Option<Uuid>, Vec<Option<Uuid>>) =
        sqlx::query_as(IDENTITY)
            .bind(asked)
            .fetch_one(&mut *pool.acquire().await?)
            .await?;
    let log = LogId(id);
    let mark = |(position, event): (&Position, Option<Uuid>)| LogMark {
        log,
        position: *position,
        event,
    };
    Ok(LogIdentity {
        head: mark((&position_of(head), last)),
        marks: positions.iter().zip(events).map(mark).collect(),
    })
}

/// The id of the log and its last event, as `transaction` sees them; `None` if the database has no log.
///
/// # Errors
/// [`StoreError`] if the database cannot be read.
pub async fn head_in(transaction: &mut Transaction) -> Result<Option<LogMark>, StoreError> {
    const OPERATION: &str = "identify the log";
    const HEAD: &str = "SELECT l.id::text, coalesce(h.id, 0), h.event_id::text FROM event_log_id l
        LEFT JOIN (SELECT id, event_id FROM events ORDER BY id DESC LIMIT 1) h ON true";
    const EXISTS: &str = "SELECT to_regclass('event_log_id')::text";
    let exists = Statement::new(OPERATION, EXISTS);
    let found: Option<(Option<String>,)> = transaction.fetch_optional(exists).await?;
    if found.is_none_or(|(table,)| table.is_none()) {
        return Ok(None);
    }
    let head = Statement::new(OPERATION, HEAD);
    let row: Option<MarkRow> = transaction.fetch_optional(head).await?;
    row.map_or(Ok(None), |row| mark::read(OPERATION, row))
}
