//! A mark as the command database keeps it.

use command_database::DatabaseError;
use event_sourcing::{LogMark, Position};
use uuid::Uuid;

/// The columns `log_id`, `position` and `event_id`.
pub(crate) type MarkRow = (Option<String>, i64, Option<String>);

/// A position, and which log it is of if that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StoredMark {
    pub(crate) position: Position,
    pub(crate) mark: Option<LogMark>,
}

impl StoredMark {
    pub(crate) fn read(
        operation: &'static str,
        (log, position, event): MarkRow,
    ) -> Result<Self, DatabaseError> {
        let damaged = |error: uuid::Error| DatabaseError::new(operation, error);
        let position = Position(u64::try_from(position).unwrap_or(0));
        let event: Option<Uuid> = event
            .as_deref()
            .map(str::parse)
            .transpose()
            .map_err(damaged)?;
        let mark = match log {
            Some(log) => Some(LogMark {
                log: log.parse().map_err(damaged)?,
                position,
                event,
            }),
            None => None,
        };
        Ok(Self { position, mark })
    }
}

/// A position as it is stored. The log ends long before `i64` does.
pub(crate) fn stored_position(position: Position) -> i64 {
    i64::try_from(position.0).unwrap_or(i64::MAX)
}

/// The event's id as it is stored.
pub(crate) fn stored_event(mark: &LogMark) -> Option<String> {
    mark.event.map(|event| event.to_string())
}
