//! An SQL text and its parameters, for either engine.

use std::fmt::Write;
use std::sync::Arc;

use serde::Serialize;
use sqlx::encode::Encode;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Arguments, AssertSqlSafe, FromRow, SqlSafeStr, Type};

/// A parameter. Both engines get the same few types, so that PostgreSQL never has to infer one.
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

/// SQL that was created from a trusted text.
pub(crate) type Prepared = AssertSqlSafe<Arc<str>>;

/// A type that can be read from rows of both engines: tuples, and [`Row`](crate::Row) with a struct.
pub trait Record:
    for<'r> FromRow<'r, PgRow> + for<'r> FromRow<'r, SqliteRow> + Send + 'static
{
}

impl<T> Record for T where
    T: for<'r> FromRow<'r, PgRow> + for<'r> FromRow<'r, SqliteRow> + Send + 'static
{
}

/// Placeholder in a statement for the table that it reads, which is chosen when the statement runs: a rebuilt read
/// model has a new table.
pub const TABLE: &str = "{table}";

/// SQL with numbered parameters (`$1`), its values, and the name of the operation.
///
/// A list is one parameter with JSON text, so that a statement has the same text and number of parameters for any
/// length of the list.
#[derive(Clone, Debug)]
pub struct Statement {
    pub(crate) operation: &'static str,
    /// Created from a [`SqlSafeStr`], so it contains no untrusted input.
    sql: Arc<str>,
    values: Vec<Value>,
}

impl Statement {
    /// Creates a statement without parameters. `operation` is its name in errors.
    #[must_use]
    pub fn new(operation: &'static str, sql: impl SqlSafeStr) -> Self {
        Self {
            operation,
            sql: sql.into_sql_str().as_str().into(),
            values: Vec::new(),
        }
    }

    /// The name of the operation in errors.
    #[must_use]
    pub fn operation(&self) -> &'static str {
        self.operation
    }

    /// The SQL, without the parameters.
    pub(crate) fn text(&self) -> &str {
        &self.sql
    }

    /// Binds the next parameter.
    #[must_use]
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Binds a list of texts to the next parameter.
    #[must_use]
    pub fn bind_list(self, texts: &[impl AsRef<str>]) -> Self {
        let list: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
        self.bind(serde_json::Value::from(list).to_string())
    }

    /// Replaces [`TABLE`] by the name of a table.
    #[must_use]
    pub fn on_table(mut self, table: &str) -> Self {
        self.sql = self.sql.replace(TABLE, table).into();
        self
    }

    /// Wraps the text, so that the statement becomes a part of a larger one with the same parameters.
    #[must_use]
    pub fn within(mut self, before: &str, after: &str) -> Self {
        self.sql = format!("{before}{}{after}", self.sql).into();
        self
    }

    /// A key made of text and values: equal for two statements that have the same of both.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut text = self.sql.to_string();
        for value in &self.values {
            // The Debug form of a string is quoted, so that two lists of values cannot have the same text.
            let _ = write!(text, "\n{value:?}");
        }
        text
    }

    /// Converts to the driver's text and arguments.
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
