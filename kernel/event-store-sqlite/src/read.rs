//! Reads events, and converts between their fields and the table's columns.

use std::borrow::Cow;

use chrono::{DateTime, SecondsFormat, Utc};
use event_sourcing::store::MAX_PAGE_EVENTS;
use event_sourcing::{
    CommandId, CommandStatus, Entry, Envelope, Filter, LogPage, Position, Receipt, StoredContent,
    StoredPlace, StreamId, StreamPage, Unreadable, Version,
};
use serde::Serialize;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};
use uuid::fmt::Hyphenated;

/// Maximum number of positions that one filtered page scans. It bounds how long a reader for a rare event type occupies
/// a connection.
const MAX_SCAN: u64 = 20_000;

/// A number as SQLite stores it. One that does not fit is greater than that of any event.
pub(crate) fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A time as RFC 3339 text in microseconds, which an operator can read in the table.
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

/// SQLite truncates text from JSON at U+0000, so a name that contains it would match another stream's name.
fn without_nul(name: &str) -> Result<&str, sqlx::Error> {
    if name.contains('\0') {
        return Err(sqlx::Error::Encode("a name must not contain U+0000".into()));
    }
    Ok(name)
}

fn undecodable(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

fn page_limit(limit: usize) -> usize {
    limit.clamp(1, MAX_PAGE_EVENTS)
}

/// The event of a row. Its position, stream and type can always be read; if anything else is damaged, only this event
/// is reported as unreadable.
fn read(row: &SqliteRow) -> Result<Result<Envelope, Unreadable>, sqlx::Error> {
    let place = StoredPlace {
        position: Position(row.try_get(0)?),
        stream: StreamId::stored(text(row, 1)?, text(row, 2)?),
        version: Version(row.try_get(3).unwrap_or_default()),
        event_type: text(row, 4)?,
    };
    Ok(place.with(content(row)))
}

fn content(row: &SqliteRow) -> Result<StoredContent, String> {
    let _version: u64 = StoredContent::part("version", row.try_get(3))?;
    let time: &str = StoredContent::part("time", row.try_get(8))?;
    let metadata: &str = StoredContent::part("metadata", row.try_get(9))?;
    let event_id: Hyphenated = StoredContent::part("event id", row.try_get(6))?;
    let command_id: Option<Hyphenated> = StoredContent::part("command id", row.try_get(7))?;
    Ok(StoredContent {
        schema_version: StoredContent::part("schema version", row.try_get(5))?,
        event_id: event_id.into_uuid(),
        command_id: command_id.map(Hyphenated::into_uuid),
        recorded_at: StoredContent::part("time", parse_time(time))?,
        metadata: StoredContent::part("metadata", serde_json::from_str(metadata))?,
        data: StoredContent::part("data", row.try_get(10))?,
    })
}

/// Text with invalid bytes replaced, because SQLite does not check that a column holds UTF-8.
fn text(row: &SqliteRow, column: usize) -> Result<String, sqlx::Error> {
    let bytes: &[u8] = row.try_get_unchecked(column)?;
    Ok(String::from_utf8_lossy(bytes).into_owned())
}

/// Selects the columns in the order in which `read` expects them.
macro_rules! select_events {
    ($rest:literal) => {
        concat!(
            "SELECT id, aggregate_type, aggregate_id, event_version, event_type, schema_version, event_id, command_id, \
             created_at, event_metadata, event_data FROM events ",
            $rest
        )
    };
}
pub(crate) use select_events;

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
    let mut page = StreamPage {
        events: Vec::with_capacity(rows.len()),
        unreadable: Vec::new(),
        is_end: rows.len() <= limit,
    };
    for row in rows.iter().take(limit) {
        match read(row)? {
            Ok(envelope) => page.events.push(envelope),
            Err(unreadable) => page.unreadable.push(unreadable),
        }
    }
    Ok(page)
}

/// Reads the head first and then no event above it: the two statements see different snapshots, and events that are
/// committed in between belong to the next page. Otherwise a page could contain events above the head that it reports.
pub(crate) async fn log(
    conn: &mut SqliteConnection,
    after: Position,
    filter: &Filter,
    limit: usize,
) -> Result<LogPage, sqlx::Error> {
    let limit = page_limit(limit);
    let head = head(&mut *conn).await?;
    let (end, page) = if filter.is_all() {
        let page = sqlx::query(select_events!(
            "WHERE id > ? AND id <= ? ORDER BY id LIMIT ?"
        ));
        (head, page)
    } else {
        // The unary plus keeps SQLite from using the index on streams, which would read all streams of the type to the
        // log's end instead of the bounded range of positions.
        let page = sqlx::query(select_events!(
            "WHERE id > ?1 AND id <= ?2
               AND (event_type IN (SELECT value FROM json_each(?4))
                    OR +aggregate_type IN (SELECT value FROM json_each(?5))
                       AND (aggregate_type, event_type) NOT IN (
                           SELECT value ->> 0, value ->> 1 FROM json_each(?6)))
             ORDER BY id LIMIT ?3"
        ));
        (head.min(Position(after.0.saturating_add(MAX_SCAN))), page)
    };
    let rows = page
        .bind(stored(after.0))
        .bind(stored(end.0))
        .bind(stored(limit as u64))
        .bind(json(&filter.event_types())?)
        .bind(json(&filter.stream_types())?)
        .bind(json(&filter.ignored().collect::<Vec<_>>())?)
        .fetch_all(conn)
        .await?;
    let entries = rows.iter().map(|row| read(row).map(Entry::from));
    let entries: Vec<_> = entries.collect::<Result<_, _>>()?;
    // A full page was read only up to its last event. A shorter one covers the whole range, so a reader skips what the
    // filter excluded.
    let read_up_to = match entries.last() {
        Some(last) if entries.len() == limit => last.position(),
        _ => end,
    };
    Ok(LogPage {
        entries,
        read_up_to,
        head,
    })
}

/// Rebuilds a receipt from the commit's rows: the one with the command id, and those after it up to the next row with
/// one. Receipts need no table of their own.
pub(crate) async fn receipt(
    conn: &mut SqliteConnection,
    command: CommandId,
) -> Result<Option<Receipt>, sqlx::Error> {
    // `NOT INDEXED` scans the rows from the first one on, at most one commit; with the index on command ids SQLite
    // would sort the whole index.
    let rows = sqlx::query(
        "WITH first AS (SELECT id FROM events WHERE command_id = ?)
         SELECT events.id, aggregate_type, aggregate_id, event_version,
                CASE WHEN json_valid(event_metadata) THEN event_metadata ->> 'operation' END, created_at
         FROM first JOIN events ON events.id >= first.id AND events.id < coalesce(
             (SELECT later.id FROM events AS later NOT INDEXED
              WHERE later.id > first.id AND later.command_id IS NOT NULL ORDER BY later.id LIMIT 1),
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
        // A damaged time makes the event unreadable, but must not fail a batch that repeats its command.
        recorded_at: first.try_get(5).and_then(parse_time).unwrap_or_default(),
        operation: first.try_get::<Option<String>, _>(4)?.map(Cow::Owned),
        versions,
        duplicate: true,
    }))
}

/// Must run in a read transaction, so that all parts come from one snapshot: a caller decides a retry from them
/// together.
pub(crate) async fn command_status(
    moment: &mut SqliteConnection,
    command: CommandId,
    streams: &[StreamId],
) -> Result<CommandStatus, sqlx::Error> {
    Ok(CommandStatus {
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
