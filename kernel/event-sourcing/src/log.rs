//! The identity of a log. A checkpoint belongs to one log, and records which.
//!
//! A position alone is not enough: after the event store was restored from an older copy, or replaced, a reader that
//! resumes at position 1,000 of a log that ends at 900 would silently skip the next hundred events. Therefore every
//! stored position is a [`LogMark`], which is compared with the current log ([`EventStore::identify`]).
//!
//! [`EventStore::identify`]: crate::EventStore::identify

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use crate::id::Position;

/// Identifies a log. It is created with the log; a copy of the log has the same id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LogId(pub Uuid);

impl fmt::Display for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for LogId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::from_str(text).map(Self)
    }
}

/// A position in a specific log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogMark {
    /// The log.
    pub log: LogId,
    /// The position.
    pub position: Position,
    /// The id of the event at the position; `None` at the start, and where the log has no event.
    pub event: Option<Uuid>,
}

/// The id and head of a log, with the events at some positions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogIdentity {
    /// Its head.
    pub head: LogMark,
    /// The marks at the requested positions, in the order of the request.
    pub marks: Vec<LogMark>,
}

/// Why a mark does not belong to the current log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForeignLog {
    /// The store has another log.
    #[error("the checkpoint belongs to the log {expected}, this is the log {found}")]
    OtherLog {
        /// The mark's log.
        expected: LogId,
        /// The current log.
        found: LogId,
    },
    /// The log ends below the mark: it was restored from an older copy.
    #[error("the checkpoint is at position {position}, this log ends at {head}")]
    Shorter {
        /// The mark's position.
        position: Position,
        /// The log's head.
        head: Position,
    },
    /// Another event is at the mark's position: the log was restored from an older copy and has grown since.
    #[error(
        "the checkpoint is at event {expected}, this log has event {found} at position {position}"
    )]
    OtherEvent {
        /// The mark's position.
        position: Position,
        /// The mark's event.
        expected: Uuid,
        /// The event at that position in the current log.
        found: Uuid,
    },
}

impl LogIdentity {
    /// Verifies that `mark` belongs to this log. Its position must be one of the requested ones.
    ///
    /// # Errors
    /// [`ForeignLog`] with the difference.
    pub fn verify(&self, mark: &LogMark) -> Result<(), ForeignLog> {
        if mark.log != self.head.log {
            return Err(ForeignLog::OtherLog {
                expected: mark.log,
                found: self.head.log,
            });
        }
        let found = self.event_at(mark.position);
        match (mark.event, found) {
            (Some(expected), Some(found)) if expected != found => Err(ForeignLog::OtherEvent {
                position: mark.position,
                expected,
                found,
            }),
            (_, None) if mark.position > Position::START => Err(ForeignLog::Shorter {
                position: mark.position,
                head: self.head.position,
            }),
            _ => Ok(()),
        }
    }

    /// The mark at `position`, which must be one of the requested ones.
    #[must_use]
    pub fn mark_at(&self, position: Position) -> LogMark {
        LogMark {
            log: self.head.log,
            position,
            event: self.event_at(position),
        }
    }

    fn event_at(&self, position: Position) -> Option<Uuid> {
        let mut marks = self.marks.iter();
        marks.find(|mark| mark.position == position)?.event
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: LogId = LogId(Uuid::from_u128(1));

    fn mark(position: u64, event: Option<u128>) -> LogMark {
        LogMark {
            log: LOG,
            position: Position(position),
            event: event.map(Uuid::from_u128),
        }
    }

    /// A log with head 9, identified at positions 7 and 12.
    fn identity() -> LogIdentity {
        LogIdentity {
            head: mark(9, Some(90)),
            marks: vec![mark(7, Some(70)), mark(12, None)],
        }
    }

    #[test]
    fn a_mark_of_the_same_log_is_accepted() {
        assert_eq!(identity().verify(&mark(7, Some(70))), Ok(()));
        assert_eq!(identity().verify(&mark(0, None)), Ok(()));
        assert_eq!(identity().mark_at(Position(7)), mark(7, Some(70)));
    }

    #[test]
    fn another_log_a_shorter_one_and_another_event_are_distinguished() {
        let other = LogMark {
            log: LogId(Uuid::from_u128(2)),
            ..mark(7, Some(70))
        };
        let expected = ForeignLog::OtherLog {
            expected: other.log,
            found: LOG,
        };
        assert_eq!(identity().verify(&other), Err(expected));
        let expected = ForeignLog::Shorter {
            position: Position(12),
            head: Position(9),
        };
        assert_eq!(identity().verify(&mark(12, Some(120))), Err(expected));
        let expected = ForeignLog::OtherEvent {
            position: Position(7),
            expected: Uuid::from_u128(71),
            found: Uuid::from_u128(70),
        };
        assert_eq!(identity().verify(&mark(7, Some(71))), Err(expected));
    }

    #[test]
    fn an_id_parses_from_its_text() {
        assert_eq!(LOG.to_string().parse(), Ok(LOG));
        assert!("no id".parse::<LogId>().is_err());
    }
}
