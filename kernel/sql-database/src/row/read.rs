//! Deserializes a struct from a row of either engine.

use serde::de::value::StrDeserializer;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde::forward_to_deserialize_any;
use sqlx::FromRow;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;

use super::access::{ColumnError, NamedColumns};
use super::column::Column;

/// A row that is read as a struct.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row<T>(pub T);

impl<T: DeserializeOwned> FromRow<'_, PgRow> for Row<T> {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        read(row).map(Self)
    }
}

impl<T: DeserializeOwned> FromRow<'_, SqliteRow> for Row<T> {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        read(row).map(Self)
    }
}

fn read<'r, T: DeserializeOwned, R: NamedColumns<'r>>(row: &'r R) -> Result<T, sqlx::Error> {
    T::deserialize(Reader(row)).map_err(|ColumnError(error)| error)
}

struct Reader<'r, R>(&'r R);

impl<'r, R: NamedColumns<'r>> Deserializer<'r> for Reader<'r, R> {
    type Error = ColumnError;

    fn deserialize_any<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, ColumnError> {
        Err(serde::de::Error::invalid_type(
            serde::de::Unexpected::Other("a row"),
            &visitor,
        ))
    }

    fn deserialize_struct<V: Visitor<'r>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ColumnError> {
        visitor.visit_map(Columns {
            row: self.0,
            fields: fields.iter(),
            next: None,
        })
    }

    forward_to_deserialize_any! {
        <V: Visitor<'r>>
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

struct Columns<'r, R> {
    row: &'r R,
    fields: std::slice::Iter<'static, &'static str>,
    next: Option<&'static str>,
}

impl<'r, R: NamedColumns<'r>> MapAccess<'r> for Columns<'r, R> {
    type Error = ColumnError;

    fn next_key_seed<K: DeserializeSeed<'r>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, ColumnError> {
        self.next = self.fields.next().copied();
        let name = self.next.map(StrDeserializer::<ColumnError>::new);
        name.map(|name| seed.deserialize(name)).transpose()
    }

    fn next_value_seed<S: DeserializeSeed<'r>>(
        &mut self,
        seed: S,
    ) -> Result<S::Value, ColumnError> {
        let name = self.next.take().unwrap_or_default();
        seed.deserialize(Column {
            row: self.row,
            name,
        })
        .map_err(|ColumnError(error)| ColumnError(named(name, error)))
    }
}

/// Adds the name of the column to an error without one.
fn named(name: &str, error: sqlx::Error) -> sqlx::Error {
    match error {
        sqlx::Error::Decode(source) => sqlx::Error::ColumnDecode {
            index: name.to_owned(),
            source,
        },
        other => other,
    }
}
