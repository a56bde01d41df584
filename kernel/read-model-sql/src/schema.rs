//! The bookkeeping's own schema. Projections' tables are not here: each generation makes its own.

use event_sourcing::StoreError;
use sql_database::format::step;
use sql_database::{Database, OlderFormat, Transaction};

use crate::error::failed;
use crate::statement::Statement;

/// One step of the schema.
struct Migration {
    version: i64,
    /// The oldest version that a binary may know and still run on a database with this step.
    serves_from: i64,
    script: &'static str,
}

const MIGRATIONS: &[Migration] = &[
    Migration {
        version: step(1),
        serves_from: step(1),
        script: include_str!("../migrations/0001_bookkeeping.sql"),
    },
    Migration {
        version: step(2),
        // A binary without it would move checkpoints without saying of which log they are.
        serves_from: step(2),
        script: include_str!("../migrations/0002_versions.sql"),
    },
];

const STEPS: &str = "SELECT version, serves_from FROM read_model_schema ORDER BY version";

/// The key of the lock under which migrations and generations are made.
const SCHEMA_LOCK: i64 = 7_236_413_218;

/// A database that a newer binary has changed beyond what this one can serve.
#[derive(Debug, thiserror::Error)]
#[error("the query database needs a binary of schema {needs}, this one is of schema {has}")]
struct TooOld {
    needs: i64,
    has: i64,
}

/// Runs the steps that are missing, under a lock. Unknown steps of newer binaries are accepted as long as they serve
/// this one, so that old and new run side by side.
pub(crate) async fn migrate(database: &Database) -> Result<(), StoreError> {
    let operation = "migrate the query database";
    let name = database.name().await?;
    let mut transaction = lock_schema(database).await?;
    transaction
        .run_script(
            operation,
            "CREATE TABLE IF NOT EXISTS read_model_schema (\
               version bigint PRIMARY KEY, serves_from bigint NOT NULL)",
        )
        .await?;
    let done = transaction.fetch_all(Statement::new(operation, STEPS));
    let done = served(operation, name, &done.await?)?;
    for migration in MIGRATIONS {
        if done.contains(&migration.version) {
            continue;
        }
        transaction.run_script(operation, migration.script).await?;
        transaction
            .execute(
                Statement::new(operation, "INSERT INTO read_model_schema VALUES ($1, $2)")
                    .bind(migration.version)
                    .bind(migration.serves_from),
            )
            .await?;
    }
    transaction.commit(operation).await
}

/// Refuses a database that [`migrate`] would refuse, for a process that must not change the schema.
pub(crate) async fn check(database: &Database) -> Result<(), StoreError> {
    let operation = "read the query database's schema";
    let done = database.fetch_all(Statement::new(operation, STEPS)).await?;
    served(operation, database.name().await?, &done)?;
    Ok(())
}

/// The steps that the database has, if it serves this binary.
fn served(
    operation: &'static str,
    name: String,
    done: &[(i64, i64)],
) -> Result<Vec<i64>, StoreError> {
    let versions: Vec<i64> = done.iter().map(|(version, _)| *version).collect();
    let refused = OlderFormat::refuse("query database", name, versions.iter().copied());
    refused.map_err(|older| failed(operation, older))?;
    let has = MIGRATIONS.last().map_or(0, |migration| migration.version);
    let needs = done.iter().map(|(_, from)| *from).max().unwrap_or(0);
    if needs > has {
        return Err(failed(operation, TooOld { needs, has }));
    }
    Ok(versions)
}

/// A durable transaction that holds the schema's lock to its end.
pub(crate) async fn lock_schema(database: &Database) -> Result<Transaction, StoreError> {
    let mut transaction = database.begin().await?;
    transaction
        .lock_schema("lock the query database's schema", SCHEMA_LOCK)
        .await?;
    transaction.make_durable().await?;
    Ok(transaction)
}
