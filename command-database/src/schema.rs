//! The command database's own schema.

use event_sourcing::StoreError;
use sql_database::format::step;
use sql_database::{Database, OlderFormat, Statement};

use crate::error::DatabaseError;

/// One step of the schema.
struct Migration {
    version: i64,
    /// The oldest schema that a binary may know and still run on a database with this step.
    serves_from: i64,
    sqlite: &'static str,
    postgres: &'static str,
}

const MIGRATIONS: &[Migration] = &[
    Migration {
        version: step(1),
        serves_from: step(1),
        sqlite: include_str!("../migrations/sqlite/0001_idempotent_requests.sql"),
        postgres: include_str!("../migrations/postgres/0001_idempotent_requests.sql"),
    },
    Migration {
        version: step(2),
        serves_from: step(1),
        sqlite: include_str!("../migrations/sqlite/0002_providers.sql"),
        postgres: include_str!("../migrations/postgres/0002_providers.sql"),
    },
    Migration {
        version: step(3),
        serves_from: step(1),
        sqlite: include_str!("../migrations/sqlite/0003_notices.sql"),
        postgres: include_str!("../migrations/postgres/0003_notices.sql"),
    },
    Migration {
        version: step(4),
        serves_from: step(1),
        sqlite: include_str!("../migrations/sqlite/0004_log_marks.sql"),
        postgres: include_str!("../migrations/postgres/0004_log_marks.sql"),
    },
    Migration {
        version: step(5),
        serves_from: step(1),
        sqlite: include_str!("../migrations/sqlite/0005_write_probe.sql"),
        postgres: include_str!("../migrations/postgres/0005_write_probe.sql"),
    },
    Migration {
        version: step(6),
        serves_from: step(1),
        sqlite: include_str!("../migrations/sqlite/0006_running_time.sql"),
        postgres: include_str!("../migrations/postgres/0006_running_time.sql"),
    },
];

const BOOKKEEPING: &str = "CREATE TABLE IF NOT EXISTS command_schema \
     (version BIGINT PRIMARY KEY, serves_from BIGINT NOT NULL)";
const DONE: &str = "SELECT version, serves_from FROM command_schema";
const NOTE: &str = "INSERT INTO command_schema (version, serves_from) VALUES ($1, $2)";
/// The key of the lock under which it is migrated.
const LOCK: i64 = 7_236_413_219;

const OPERATION: &str = "migrate the command database";

/// Why a database cannot be used by this binary.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// It cannot be reached, or a step failed.
    #[error("the command database could not be migrated")]
    Failed(#[from] StoreError),
    /// An older build made it, and there is no migration.
    #[error(transparent)]
    OlderFormat(#[from] OlderFormat),
    /// A newer binary has changed it beyond what this one can serve.
    #[error("the command database needs a binary of schema {needs}, this one is of schema {has}")]
    TooOld {
        /// The oldest schema that may run.
        needs: i64,
        /// This binary's.
        has: i64,
    },
    /// It misses a step, and this process was told not to migrate.
    #[error("the command database misses schema {missing}, and migrations are off")]
    Behind {
        /// The first step that is missing.
        missing: i64,
    },
}

impl From<SchemaError> for DatabaseError {
    fn from(error: SchemaError) -> Self {
        match error {
            SchemaError::Failed(source) => source.into(),
            unfit => Self::new(OPERATION, unfit),
        }
    }
}

/// Runs the steps that are missing, or without `migrate` requires that none is. Steps that only newer binaries know
/// are accepted as long as they serve this one.
pub(super) async fn prepare(database: &Database, migrate: bool) -> Result<(), SchemaError> {
    let name = database.name().await?;
    if !migrate {
        let done: Vec<(i64, i64)> = database.fetch_all(Statement::new(OPERATION, DONE)).await?;
        return require_complete(name, &done);
    }
    // Processes that start together migrate one after the other.
    let mut transaction = database.begin().await?;
    transaction.lock_schema(OPERATION, LOCK).await?;
    transaction.run_script(OPERATION, BOOKKEEPING).await?;
    let done: Vec<(i64, i64)> = transaction
        .fetch_all(Statement::new(OPERATION, DONE))
        .await?;
    for step in missing(name, &done)? {
        let script = if database.is_sqlite() {
            step.sqlite
        } else {
            step.postgres
        };
        transaction.run_script(OPERATION, script).await?;
        let note = Statement::new(OPERATION, NOTE)
            .bind(step.version)
            .bind(step.serves_from);
        transaction.execute(note).await?;
    }
    transaction.commit(OPERATION).await?;
    Ok(())
}

fn require_complete(name: String, done: &[(i64, i64)]) -> Result<(), SchemaError> {
    match missing(name, done)?.next() {
        Some(step) => Err(SchemaError::Behind {
            missing: step.version,
        }),
        None => Ok(()),
    }
}

fn missing(
    name: String,
    done: &[(i64, i64)],
) -> Result<impl Iterator<Item = &'static Migration>, SchemaError> {
    OlderFormat::refuse("command database", name, done.iter().map(|(step, _)| *step))?;
    let has = MIGRATIONS.last().map_or(0, |step| step.version);
    let needs = done.iter().map(|(_, from)| *from).max().unwrap_or(0);
    if needs > has {
        return Err(SchemaError::TooOld { needs, has });
    }
    Ok(MIGRATIONS
        .iter()
        .filter(|step| !done.iter().any(|(version, _)| *version == step.version)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn served(done: &[(i64, i64)]) -> Result<Vec<i64>, SchemaError> {
        Ok(missing("command.db".to_owned(), done)?
            .map(|step| step.version)
            .collect())
    }

    #[test]
    fn what_is_done_is_not_done_again() {
        let versions = |done: &[(i64, i64)]| served(done).expect("served");
        let all: Vec<i64> = MIGRATIONS.iter().map(|step| step.version).collect();
        let done: Vec<_> = all.iter().map(|version| (*version, step(1))).collect();
        assert_eq!(versions(&[]), all);
        assert_eq!(versions(&done[..1]), all[1..]);
        assert_eq!(versions(&done), [0_i64; 0]);
    }

    #[test]
    fn a_newer_schema_is_accepted_as_long_as_it_serves_this_binary() {
        let first = (step(1), step(1));
        assert!(served(&[first, (step(99), step(1))]).is_ok());
        let refused = served(&[first, (step(99), step(99))]).expect_err("newer");
        let SchemaError::TooOld { needs, has } = refused else {
            panic!("{refused}");
        };
        let last = MIGRATIONS.last().map(|step| step.version);
        assert_eq!((needs, Some(has)), (step(99), last));
    }

    #[test]
    fn a_database_of_an_older_build_is_refused_by_its_name() {
        let refused = served(&[(1, 1), (5, 1)]).expect_err("an older build");
        let message = refused.to_string();
        assert!(
            message.contains("the command database command.db"),
            "{message}"
        );
        assert!(message.contains("format 0"), "{message}");
    }
}
