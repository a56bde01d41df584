//! Rows read from either engine, without a procedural macro.
//!
//! `#[derive(sqlx::FromRow)]` builds both drivers and SQLite a second time, for the compiler: a quarter of a first
//! build.

use std::error::Error;

use sqlx::{ColumnIndex, Decode, Row, Type};

/// Implements `sqlx::FromRow` for both engines. Each field is the column of its name; a field under `parsed` is made
/// from a column of text by `TryFrom<String>`.
///
/// ```
/// use read_model_sql::from_row;
///
/// struct Light { id: String, watts: Option<i64>, colour: Colour }
/// struct Colour(char);
///
/// impl TryFrom<String> for Colour {
///     type Error = std::num::ParseIntError;
///     fn try_from(text: String) -> Result<Self, Self::Error> {
///         text.parse().map(|code: u8| Self(code.into()))
///     }
/// }
///
/// from_row!(Light { id, watts } parsed { colour });
/// # fn is_record<R: read_model_sql::Record>() {}
/// # is_record::<Light>();
/// ```
#[macro_export]
macro_rules! from_row {
    ($row:ident { $($field:ident),+ $(,)? } $(parsed { $($text:ident),+ $(,)? })?) => {
        $crate::from_row!(@engine $crate::sqlx::postgres::PgRow, $row { $($field),+ } $($($text),+)?);
        $crate::from_row!(@engine $crate::sqlx::sqlite::SqliteRow, $row { $($field),+ } $($($text),+)?);
    };
    (@engine $engine:ty, $row:ident { $($field:ident),+ } $($text:ident),*) => {
        impl $crate::sqlx::FromRow<'_, $engine> for $row {
            fn from_row(row: &$engine) -> Result<Self, $crate::sqlx::Error> {
                Ok(Self {
                    $($field: $crate::sqlx::Row::try_get(row, stringify!($field))?,)+
                    $($text: $crate::from_row::parsed(row, stringify!($text))?,)*
                })
            }
        }
    };
}

/// A column of text as `T`.
///
/// # Errors
/// If there is no such column, or `T` cannot be made from its text.
#[doc(hidden)]
pub fn parsed<'r, R, T>(row: &'r R, column: &'static str) -> Result<T, sqlx::Error>
where
    R: Row,
    &'static str: ColumnIndex<R>,
    String: Decode<'r, R::Database> + Type<R::Database>,
    T: TryFrom<String, Error: Error + Send + Sync + 'static>,
{
    let text: String = row.try_get(column)?;
    T::try_from(text).map_err(|error| sqlx::Error::ColumnDecode {
        index: column.to_owned(),
        source: Box::new(error),
    })
}
