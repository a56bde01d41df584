//! Reading events, and how they look in the table.

use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};
use event_sourcing::store::MAX_PAGE_EVENTS;
use event_sourcing::{
    CommandId, Envelope, Filter, LogPage, Position, Receipt, Standing, StreamId, StreamPage,
    Version,
};
use serde::Serialize;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};
use uuid::fmt::Hyphenated;

/// How many positions a filtered page looks at before it answers with what it has, so that a rare event type does not
/// keep a reader's connection for the length of the log.
const MAX_SCAN: u64 = 20_000;

/// A number as SQLite keeps it. What does not fit lies beyond every event.
pub(crate) fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A time as people can read it, in microseconds.
pub(crate) fn time_text(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}

pub(crate) fn parse_time(text: &str) -> Result<DateTime<Utc>, sqlx::Error> {
    let parsed = DateTime::parse_from_rfc3339(text).map_err(undecodable)?;
    Ok(parsed.to_utc())
}

/// JSON text for a parameter or a column.
pub(crate) fn json(value: &impl Serialize) -> Result<String, sqlx::Error> {
    serde_json::to_string(value).map_err(|error| sqlx::Error::Encode(Box::new(error)))
}

/// Stream names as one parameter: an array of pairs.
pub(crate) fn stream_names(streams: &[&StreamId]) -> Result<String, sqlx::Error> {
    let pairs: Vec<_> = streams
        .iter()
        .map(|stream| {
            let (kind, id) = (stream.aggregate_type(), stream.aggregate_id());
            Ok([without_nul(kind)?, without_nul(id)?])
        })
        .collect::<Result<_, sqlx::Error>>()?;
    json(&pairs)
}

/// Text that SQLite takes out of JSON ends at U+0000, so a name with one would be looked up as another.
fn without_nul(name: &str) -> Result<&str, sqlx::Error> {
    if name.contains('\0') {
        return Err(sqlx::Error::Encode("a name has no U+0000".into()));
    }
    Ok(name)
}

