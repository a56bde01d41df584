//! A position in a log, as stored in the columns `log_id`, `position` and `event_id`.

use event_sourcing::{LogMark, Position, StoreError};

use crate::error::failed;

/// The columns, in this order.
pub type MarkRow = (Option<String>, i64, Option<String>);

/// Reads a mark. Returns `None` if the row has no log id.
///
/// # Errors
/// [`StoreError`] if an id cannot be read.
pub fn read(
    operation: &'static str,
    (log, position, event): MarkRow,
) -> Result<Option<LogMark>, StoreError> {
    let damaged = |error| failed(operation, error);
    let Some(log) = log else {
        return Ok(None);
    };
    let event = event.as_deref().map(str::parse).transpose();
    Ok(Some(LogMark {
        log: log.parse().map_err(damaged)?,
        position: self::position(position),
        event: event.map_err(damaged)?,
    }))
}

/// A position as it is stored. No log has more than `i64::MAX` events.
#[must_use]
pub fn stored_position(position: Position) -> i64 {
    i64::try_from(position.0).unwrap_or(i64::MAX)
}

/// A position that was stored.
#[must_use]
pub fn position(stored: i64) -> Position {
    Position(u64::try_from(stored).unwrap_or(0))
}

/// The event's id as it is stored.
#[must_use]
pub fn stored_event(mark: &LogMark) -> Option<String> {
    mark.event.map(|event| event.to_string())
}
