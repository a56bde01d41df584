//! Generations: the tables of a projection, of which several may exist at the same time.
//!
//! ```text
//!   (projection, schema version) ──► its generation ──► table <name>_g<N>, which binaries of that version fold and read
//!   (projection)                 ──► the generation that the view <name> shows: of the highest version that caught up
//! ```
//!
//! A binary folds and reads only the generation of its own schema version, and creates one if there is none. So old and
//! new binaries run together, each with its own table, and after a rollback the old binary continues with its table. A
//! generation whose log was restored or replaced is superseded by an empty one of the same version, and dropped after
//! that one has caught up. Generations of other versions are never changed, and neither are those of a
//! [rebuild](crate::rebuild).

use event_sourcing::{StoreError, Token};
use sqlx::AssertSqlSafe;

use crate::database::{Database, Transaction};
use crate::engine::Engine;
use crate::statement::Statement;
use crate::table::{TableProjection, column_names, ddl};
use crate::version::ProjectionVersion;

/// How long changing the view or dropping a table waits for other sessions that read them, such as an operator's.
const LOCK_TIMEOUT: &str = "SET LOCAL lock_timeout = '2s'";

/// One table of a projection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Generation {
    /// The number, from 1 for each projection.
    pub number: i64,
    /// Whether the projection's view selects from it.
    pub is_active: bool,
}

impl Generation {
    /// Returns the generation of `P`'s schema version, and creates it if there is none. The view shows a projection's
    /// first generation immediately, because there is no other.
    ///
    /// # Errors
    /// [`StoreError`] if the database cannot be changed.
    pub async fn ensure<P: TableProjection>(database: &Database) -> Result<Self, StoreError> {
        let version = database.version_of::<P>();
        let mut transaction = database.lock_schema().await?;
        // Under the schema's lock: of processes that start together, one creates the generation and the others find it.
        let active = shown(&mut transaction, version).await?;
        if let Some(number) = present(&mut transaction, version).await? {
            transaction.rollback().await?;
            return Ok(Self {
                number,
                is_active: active.is_some_and(|active| active.generation == number),
            });
        }
        let number = make::<P>(&mut transaction, database, Token(0)).await?;
        let is_active = active.is_none();
        if is_active {
            activate(&mut transaction, version, &column_names::<P>(), number).await?;
        }
        transaction.commit("make a generation").await?;
        Ok(Self { number, is_active })
    }
}

/// Replaces generation `number` by an empty one, under the lease of `token`. Returns `None` if either is not the
/// current one.
pub(crate) async fn supersede<P: TableProjection>(
    database: &Database,
    number: i64,
    token: Token,
) -> Result<Option<i64>, StoreError> {
    // Two conditions: this runner is the last one that started, and no other has superseded the generation before.
    let version = database.version_of::<P>();
    let mut transaction = database.lock_schema().await?;
    if !holds(&mut transaction, version, number, token_value(token)).await?
        || present(&mut transaction, version).await? != Some(number)
    {
        transaction.rollback().await?;
        return Ok(None);
    }
    let number = make::<P>(&mut transaction, database, token).await?;
    transaction.commit("supersede a generation").await?;
    Ok(Some(number))
}

/// Finishes a generation that has caught up, under the lease of `token`: the view is changed to it unless it shows a
/// higher version that has caught up, and with `sweep` the generations that it superseded are dropped.
pub(crate) async fn finish<P: TableProjection>(
    database: &Database,
    number: i64,
    token: Token,
    sweep: bool,
) -> Result<(), StoreError> {
    let version = database.version_of::<P>();
    let mut transaction = database.lock_schema().await?;
    bound_lock_waits(&mut transaction).await?;
    if !holds(&mut transaction, version, number, token_value(token)).await? {
        return transaction.rollback().await;
    }
    let shown = shown(&mut transaction, version).await?;
    let is_shown = shown.as_ref().is_some_and(|it| it.generation == number);
    let is_newer_shown = shown.is_some_and(|it| {
        it.caught_up == Some(1) && it.schema_version > Some(i64::from(version.version))
    });
    if !is_shown && !is_newer_shown {
        activate(&mut transaction, version, &column_names::<P>(), number).await?;
    }
    if sweep {
        drop_superseded(&mut transaction, version, number).await?;
    }
    transaction.commit("settle a generation").await
}

