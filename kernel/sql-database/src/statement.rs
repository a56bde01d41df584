//! One SQL text and its parameters, for either engine.

use std::fmt::Write;
use std::sync::Arc;

use serde::Serialize;
use sqlx::encode::Encode;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Arguments, AssertSqlSafe, FromRow, SqlSafeStr, Type};

/// A parameter. Both engines get the same few types, so that PostgreSQL never has to guess one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// `bigint`.
    Int(Option<i64>),
    /// `text`.
    Text(Option<String>),
    /// `bytea`.
    Bytes(Option<Vec<u8>>),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(Some(value))
    }
}

impl From<Option<i64>> for Value {
    fn from(value: Option<i64>) -> Self {
        Self::Int(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(Some(value.to_owned()))
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(Some(value))
    }
}

impl From<Option<String>> for Value {
    fn from(value: Option<String>) -> Self {
        Self::Text(value)
    }
}

impl From<&[u8]> for Value {
    fn from(value: &[u8]) -> Self {
        Self::Bytes(Some(value.to_vec()))
    }
}

/// A text that its maker has vouched for.
pub(crate) type Prepared = AssertSqlSafe<Arc<str>>;

/// A row type that reads from both engines: tuples, and [`Row`](crate::Row) with a struct.
pub trait Record:
    for<'r> FromRow<'r, PgRow> + for<'r> FromRow<'r, SqliteRow> + Send + 'static
{
}

impl<T> Record for T where
    T: for<'r> FromRow<'r, PgRow> + for<'r> FromRow<'r, SqliteRow> + Send + 'static
{
}

/// Stands in a statement for the table that it reads, which is known only when the statement runs: a read model that is
/// built anew changes its table.
pub const TABLE: &str = "{table}";

/// SQL with numbered parameters (`$1`), what it is for, and its values.
///
/// Lists travel as one JSON text, so that a statement has the same text and the same number of parameters however long
/// the list is.
#[derive(Clone, Debug)]
pub struct Statement {
    pub(crate) operation: &'static str,
    /// It came as a [`SqlSafeStr`], so whoever made it has vouched for it.
    sql: Arc<str>,
    values: Vec<Value>,
}

impl Statement {
    /// A statement without parameters yet. `operation` names it in errors.
    #[must_use]
    pub fn new(operation: &'static str, sql: impl SqlSafeStr) -> Self {
        Self {
            operation,
            sql: sql.into_sql_str().as_str().into(),
            values: Vec::new(),
        }
    }

    /// What it is for, as errors name it.
    #[must_use]
    pub fn operation(&self) -> &'static str {
        self.operation
    }

    /// Gives the next parameter its value.
    #[must_use]
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Gives the next parameter a list of texts.
    #[must_use]
    pub fn bind_list(self, texts: &[impl AsRef<str>]) -> Self {
        let list: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
        self.bind(serde_json::Value::from(list).to_string())
    }

    /// Puts a table's name in the place of [`TABLE`].
    #[must_use]
    pub fn on_table(mut self, table: &str) -> Self {
        self.sql = self.sql.replace(TABLE, table).into();
        self
    }

    /// Puts text around it: the statement becomes a part of a larger one, with the same parameters.
    #[must_use]
    pub fn within(mut self, before: &str, after: &str) -> Self {
        self.sql = format!("{before}{}{after}", self.sql).into();
        self
    }

    /// Text and values in one: equal for two statements that ask the same.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut text = self.sql.to_string();
        for value in &self.values {
            // A string's Debug form is quoted, so that neighbours cannot run into each other.
            let _ = write!(text, "\n{value:?}");
        }
        text
    }

    /// Takes it apart into its text and the driver's arguments.
    pub(crate) fn into_parts<DB>(self) -> Result<(Prepared, DB::Arguments), sqlx::Error>
    where
        DB: sqlx::Database,
        Option<i64>: for<'t> Encode<'t, DB> + Type<DB>,
        Option<String>: for<'t> Encode<'t, DB> + Type<DB>,
        Option<Vec<u8>>: for<'t> Encode<'t, DB> + Type<DB>,
    {
        let mut arguments = DB::Arguments::default();
        for value in self.values {
            match value {
                Value::Int(value) => arguments.add(value),
                Value::Text(value) => arguments.add(value),
                Value::Bytes(value) => arguments.add(value),
            }
            .map_err(sqlx::Error::Encode)?;
        }
        Ok((AssertSqlSafe(self.sql), arguments))
    }
}
