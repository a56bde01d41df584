//! Classifies the errors of both engines.
//!
//! A caller has to know whether the same call may succeed later, and whether it may have taken effect. That depends on
//! the error, and on whether a commit was in progress.

use std::error::Error as StdError;
use std::sync::Arc;

use event_sourcing::StoreError;
use sqlx::postgres::{PgDatabaseError, PgSeverity};
use sqlx::sqlite::SqliteError;

use crate::postgres::{SchemaLocked, Unreachable};

/// What was in progress when an error occurred.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// A read, or a statement in a transaction that was not committed: nothing has taken effect.
    Repeatable,
    /// `COMMIT`, or a statement that commits by itself.
    Committing,
}

/// What an error means for its statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The statement had no effect; a retry may succeed.
    Transient,
    /// A commit may have taken effect, now or after recovery at the next start. A retry may succeed.
    OutcomeUnknown,
    /// The statement had no effect, and a retry fails in the same manner.
    Permanent,
}

impl ErrorKind {
    /// The kind of an error of either driver.
    #[must_use]
    pub fn of(error: &sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(database) => {
                let code = database.code();
                let code = code.as_deref().unwrap_or_default();
                if database.try_downcast_ref::<SqliteError>().is_some() {
                    Self::of_result_code(code.parse().unwrap_or_default())
                } else {
                    Self::of_sql_state(code)
                }
            }
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::WorkerCrashed => Self::OutcomeUnknown,
            // Nothing was sent.
            sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::BeginFailed
            | sqlx::Error::InvalidSavePointStatement => Self::Transient,
            sqlx::Error::Configuration(inner)
                if inner.is::<SchemaLocked>() || inner.is::<Unreachable>() =>
            {
                Self::Transient
            }
            _ => Self::Permanent,
        }
    }

    /// The kind of an error during a commit. An error that ended the session of a PostgreSQL server may have occurred
    /// after the commit was written, whatever its code: a server that cannot sync its log ends with PANIC, and its
    /// recovery restores the commit. Only an ERROR is certain to have rolled back.
    #[must_use]
    pub fn of_commit(error: &sqlx::Error) -> Self {
        if ended_session(error) {
            Self::OutcomeUnknown
        } else {
            Self::of(error)
        }
    }

    /// The kind of SQLite's primary result code, which is the low byte of the extended one.
    #[must_use]
    pub fn of_result_code(code: i32) -> Self {
        match code & 0xff {
            // BUSY, LOCKED, PROTOCOL, SCHEMA: another connection was faster. READONLY and CANTOPEN: a file system is
            // mounted read-only or temporarily missing. INTERRUPT: rolled back.
            5 | 6 | 8 | 9 | 14 | 15 | 17 => Self::Transient,
            // NOMEM, IOERR, FULL: frames of the write-ahead log may be complete although the commit was not.
            7 | 10 | 13 => Self::OutcomeUnknown,
            _ => Self::Permanent,
        }
    }

    /// The kind of a PostgreSQL SQLSTATE, usually by its class, the first two characters.
    #[must_use]
    pub fn of_sql_state(state: &str) -> Self {
        match (state.get(..2).unwrap_or_default(), state) {
            // A connection failed; a statement's completion is unknown; the server or an operator ended the session.
            // Such a session may have committed before it could answer.
            ("08", _) | (_, "40003" | "25P03" | "25P04" | "57P01" | "57P02" | "57P05") => Self::OutcomeUnknown,
            // Rolled back because of another transaction; out of memory, disk or connections; over a shared limit;
            // locked; cancelled, starting or stopping; an I/O error of the operating system.
            ("40" | "53" | "54" | "55" | "57" | "58", _)
            // The server became a replica; a pooler lost the prepared statement; a plan outlived its table.
            | (_, "25006" | "26000" | "0A000") => Self::Transient,
            _ => Self::Permanent,
        }
    }

    /// The kernel's error for an error of this kind.
    #[must_use]
    pub fn store_error(
        self,
        operation: &'static str,
        phase: Phase,
        source: Arc<dyn StdError + Send + Sync>,
    ) -> StoreError {
        match (self, phase) {
            (Self::OutcomeUnknown, Phase::Committing) => {
                StoreError::OutcomeUnknown { operation, source }
            }
            (Self::OutcomeUnknown, Phase::Repeatable) | (Self::Transient, _) => {
                StoreError::Unavailable { operation, source }
            }
            (Self::Permanent, _) => StoreError::Failed { operation, source },
        }
    }
}