/// Creates a table and registers it as the generation of its version. Both commit together, so a crash leaves no table
/// without an entry.
async fn make<P: TableProjection>(
    transaction: &mut Transaction,
    database: &Database,
    token: Token,
) -> Result<i64, StoreError> {
    let operation = "make a generation";
    let version = database.version_of::<P>();
    let stored = (i64::from(version.version), token_value(token));
    let number = make_table(transaction, version, ddl::<P>, stored).await?;
    transaction
        .execute(
            Statement::new(
                operation,
                "INSERT INTO read_model_versions (projection, schema_version, generation) VALUES ($1, $2, $3) \
                 ON CONFLICT (projection, schema_version) DO UPDATE SET generation = excluded.generation",
            )
            .bind(version.name)
            .bind(i64::from(version.version))
            .bind(number),
        )
        .await?;
    Ok(number)
}

/// Creates the DDL of a generation's table.
pub(crate) type Ddl = fn(Engine, &str) -> String;

/// Creates a table with its entry, which has this schema version and token, and returns its number. No number is used
/// twice, because a reader may still use the table that had it.
pub(crate) async fn make_table(
    transaction: &mut Transaction,
    version: ProjectionVersion,
    ddl: Ddl,
    (schema_version, token): (i64, i64),
) -> Result<i64, StoreError> {
    let operation = "make a generation";
    let newest: Vec<(Option<i64>,)> = transaction
        .fetch_all(
            Statement::new(
                operation,
                "SELECT max(generation) FROM \
                 (SELECT generation FROM read_model_generations WHERE projection = $1 \
                  UNION ALL SELECT generation FROM read_model_rebuilds WHERE projection = $1 \
                  UNION ALL SELECT previous FROM read_model_rebuilds WHERE projection = $1) AS used",
            )
            .bind(version.name),
        )
        .await?;
    let number = newest.first().and_then(|(newest,)| *newest).unwrap_or(0) + 1;
    let engine = match transaction {
        Transaction::Sqlite(_) => Engine::Sqlite,
        Transaction::Postgres(_) => Engine::Postgres,
    };
    let table = version.table(number);
    // A table without an entry is left of a database whose other tables were restored from a copy.
    let made = format!("DROP TABLE IF EXISTS {table}; {}", ddl(engine, &table));
    transaction
        .run_script(operation, AssertSqlSafe(made))
        .await?;
    transaction
        .execute(
            Statement::new(
                operation,
                "INSERT INTO read_model_generations \
                 (projection, generation, schema_version, position, token) VALUES ($1, $2, $3, 0, $4)",
            )
            .bind(version.name)
            .bind(number)
            .bind(schema_version)
            .bind(token),
        )
        .await?;
    Ok(number)
}

/// Drops the table of a generation with its entry, in one transaction, so no process finds an entry without its table.
pub(crate) async fn drop_table(
    transaction: &mut Transaction,
    version: ProjectionVersion,
    number: i64,
) -> Result<(), StoreError> {
    let operation = "drop a generation";
    transaction
        .execute(
            Statement::new(
                operation,
                "DELETE FROM read_model_generations WHERE projection = $1 AND generation = $2",
            )
            .bind(version.name)
            .bind(number),
        )
        .await?;
    let table = version.table(number);
    transaction
        .run_script(
            operation,
            AssertSqlSafe(format!("DROP TABLE IF EXISTS {table}")),
        )
        .await
}

/// Limits how long changing the view or dropping a table waits. While it waits for a long reader, later readers wait for
/// it; the caller retries.
pub(crate) async fn bound_lock_waits(transaction: &mut Transaction) -> Result<(), StoreError> {
    match transaction {
        Transaction::Sqlite(_) => Ok(()),
        Transaction::Postgres(_) => {
            transaction
                .run_script("bound the wait for a lock", LOCK_TIMEOUT)
                .await
        }
    }
}

