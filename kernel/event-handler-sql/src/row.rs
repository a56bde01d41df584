//! Parked streams as rows.

use chrono::DateTime;
use event_sourcing::handler::ParkedStream;
use event_sourcing::{Position, StoreError, StreamId, Version};
use sql_database::failed;

/// The columns `stream_type`, `stream_id`, `position`, `version`, `event_type`, `reason`, `parked_at`, `decisions`.
pub(crate) type ParkedRow = (String, String, i64, i64, String, String, i64, i64);

/// A stored time is out of range.
#[derive(Debug, thiserror::Error)]
#[error("{0} microseconds since 1970 is out of range")]
struct NoTime(i64);

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

/// A number as it is stored. No log has more than `i64::MAX` events.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
