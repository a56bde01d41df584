//! Reads rows together with their checkpoint in one statement.
//!
//! Rows and checkpoint commit together, and both engines give a statement one snapshot. So a statement that selects the
//! rows together with their checkpoint returns the fold of all events up to that position, and of none after it.
//! Reading the checkpoint before the rows would return a lower bound, and after them an upper one; a transaction around
//! two statements would be exact as well, but costs a second round trip.

use event_sourcing::{Position, StoreError};
use serde::de::DeserializeOwned;
use sql_database::mark::position;
use sql_database::{Row, Statement};
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{ColumnIndex, Decode, FromRow, Type, ValueRef};

use crate::database::Database;
use crate::error::failed;
use crate::version::ProjectionVersion;

/// A value that is the fold of exactly the events up to a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snapshot<T> {
    /// The value.
    pub value: T,
    /// The checkpoint in the same snapshot.
    pub position: Position,
}

impl<T> Snapshot<T> {
    /// Converts the value.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Snapshot<U> {
        Snapshot {
            value: make(self.value),
            position: self.position,
        }
    }
}

/// A generation without an entry, because it was dropped.
#[derive(Debug, thiserror::Error)]
#[error("there is no checkpoint of generation {generation} of {projection}")]
struct NoCheckpoint {
    projection: ProjectionVersion,
    generation: i64,
}

impl Database {
    /// Returns the rows that `query` selects from [`TABLE`](crate::TABLE), and the checkpoint of the generation that
    /// they are read from. The first column of a row must not be `NULL`. `order` is the `ORDER BY` expression, if any:
    /// the order inside a subquery does not hold outside.
    ///
    /// # Errors
    /// [`StoreError`] if the database cannot be read, or has no such generation.
    pub async fn fetch_snapshot<T>(
        &self,
        (projection, generation): (ProjectionVersion, i64),
        query: Statement,
        order: Option<&str>,
    ) -> Result<Snapshot<Vec<T>>, StoreError>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let operation = query.operation();
        let before = format!(
            "SELECT checkpoint.read_model_position, found.* FROM \
             (SELECT position AS read_model_position FROM read_model_generations \
              WHERE projection = '{}' AND generation = {generation}) AS checkpoint LEFT JOIN (",
            projection.name,
        );
        let order = order.map_or_else(String::new, |order| format!(" ORDER BY {order}"));
        let statement = query
            .on_table(&projection.table(generation))
            .within(&before, &format!(") AS found ON true{order}"));
        let rows: Vec<Located<T>> = self.fetch_all(statement).await?;
        let Some(first) = rows.first() else {
            let error = NoCheckpoint {
                projection,
                generation,
            };
            return Err(failed(operation, error));
        };
        Ok(Snapshot {
            position: position(first.position),
            value: rows.into_iter().filter_map(|row| row.found).collect(),
        })
    }
}

/// A row with the checkpoint, or the checkpoint without a row.
struct Located<T> {
    position: i64,
    found: Option<T>,
}

impl<T: DeserializeOwned> FromRow<'_, PgRow> for Located<T> {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        read(row, Row::from_row)
    }
}

impl<T: DeserializeOwned> FromRow<'_, SqliteRow> for Located<T> {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        read(row, Row::from_row)
    }
}

fn read<'r, T, R>(
    row: &'r R,
    read: impl FnOnce(&'r R) -> Result<Row<T>, sqlx::Error>,
) -> Result<Located<T>, sqlx::Error>
where
    R: sqlx::Row,
    usize: ColumnIndex<R>,
    i64: Decode<'r, R::Database> + Type<R::Database>,
{
    let position = row.try_get(0)?;
    let is_absent = row.try_get_raw(1)?.is_null();
    let found = (!is_absent).then(|| read(row)).transpose()?;
    Ok(Located {
        position,
        found: found.map(|Row(row)| row),
    })
}