/// Changes the projection's view to this generation.
pub(crate) async fn activate(
    transaction: &mut Transaction,
    version: ProjectionVersion,
    columns: &str,
    number: i64,
) -> Result<(), StoreError> {
    let operation = "activate a generation";
    let view = format!(
        "DROP VIEW IF EXISTS {name}; CREATE VIEW {name} AS SELECT {columns} FROM {table}",
        name = version.name,
        table = version.table(number),
    );
    transaction
        .run_script(operation, AssertSqlSafe(view))
        .await?;
    transaction
        .execute(
            Statement::new(
                operation,
                "INSERT INTO read_model_active (projection, generation) VALUES ($1, $2) \
                 ON CONFLICT (projection) DO UPDATE SET generation = excluded.generation",
            )
            .bind(version.name)
            .bind(number),
        )
        .await?;
    Ok(())
}

async fn drop_superseded(
    transaction: &mut Transaction,
    version: ProjectionVersion,
    number: i64,
) -> Result<(), StoreError> {
    let operation = "drop a superseded generation";
    let superseded: Vec<(i64,)> = transaction
        .fetch_all(
            Statement::new(
                operation,
                "SELECT generation FROM read_model_generations \
                 WHERE projection = $1 AND schema_version = $2 AND generation <> $3",
            )
            .bind(version.name)
            .bind(i64::from(version.version))
            .bind(number),
        )
        .await?;
    for (generation,) in superseded {
        drop_table(transaction, version, generation).await?;
    }
    Ok(())
}

/// Whether `token` is that of the last runner that started on this generation. Locks its row, so that no other runner
/// starts before the transaction ends.
pub(crate) async fn holds(
    transaction: &mut Transaction,
    version: ProjectionVersion,
    number: i64,
    token: i64,
) -> Result<bool, StoreError> {
    let held = transaction
        .execute(
            Statement::new(
                "check a projection's lease",
                "UPDATE read_model_generations SET token = token \
                 WHERE projection = $1 AND generation = $2 AND token = $3",
            )
            .bind(version.name)
            .bind(number)
            .bind(token),
        )
        .await?;
    Ok(held == 1)
}

pub(crate) async fn present(
    transaction: &mut Transaction,
    version: ProjectionVersion,
) -> Result<Option<i64>, StoreError> {
    let found: Option<(i64,)> = transaction
        .fetch_optional(
            Statement::new(
                "read the generation of a version",
                "SELECT generation FROM read_model_versions WHERE projection = $1 AND schema_version = $2",
            )
            .bind(version.name)
            .bind(i64::from(version.version)),
        )
        .await?;
    Ok(found.map(|(generation,)| generation))
}

/// The generation that the view shows. Its version is missing if an operator deleted it.
pub(crate) struct ShownGeneration {
    pub(crate) generation: i64,
    schema_version: Option<i64>,
    caught_up: Option<i64>,
}

pub(crate) async fn shown(
    transaction: &mut Transaction,
    version: ProjectionVersion,
) -> Result<Option<ShownGeneration>, StoreError> {
    let found: Option<(i64, Option<i64>, Option<i64>)> = transaction
        .fetch_optional(
            Statement::new(
                "read which generation is shown",
                "SELECT a.generation, g.schema_version, g.caught_up FROM read_model_active AS a \
                 LEFT JOIN read_model_generations AS g \
                 ON g.projection = a.projection AND g.generation = a.generation WHERE a.projection = $1",
            )
            .bind(version.name),
        )
        .await?;
    Ok(
        found.map(|(generation, schema_version, caught_up)| ShownGeneration {
            generation,
            schema_version,
            caught_up,
        }),
    )
}

/// A token as it is stored. Tokens count changes of owners, so they stay far below `i64::MAX`.
pub(crate) fn token_value(token: Token) -> i64 {
    i64::try_from(token.0).unwrap_or(i64::MAX)
}
