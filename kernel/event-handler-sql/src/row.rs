//! Marks and parked streams as rows.

use chrono::DateTime;
use event_sourcing::handler::ParkedStream;
use event_sourcing::{LogMark, Position, StoreError, StreamId, Version};
use sql_database::failed;

/// The columns `log_id`, `position` and `event_id`.
pub(crate) type MarkRow = (Option<String>, i64, Option<String>);
/// The columns `stream_type`, `stream_id`, `position`, `version`, `event_type`, `reason`, `parked_at`, `decisions`.
pub(crate) type ParkedRow = (String, String, i64, i64, String, String, i64, i64);

/// A time that no clock shows.
#[derive(Debug, thiserror::Error)]
#[error("{0} microseconds since 1970 is no time")]
struct NoTime(i64);

/// Nothing before the first write.
pub(crate) fn mark(
    operation: &'static str,
    (log, position, event): MarkRow,
) -> Result<Option<LogMark>, StoreError> {
    let damaged = |error: uuid::Error| failed(operation, error);
    let Some(log) = log else {
        return Ok(None);
    };
    let event = event.as_deref().map(str::parse).transpose();
    Ok(Some(LogMark {
        log: log.parse().map_err(damaged)?,
        position: Position(unsigned(position)),
        event: event.map_err(damaged)?,
    }))
}

pub(crate) fn parked(operation: &'static str, row: ParkedRow) -> Result<ParkedStream, StoreError> {
    let (stream_type, stream_id, position, version, event_type, reason, parked_at, decisions) = row;
    let time = DateTime::from_timestamp_micros(parked_at);
    Ok(ParkedStream {
        stream: StreamId::stored(stream_type, stream_id),
        position: Position(unsigned(position)),
        version: Version(unsigned(version)),
        event_type,
        reason,
        parked_at: time.ok_or_else(|| failed(operation, NoTime(parked_at)))?,
        decisions: unsigned(decisions),
    })
}

/// As it is stored. No log is as long as `i64` counts.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