/// Converts an error of a read, or of a statement in a transaction that was not committed.
#[must_use]
pub fn store_error(operation: &'static str, error: sqlx::Error) -> StoreError {
    let meaning = ErrorKind::of(&error);
    meaning.store_error(operation, Phase::Repeatable, explain(error))
}

/// Converts an error of `COMMIT`, or of a statement that commits by itself.
#[must_use]
pub fn commit_error(operation: &'static str, error: sqlx::Error) -> StoreError {
    let meaning = ErrorKind::of_commit(&error);
    meaning.store_error(operation, Phase::Committing, explain(error))
}

/// The cause of an error. A configuration error is replaced by its inner error, because the driver's own text adds
/// nothing.
#[must_use]
pub fn explain(error: sqlx::Error) -> Arc<dyn StdError + Send + Sync> {
    match error {
        sqlx::Error::Configuration(inner) => Arc::from(inner),
        error => Arc::new(error),
    }
}

/// A permanent error: a retry fails in the same manner.
#[must_use]
pub fn failed(operation: &'static str, error: impl StdError + Send + Sync + 'static) -> StoreError {
    StoreError::Failed {
        operation,
        source: Arc::new(error),
    }
}

/// Whether a PostgreSQL server ended the session with this error.
fn ended_session(error: &sqlx::Error) -> bool {
    let database = error.as_database_error();
    let database = database.and_then(|error| error.try_downcast_ref::<PgDatabaseError>());
    database.is_some_and(|error| ends_session(error.severity()))
}

const fn ends_session(severity: PgSeverity) -> bool {
    matches!(severity, PgSeverity::Panic | PgSeverity::Fatal)
}

/// Whether the error concerns only this PostgreSQL connection, so that another one may succeed.
#[must_use]
pub fn is_broken(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) => true,
        // The server ended the session: on an operator's request, after a crash, or because it stops.
        sqlx::Error::Database(_) => ended_session(error),
        _ => false,
    }
}

/// SQLite's extended result code, if the error has one.
fn result_code(error: &sqlx::Error) -> Option<i32> {
    let database = error.as_database_error()?;
    database.try_downcast_ref::<SqliteError>()?;
    database.code()?.parse().ok()
}

/// Whether a SQLite connection can be used again after this error of a statement. Any error that is not certain to
/// leave it intact is treated as breaking it.
pub(crate) fn leaves_connection_intact(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::RowNotFound
        | sqlx::Error::TypeNotFound { .. }
        | sqlx::Error::ColumnIndexOutOfBounds { .. }
        | sqlx::Error::ColumnNotFound(_)
        | sqlx::Error::ColumnDecode { .. }
        | sqlx::Error::Encode(_)
        | sqlx::Error::Decode(_) => true,
        // ERROR, BUSY, LOCKED, TOOBIG, CONSTRAINT, MISMATCH, RANGE: only the statement was rolled back.
        sqlx::Error::Database(_) => result_code(error)
            .is_some_and(|code| matches!(code & 0xff, 1 | 5 | 6 | 18 | 19 | 20 | 25)),
        _ => false,
    }
}

