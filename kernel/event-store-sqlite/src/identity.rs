//! Identifies the log, in one statement and so from one snapshot.

use event_sourcing::{LogId, LogIdentity, LogMark, Position};
use sqlx::SqliteConnection;
use uuid::Uuid;
use uuid::fmt::Hyphenated;

use crate::read::{json, stored};

/// Returns one row for the head, with the index -1, and one for each position.
const IDENTITY: &str = "
    SELECT l.id, -1, h.position, e.event_id
    FROM event_log_id AS l, (SELECT coalesce(max(id), 0) AS position FROM events) AS h
    LEFT JOIN events AS e ON e.id = h.position
    UNION ALL
    SELECT l.id, q.key, q.value, e.event_id
    FROM event_log_id AS l, json_each(?) AS q
    LEFT JOIN events AS e ON e.id = q.value";

pub(crate) async fn identify(
    conn: &mut SqliteConnection,
    positions: &[Position],
) -> Result<LogIdentity, sqlx::Error> {
    let asked: Vec<i64> = positions
        .iter()
        .map(|position| stored(position.0))
        .collect();
    let rows: Vec<(Hyphenated, i64, u64, Option<String>)> = sqlx::query_as(IDENTITY)
        .bind(json(&asked)?)
        .fetch_all(conn)
        .await?;
    let mut head = None;
    let mut events: Vec<Option<Uuid>> = vec![None; positions.len()];
    for (log, index, position, event) in rows {
        let event = event.as_deref().map(event_id);
        // The index of the head is -1, which is no `usize`.
        match usize::try_from(index) {
            Ok(index) => {
                if let Some(found) = events.get_mut(index) {
                    *found = event;
                }
            }
            Err(_) => {
                head = Some(LogMark {
                    log: LogId(log.into_uuid()),
                    position: Position(position),
                    event,
                });
            }
        }
    }
    let head = head.ok_or(sqlx::Error::RowNotFound)?;
    let mark = |(position, event): (&Position, Option<Uuid>)| LogMark {
        log: head.log,
        position: *position,
        event,
    };
    Ok(LogIdentity {
        head,
        marks: positions.iter().zip(events).map(mark).collect(),
    })
}

/// An event's id. A damaged one is replaced by an id derived from its text, because the event exists and a checkpoint
/// at it must still match this log.
fn event_id(text: &str) -> Uuid {
    Uuid::parse_str(text).unwrap_or_else(|_| Uuid::new_v5(&Uuid::NAMESPACE_OID, text.as_bytes()))
}
