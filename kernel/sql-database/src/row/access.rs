//! Reads columns by name on either engine, and carries the drivers' errors through serde.

use std::fmt;

use sqlx::{ColumnIndex, Decode, Type, ValueRef};

/// A row whose columns can be read by name.
pub(super) trait NamedColumns<'r>: sqlx::Row<Database: sqlx::Database> {
    fn integer(&'r self, name: &str) -> Result<i64, sqlx::Error>;
    fn text(&'r self, name: &str) -> Result<&'r str, sqlx::Error>;
    fn is_null(&'r self, name: &str) -> Result<bool, sqlx::Error>;
}

impl<'r, R: sqlx::Row> NamedColumns<'r> for R
where
    for<'n> &'n str: ColumnIndex<R>,
    i64: Decode<'r, R::Database> + Type<R::Database>,
    &'r str: Decode<'r, R::Database> + Type<R::Database>,
{
    fn integer(&'r self, name: &str) -> Result<i64, sqlx::Error> {
        self.try_get(name)
    }

    fn text(&'r self, name: &str) -> Result<&'r str, sqlx::Error> {
        self.try_get(name)
    }

    fn is_null(&'r self, name: &str) -> Result<bool, sqlx::Error> {
        Ok(self.try_get_raw(name)?.is_null())
    }
}

/// Wraps a driver's error as an error of serde.
#[derive(Debug)]
pub(super) struct ColumnError(pub(super) sqlx::Error);

impl fmt::Display for ColumnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for ColumnError {}

impl serde::de::Error for ColumnError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(sqlx::Error::Decode(message.to_string().into()))
    }
}