/// Whether SQLite could not sync a file or a folder.
pub(crate) fn is_failed_sync(error: &sqlx::Error) -> bool {
    /// `SQLITE_IOERR_FSYNC` and `SQLITE_IOERR_DIR_FSYNC`.
    const SYNC: [i32; 2] = [0x040a, 0x050a];
    result_code(error).is_some_and(|code| SYNC.contains(&code))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(phase: Phase, error: sqlx::Error) -> &'static str {
        let error = match phase {
            Phase::Repeatable => store_error("test", error),
            Phase::Committing => commit_error("test", error),
        };
        match error {
            StoreError::Unavailable { .. } => "unavailable",
            StoreError::OutcomeUnknown { .. } => "unknown",
            StoreError::Failed { .. } => "failed",
        }
    }

    #[test]
    fn a_lost_connection_leaves_only_the_outcome_of_a_commit_unknown() {
        let broken = || sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into());
        assert_eq!(kind(Phase::Committing, broken()), "unknown");
        assert_eq!(kind(Phase::Repeatable, broken()), "unavailable");
        for not_sent in [sqlx::Error::PoolTimedOut, sqlx::Error::PoolClosed] {
            assert_eq!(kind(Phase::Committing, not_sent), "unavailable");
        }
        let wrong = sqlx::Error::ColumnNotFound("x".to_owned());
        assert_eq!(kind(Phase::Committing, wrong), "failed");
    }

    #[test]
    fn panic_and_fatal_errors_end_the_session() {
        for severity in [PgSeverity::Panic, PgSeverity::Fatal] {
            assert!(ends_session(severity));
        }
        for severity in [PgSeverity::Error, PgSeverity::Warning, PgSeverity::Log] {
            assert!(!ends_session(severity));
        }
    }

    #[test]
    fn sql_states_are_classified() {
        let states = [
            ("25P03", ErrorKind::OutcomeUnknown),
            ("08006", ErrorKind::OutcomeUnknown),
            ("57P01", ErrorKind::OutcomeUnknown),
            ("40003", ErrorKind::OutcomeUnknown),
            ("40001", ErrorKind::Transient),
            ("40P01", ErrorKind::Transient),
            ("53100", ErrorKind::Transient),
            ("53300", ErrorKind::Transient),
            ("55P03", ErrorKind::Transient),
            ("57014", ErrorKind::Transient),
            ("57P03", ErrorKind::Transient),
            ("58030", ErrorKind::Transient),
            ("25006", ErrorKind::Transient),
            ("22P05", ErrorKind::Permanent),
            ("23505", ErrorKind::Permanent),
            ("28P01", ErrorKind::Permanent),
            ("42P01", ErrorKind::Permanent),
            ("XX000", ErrorKind::Permanent),
            ("", ErrorKind::Permanent),
        ];
        for (state, expected) in states {
            assert_eq!(ErrorKind::of_sql_state(state), expected, "{state}");
        }
    }

    #[test]
    fn primary_and_extended_result_codes_are_classified() {
        let codes = [
            (1, ErrorKind::Permanent),
            (5, ErrorKind::Transient),
            (261, ErrorKind::Transient),
            (517, ErrorKind::Transient),
            (6, ErrorKind::Transient),
            (7, ErrorKind::OutcomeUnknown),
            (8, ErrorKind::Transient),
            (9, ErrorKind::Transient),
            (10, ErrorKind::OutcomeUnknown),
            (778, ErrorKind::OutcomeUnknown),
            (1034, ErrorKind::OutcomeUnknown),
            (4874, ErrorKind::OutcomeUnknown),
            (11, ErrorKind::Permanent),
            (13, ErrorKind::OutcomeUnknown),
            (14, ErrorKind::Transient),
            (19, ErrorKind::Permanent),
            (2067, ErrorKind::Permanent),
            (26, ErrorKind::Permanent),
        ];
        for (code, expected) in codes {
            assert_eq!(ErrorKind::of_result_code(code), expected, "{code}");
        }
    }

    #[test]
    fn a_connection_is_reused_only_after_errors_that_leave_it_intact() {
        let lost = std::io::Error::from(std::io::ErrorKind::BrokenPipe);
        for breaking in [
            sqlx::Error::Io(lost),
            sqlx::Error::WorkerCrashed,
            sqlx::Error::Protocol("of another kind".to_owned()),
        ] {
            assert!(!leaves_connection_intact(&breaking), "{breaking}");
        }
        for sparing in [
            sqlx::Error::RowNotFound,
            sqlx::Error::ColumnNotFound("x".to_owned()),
        ] {
            assert!(leaves_connection_intact(&sparing), "{sparing}");
        }
    }
}
