//! What a projection says about its table.

use event_sourcing::{Projection, StoreError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sql_database::row::{Columns, RowError, columns_of};
use sqlx::AssertSqlSafe;

use crate::column::Column;
use crate::engine::Engine;
use crate::error::failed;
use crate::statement::{Statement, TABLE};

/// A projection whose rows are kept in a table of its own.
///
/// A row is a struct with one field a column, under the column's name; see [`row`](sql_database::row) for what a field
/// may be. The first field is the key. A column that is computed from others is a field, too: the fold fills it.
pub trait TableProjection: Projection<Row: Serialize + DeserializeOwned> {
    /// Makes the table and its indexes for one generation. `{table}` stands for the table's name, which index names
    /// must begin with, and `{text}` for the type of text that is ordered by its bytes. `{with_room}` behind the
    /// columns of a table whose rows change often leaves room in its pages: on PostgreSQL a change that moves no
    /// indexed column then touches no index.
    const DDL: &'static str;

    /// The key of a row.
    fn key(row: &Self::Row) -> &str;
}

/// The names of a projection's columns, separated by commas, as a `SELECT` lists them.
#[must_use]
pub fn column_names<P: TableProjection>() -> String {
    columns_of::<P::Row>().join(", ")
}

/// The SQL of one generation of a projection's table, made once.
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
        let is_asked = engine.is_one_of(key, "$1");
        let rows = engine.json_rows(columns, "$1");
        let updates: Vec<String> = names
            .iter()
            .skip(1)
            .map(|name| format!("{name} = excluded.{name}"))
            .collect();
        let (names, updates) = (names.join(", "), updates.join(", "));
        Self {
            load: format!("SELECT {names} FROM {table} WHERE {is_asked}"),
            upsert: format!(
                "INSERT INTO {table} ({names}) {rows} ON CONFLICT ({key}) DO UPDATE SET {updates}"
            ),
            delete: format!("DELETE FROM {table} WHERE {is_asked}"),
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

/// The DDL of a generation, with its names filled in.
pub(crate) fn ddl<P: TableProjection>(engine: Engine, table: &str) -> String {
    P::DDL
        .replace(TABLE, table)
        .replace("{text}", engine.text_type())
        .replace("{with_room}", engine.with_room())
}
