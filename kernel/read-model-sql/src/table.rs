//! The table of a projection, and its SQL.

use event_sourcing::{Projection, StoreError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sql_database::row::{Columns, RowError, columns_of};
use sqlx::AssertSqlSafe;

use crate::column::Column;
use crate::engine::Engine;
use crate::error::failed;
use crate::statement::{Statement, TABLE};

/// A projection whose rows are stored in its own table.
///
/// A row is a struct with a field for each column, under the column's name; [`row`](sql_database::row) lists the types
/// of fields. The first field is the key. A column that is computed from others is a field too, which the fold sets.
pub trait TableProjection: Projection<Row: Serialize + DeserializeOwned> {
    /// Creates the table and its indexes for one generation. `{table}` is replaced by the table's name, which index
    /// names must start with, and `{text}` by the type of text that is compared by its bytes. `{fillfactor}` after the
    /// columns of a table whose rows change often leaves room in its pages: on PostgreSQL an update that changes no
    /// indexed column then needs no new index entry.
    const DDL: &'static str;

    /// Returns the key of a row.
    fn key(row: &Self::Row) -> &str;
}

/// The names of a projection's columns, separated by commas, as a `SELECT` lists them.
#[must_use]
pub fn column_names<P: TableProjection>() -> String {
    columns_of::<P::Row>().join(", ")
}

/// The SQL for one generation, built once.
#[derive(Clone, Debug)]
pub(crate) struct TableSql {
    pub(crate) load: String,
    pub(crate) upsert: String,
    pub(crate) delete: String,
}

impl TableSql {
    pub(crate) fn new(engine: Engine, columns: &[Column], table: &str) -> Self {
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        let key = names.first().copied().unwrap_or_default();
        let is_requested = engine.is_one_of(key, "$1");
        let rows = engine.json_rows(columns, "$1");
        let updates: Vec<String> = names
            .iter()
            .skip(1)
            .map(|name| format!("{name} = excluded.{name}"))
            .collect();
        let (names, updates) = (names.join(", "), updates.join(", "));
        Self {
            load: format!("SELECT {names} FROM {table} WHERE {is_requested}"),
            upsert: format!(
                "INSERT INTO {table} ({names}) {rows} ON CONFLICT ({key}) DO UPDATE SET {updates}"
            ),
            delete: format!("DELETE FROM {table} WHERE {is_requested}"),
        }
    }

    pub(crate) fn load(&self, keys: &[String]) -> Statement {
        Statement::new("load projected rows", AssertSqlSafe(self.load.as_str())).bind_list(keys)
    }

    pub(crate) fn upsert<R: Serialize>(&self, rows: &[&R]) -> Result<Statement, StoreError> {
        let operation = "write projected rows";
        let rows: Result<Vec<Columns>, RowError> = rows.iter().map(Columns::of).collect();
        let rows = rows.map_err(|error| failed(operation, error))?;
        let json = serde_json::to_string(&rows).map_err(|error| failed(operation, error))?;
        Ok(Statement::new(operation, AssertSqlSafe(self.upsert.as_str())).bind(json))
    }

    pub(crate) fn delete(&self, keys: &[&str]) -> Statement {
        Statement::new("delete projected rows", AssertSqlSafe(self.delete.as_str())).bind_list(keys)
    }
}

/// The DDL of a generation, with its placeholders replaced.
pub(crate) fn ddl<P: TableProjection>(engine: Engine, table: &str) -> String {
    P::DDL
        .replace(TABLE, table)
        .replace("{text}", engine.text_type())
        .replace("{fillfactor}", engine.fillfactor())
}
