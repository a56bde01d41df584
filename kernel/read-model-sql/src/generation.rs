//! Generations: the tables that a projection fills, one beside the other.
//!
//! A projection's table is `<name>_g<N>`; readers use the view `<name>`, which shows the active generation. A binary
//! folds only generations of its own schema version and makes one if there is none. The first one that a projection
//! has is active at once; a later one fills beside it and is swapped in when it has caught up.

use event_sourcing::StoreError;
use sqlx::AssertSqlSafe;

use crate::database::{Database, Transaction};
use crate::engine::column_names;
use crate::schema::lock_schema;
use crate::statement::Statement;
use crate::table::{TableProjection, TableRow, ddl};

/// One table of a projection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Generation {
    /// Counted from 1 for each projection.
    pub number: i64,
    /// Whether the projection's view shows it.
    pub is_active: bool,
}

impl Generation {
    /// The newest generation of `P`'s schema version; makes it if there is none.
    ///
    /// # Errors
    /// [`StoreError`] if the database cannot be changed.
    pub async fn ensure<P: TableProjection>(database: &Database) -> Result<Self, StoreError> {
        let mut transaction = lock_schema(database).await?;
        let known = Known::read::<P>(&mut transaction).await?;
        if let Some(number) = known.newest_of_this_version {
            transaction.rollback().await?;
            return Ok(Self {
                number,
                is_active: known.active == Some(number),
            });
        }
        let number = known.newest.unwrap_or(0) + 1;
        let operation = "make a generation";
        let table = table_name::<P>(number);
        transaction
            .run_script(
                operation,
                AssertSqlSafe(ddl::<P>(database.engine(), &table)),
            )
            .await?;
        transaction
            .execute(
                Statement::new(
                    operation,
                    "INSERT INTO read_model_generations \
                     (projection, generation, schema_version, position, token) VALUES ($1, $2, $3, 0, 0)",
                )
                .bind(P::NAME)
                .bind(number)
                .bind(i64::from(P::SCHEMA_VERSION)),
            )
            .await?;
        let is_active = known.active.is_none();
        if is_active {
            activate::<P>(&mut transaction, number).await?;
        }
        transaction.commit(operation).await?;
        Ok(Self { number, is_active })
    }
}

/// The name of a generation's table.
#[must_use]
pub fn table_name<P: TableProjection>(number: i64) -> String {
    format!("{}_g{number}", P::NAME)
}

/// Has the projection's view show this generation.
async fn activate<P: TableProjection>(
    transaction: &mut Transaction,
    number: i64,
) -> Result<(), StoreError> {
    let operation = "activate a generation";
    let view = format!(
        "DROP VIEW IF EXISTS {name}; CREATE VIEW {name} AS SELECT {columns} FROM {table}",
        name = P::NAME,
        columns = column_names(P::Row::COLUMNS),
        table = table_name::<P>(number),
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
            .bind(P::NAME)
            .bind(number),
        )
        .await?;
    Ok(())
}

struct Known {
    newest: Option<i64>,
    newest_of_this_version: Option<i64>,
    active: Option<i64>,
}

impl Known {
    async fn read<P: TableProjection>(transaction: &mut Transaction) -> Result<Self, StoreError> {
        let operation = "read the generations";
        let generations: Vec<(i64, i64)> = transaction
            .fetch_all(
                Statement::new(
                    operation,
                    "SELECT generation, schema_version FROM read_model_generations \
                     WHERE projection = $1 ORDER BY generation DESC",
                )
                .bind(P::NAME),
            )
            .await?;
        let active: Option<(i64,)> = transaction
            .fetch_optional(
                Statement::new(
                    operation,
                    "SELECT generation FROM read_model_active WHERE projection = $1",
                )
                .bind(P::NAME),
            )
            .await?;
        Ok(Self {
            newest: generations.first().map(|(number, _)| *number),
            newest_of_this_version: generations
                .iter()
                .find(|(_, version)| *version == i64::from(P::SCHEMA_VERSION))
                .map(|(number, _)| *number),
            active: active.map(|(number,)| number),
        })
    }
}
