//! What went wrong, as the kernel wants to know it: nothing happened, nobody knows, or it will not help to try again.

use std::sync::Arc;

use event_sourcing::StoreError;
use sql_database::ErrorKind;

/// Why a database is not one to work with.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AppendFailure {
    /// Functions that are needed are missing.
    #[error("PostgreSQL 14 or newer is needed, the server is {0}")]
    ServerTooOld(i32),
    /// It lags behind, and a reader would see a head that moves back.
    #[error("the server is a replica; events are never read from one")]
    Replica,
    /// A newer binary changed the tables in a way that this one does not know.
    #[error("the tables serve binaries with schema {oldest} and newer, this one has {ours}")]
    BinaryTooOld {
        /// The oldest schema that they serve.
        oldest: i32,
        /// That of this binary.
        ours: i32,
    },
    /// An older build made the tables, and there is no migration.
    #[error(transparent)]
    OlderFormat(#[from] sql_database::OlderFormat),
    /// Migrations are off, and one is missing.
    #[error("migration {0} has not run, and migrations are off")]
    NotMigrated(i32),
    /// The statement that was running when a connection broke could not be ended.
    #[error("the server process of the lost connection is still running")]
    StillRunning,
    /// Only a bug can cause it.
    #[error("append_events gave an answer that makes no sense: {0}")]
    Nonsense(&'static str),
    /// `jsonb` and `text` cannot hold everything that JSON can.
    #[error("PostgreSQL cannot keep a text of this: it holds U+0000 or is not JSON")]
    Text(#[source] sqlx::Error),
}

impl From<AppendFailure> for sqlx::Error {
    fn from(refusal: AppendFailure) -> Self {
        Self::Configuration(Box::new(refusal))
    }
}

/// What was going on when an error came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Something that leaves nothing behind, or can be repeated as it is.
    Repeatable,
    /// Events were under way to the log.
    Appending,
}

/// The kernel's error for one of the driver.
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

/// That of all databases, but for what only an event store refuses.
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
    fn a_lost_connection_leaves_only_an_append_in_doubt() {
        assert_eq!(kind(Phase::Appending, broken()), "unknown");
        assert_eq!(kind(Phase::Repeatable, broken()), "unavailable");
        assert_eq!(
            kind(Phase::Appending, sqlx::Error::PoolTimedOut),
            "unavailable"
        );
    }

    #[test]
    fn a_wrong_server_is_permanent_and_a_replica_may_be_promoted() {
        let too_old = AppendFailure::ServerTooOld(13).into();
        assert_eq!(kind(Phase::Repeatable, too_old), "failed");
        assert_eq!(
            kind(Phase::Repeatable, AppendFailure::Replica.into()),
            "unavailable"
        );
    }
}