fn undecodable(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

fn page_limit(limit: usize) -> usize {
    limit.clamp(1, MAX_PAGE_EVENTS)
}

fn envelope(row: &SqliteRow) -> Result<Envelope, sqlx::Error> {
    let command: Option<Hyphenated> = row.try_get(7)?;
    Ok(Envelope {
        position: Position(row.try_get(0)?),
        stream: StreamId::stored(row.try_get(1)?, row.try_get::<String, _>(2)?),
        version: Version(row.try_get(3)?),
        event_type: row.try_get(4)?,
        schema_version: row.try_get(5)?,
        event_id: row.try_get::<Hyphenated, _>(6)?.into_uuid(),
        command_id: command.map(|id| CommandId(id.into_uuid())),
        recorded_at: parse_time(row.try_get(8)?)?,
        metadata: serde_json::from_str(row.try_get(9)?).map_err(undecodable)?,
        data: row.try_get(10)?,
    })
}

/// The columns in the order that `envelope` reads.
macro_rules! select_events {
    ($rest:literal) => {
        concat!(
            "SELECT id, aggregate_type, aggregate_id, event_version, event_type, schema_version, event_id, command_id, \
             created_at, event_metadata, event_data FROM events ",
            $rest
        )
    };
}

pub(crate) async fn head(conn: &mut SqliteConnection) -> Result<Position, sqlx::Error> {
    let head: Vec<u64> = sqlx::query_scalar("SELECT coalesce(max(id), 0) FROM events")
        .fetch_all(conn)
        .await?;
    Ok(head.into_iter().next().map_or(Position::START, Position))
}

pub(crate) async fn stream(
    conn: &mut SqliteConnection,
    stream: &StreamId,
    after: Version,
    limit: usize,
) -> Result<StreamPage, sqlx::Error> {
    let limit = page_limit(limit);
    let rows = sqlx::query(select_events!(
        "WHERE aggregate_type = ? AND aggregate_id = ? AND event_version > ? ORDER BY event_version LIMIT ?"
    ))
    .bind(stream.aggregate_type())
    .bind(stream.aggregate_id())
    .bind(stored(after.0))
    .bind(stored(limit as u64 + 1))
    .fetch_all(conn)
    .await?;
    let events = rows.iter().take(limit).map(envelope);
    Ok(StreamPage {
        events: events.collect::<Result<_, _>>()?,
        is_end: rows.len() <= limit,
    })
}

/// The head is read first, and nothing behind it: what is committed between the two statements belongs to the next page.
pub(crate) async fn log(
    conn: &mut SqliteConnection,
    after: Position,
    filter: &Filter,
    limit: usize,
) -> Result<LogPage, sqlx::Error> {
    let limit = page_limit(limit);
    let head = head(&mut *conn).await?;
    let (end, page) = if filter.event_types.is_empty() {
        let page = sqlx::query(select_events!(
            "WHERE id > ? AND id <= ? ORDER BY id LIMIT ?"
        ));
        (head, page)
    } else {
        let page = sqlx::query(select_events!(
            "WHERE id > ? AND id <= ? AND event_type IN (SELECT value FROM json_each(?4)) ORDER BY id LIMIT ?3"
        ));
        (head.min(Position(after.0.saturating_add(MAX_SCAN))), page)
    };
    let rows = page
        .bind(stored(after.0))
        .bind(stored(end.0))
        .bind(stored(limit as u64))
        .bind(json(&filter.event_types)?)
        .fetch_all(conn)
        .await?;
    let events = rows.iter().map(|row| envelope(row).map(Arc::new));
    let events: Vec<_> = events.collect::<Result<_, _>>()?;
    let through = match events.last() {
        Some(last) if events.len() == limit => last.position,
        _ => end,
    };
    Ok(LogPage {
        events,
        through,
        head,
    })
}

/// Rebuilt from the commit's rows: the one with the command id, and those behind it up to the next with one.
pub(crate) async fn receipt(
    conn: &mut SqliteConnection,
    command: CommandId,
) -> Result<Option<Receipt>, sqlx::Error> {
    // `NOT INDEXED` walks the rows from the first on, at most a commit; the index on command ids would be sorted whole.
    let rows = sqlx::query(
        "WITH first AS (SELECT id FROM events WHERE command_id = ?)
         SELECT events.id, aggregate_type, aggregate_id, event_version, event_type, created_at
         FROM first JOIN events ON events.id >= first.id AND events.id < coalesce(
             (SELECT behind.id FROM events AS behind NOT INDEXED
              WHERE behind.id > first.id AND behind.command_id IS NOT NULL ORDER BY behind.id LIMIT 1),
             9223372036854775807)
         ORDER BY events.id",
    )
    .bind(command.0.hyphenated())
    .fetch_all(conn)
    .await?;
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
        return Ok(None);
    };
    let mut versions: Vec<(StreamId, Version)> = Vec::new();
    for row in &rows {
        let stream = StreamId::stored(row.try_get(1)?, row.try_get::<String, _>(2)?);
        let version = Version(row.try_get(3)?);
        match versions.last_mut() {
            Some(written) if written.0 == stream => written.1 = version,
            _ => versions.push((stream, version)),
        }
    }
    Ok(Some(Receipt {
        first: Position(first.try_get(0)?),
        last: Position(last.try_get(0)?),
        recorded_at: parse_time(first.try_get(5)?)?,
        first_event_type: first.try_get(4)?,
        versions,
        duplicate: true,
    }))
}

/// To be called in a read transaction, so that its parts are of one moment.
pub(crate) async fn standing(
    moment: &mut SqliteConnection,
    command: CommandId,
    streams: &[StreamId],
) -> Result<Standing, sqlx::Error> {
    Ok(Standing {
        receipt: receipt(&mut *moment, command).await?,
        versions: versions(&mut *moment, streams).await?,
        head: head(moment).await?,
    })
}

async fn versions(
    conn: &mut SqliteConnection,
    streams: &[StreamId],
) -> Result<Vec<Version>, sqlx::Error> {
    let versions: Vec<u64> = sqlx::query_scalar(
        "SELECT coalesce((SELECT max(event_version) FROM events
                          WHERE aggregate_type = value ->> 0 AND aggregate_id = value ->> 1), 0)
         FROM json_each(?) ORDER BY key",
    )
    .bind(stream_names(&Vec::from_iter(streams))?)
    .fetch_all(conn)
    .await?;
    Ok(versions.into_iter().map(Version).collect())
}
