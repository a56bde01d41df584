//! Classifies errors for the kernel: no effect and retryable, outcome unknown, or permanent.

use std::sync::Arc;

use event_sourcing::StoreError;
use sql_database::ErrorKind;

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AppendFailure {
    /// A replica lags behind, so a reader could see the head decrease.
    #[error("the server is a replica; events are never read from one")]
    Replica,
    /// A newer binary migrated the tables to a schema that this one does not support.
    #[error("the tables need a binary with schema {oldest} or newer, this one has {ours}")]
    BinaryTooOld {
        /// The oldest binary schema that the tables support.
        oldest: i32,
        /// The schema of this binary.
        ours: i32,
    },
    /// The tables were created by an older build, and there is no migration from them.
    #[error(transparent)]
    OlderFormat(#[from] sql_database::OlderFormat),
    /// Migrations are off, and one is missing.
    #[error("migration {0} has not run, and migrations are off")]
    NotMigrated(i32),
    /// The server process of a broken connection could not be terminated, so its statement may still commit.
    #[error("the server process of the lost connection is still running")]
    StillRunning,
    /// The function returned an invalid row, which only a bug can cause.
    #[error("append_events returned an invalid result: {0}")]
    InvalidResult(&'static str),
    /// `jsonb` and `text` cannot store all JSON values.
    #[error("PostgreSQL cannot store a text: it contains U+0000 or is not JSON")]
    Text(#[source] sqlx::Error),
}

impl From<AppendFailure> for sqlx::Error {
    fn from(failure: AppendFailure) -> Self {
        Self::Configuration(Box::new(failure))
    }
}

/// What was in progress when an error occurred.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// An operation that has no lasting effect, or can be repeated unchanged.
    Repeatable,
    /// An append: it may have committed although its result did not arrive.
    Appending,
}

/// Converts an error of the driver to the kernel's.
pub(crate) fn store_error(operation: &'static str, phase: Phase, error: sqlx::Error) -> StoreError {
    let (meaning, phase) = match phase {
        Phase::Repeatable => (
            meaning(&error, ErrorKind::of),
            sql_database::Phase::Repeatable,
        ),
        Phase::Appending => (
            meaning(&error, ErrorKind::of_commit),
            sql_database::Phase::Committing,
        ),
    };
    meaning.store_error(operation, phase, explain(error))
}

fn explain(error: sqlx::Error) -> Arc<dyn std::error::Error + Send + Sync> {
    if is_bad_text(&error) {
        Arc::new(AppendFailure::Text(error))
    } else {
        sql_database::explain(error)
    }
}

/// `invalid_text_representation`, `character_not_in_repertoire`, `untranslatable_character`.
fn is_bad_text(error: &sqlx::Error) -> bool {
    matches!(code(error).as_deref(), Some("22P02" | "22021" | "22P05"))
}

fn code(error: &sqlx::Error) -> Option<String> {
    Some(error.as_database_error()?.code()?.into_owned())
}

/// The kind of an error: that of `of`, except for failures that only this crate has. A replica may be promoted and a
/// server process will end, so both are worth a retry.
fn meaning(error: &sqlx::Error, of: impl Fn(&sqlx::Error) -> ErrorKind) -> ErrorKind {
    match error {
        sqlx::Error::Configuration(inner) => match inner.downcast_ref() {
            Some(AppendFailure::Replica | AppendFailure::StillRunning) => ErrorKind::Transient,
            Some(_) => ErrorKind::Permanent,
            None => of(error),
        },
        error => of(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(phase: Phase, error: sqlx::Error) -> &'static str {
        match store_error("test", phase, error) {
            StoreError::Unavailable { .. } => "unavailable",
            StoreError::OutcomeUnknown { .. } => "unknown",
            StoreError::Failed { .. } => "failed",
        }
    }

    fn broken() -> sqlx::Error {
        sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into())
    }

    #[test]
    fn a_lost_connection_leaves_only_the_outcome_of_an_append_unknown() {
        assert_eq!(kind(Phase::Appending, broken()), "unknown");
        assert_eq!(kind(Phase::Repeatable, broken()), "unavailable");
        assert_eq!(
            kind(Phase::Appending, sqlx::Error::PoolTimedOut),
            "unavailable"
        );
    }

    #[test]
    fn a_missing_migration_is_permanent_and_a_replica_may_be_promoted() {
        let missing = AppendFailure::NotMigrated(2).into();
        assert_eq!(kind(Phase::Repeatable, missing), "failed");
        assert_eq!(
            kind(Phase::Repeatable, AppendFailure::Replica.into()),
            "unavailable"
        );
    }
}
