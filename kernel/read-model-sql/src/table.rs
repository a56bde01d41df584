//! What a projection says about its table.

use event_sourcing::{Projection, StoreError};
use serde::{Serialize, Serializer};
use sqlx::AssertSqlSafe;

use crate::column::{Column, column_names};
use crate::engine::Engine;
use crate::error::failed;
use crate::statement::{Record, Statement, Value};

/// A row that is kept in a table. [`from_row!`](crate::from_row!) reads it.
pub trait TableRow: Record {
    /// The table's columns; the first one is the key.
    const COLUMNS: &'static [Column];

    /// The key.
    fn key(&self) -> &str;

    /// A value for each column, in their order.
    fn values(&self) -> Vec<Value>;
}

/// A projection whose rows are kept in a table of its own.
pub trait TableProjection: Projection<Key = String, Row: TableRow> {
    /// Makes the table and its indexes for one generation. `{table}` stands for the table's name, which index names
    /// must begin with, and `{text}` for the type of text that is ordered by its bytes. `{with_room}` behind the
    /// columns of a table whose rows change often leaves room in its pages: on PostgreSQL a change that moves no
    /// indexed column then touches no index.
    const DDL: &'static str;
}

/// The SQL of one generation of a projection's table, made once.
#[derive(Clone, Debug)]
pub(crate) struct TableSql {
    pub(crate) load: String,
    pub(crate) upsert: String,
    pub(crate) delete: String,
}

impl TableSql {
    pub(crate) fn new<P: TableProjection>(engine: Engine, table: &str) -> Self {
        let columns = P::Row::COLUMNS;
        let names = column_names(columns);
        let key = columns.first().map_or("", |column| column.name);
        let is_asked = engine.is_one_of(key, "$1");
        let rows = engine.json_rows(columns, "$1");
        let updates = columns
            .iter()
            .skip(1)
            .map(|column| format!("{0} = excluded.{0}", column.name))
            .collect::<Vec<_>>()
            .join(", ");
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

    pub(crate) fn upsert<R: TableRow>(&self, rows: &[&R]) -> Result<Statement, StoreError> {
        let operation = "write projected rows";
        let json = serde_json::to_string(&Rows(rows)).map_err(|error| failed(operation, error))?;
        Ok(Statement::new(operation, AssertSqlSafe(self.upsert.as_str())).bind(json))
    }

    pub(crate) fn delete(&self, keys: &[&str]) -> Statement {
        Statement::new("delete projected rows", AssertSqlSafe(self.delete.as_str())).bind_list(keys)
    }
}

/// The DDL of a generation, with its names filled in.
pub(crate) fn ddl<P: TableProjection>(engine: Engine, table: &str) -> String {
    P::DDL
        .replace("{table}", table)
        .replace("{text}", engine.text_type())
        .replace("{with_room}", engine.with_room())
}

/// Rows as a JSON list of objects, written without a tree in between.
struct Rows<'r, R>(&'r [&'r R]);

struct Row<'r, R>(&'r R);

impl<R: TableRow> Serialize for Rows<'_, R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|row| Row(*row)))
    }
}

impl<R: TableRow> Serialize for Row<'_, R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let names = R::COLUMNS.iter().map(|column| column.name);
        serializer.collect_map(names.zip(self.0.values()))
    }
}
