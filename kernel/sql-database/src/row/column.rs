//! Deserializes a field from its column.

use serde::de::value::StrDeserializer;
use serde::de::{Deserializer, Error, Visitor};

use super::access::{ColumnError, NamedColumns};

/// A column of a row.
pub(super) struct Column<'r, R> {
    pub(super) row: &'r R,
    pub(super) name: &'static str,
}

impl<'r, R: NamedColumns<'r>> Column<'r, R> {
    fn text(&self) -> Result<&'r str, ColumnError> {
        self.row.text(self.name).map_err(ColumnError)
    }

    fn integer(&self) -> Result<i64, ColumnError> {
        self.row.integer(self.name).map_err(ColumnError)
    }

    /// Parses the column's JSON.
    fn json<T>(
        &self,
        read: impl FnOnce(
            &mut serde_json::Deserializer<serde_json::de::StrRead<'r>>,
        ) -> serde_json::Result<T>,
    ) -> Result<T, ColumnError> {
        let mut json = serde_json::Deserializer::from_str(self.text()?);
        let read = read(&mut json).and_then(|value| json.end().map(|()| value));
        read.map_err(ColumnError::custom)
    }
}

macro_rules! integers {
    ($($method:ident)+) => {
        $(fn $method<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, ColumnError> {
            visitor.visit_i64(self.integer()?)
        })+
    };
}

macro_rules! texts {
    ($($method:ident)+) => {
        $(fn $method<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, ColumnError> {
            visitor.visit_borrowed_str(self.text()?)
        })+
    };
}

macro_rules! no_columns {
    ($($method:ident)+) => {
        $(fn $method<V: Visitor<'r>>(self, _: V) -> Result<V::Value, ColumnError> {
            Err(ColumnError::custom("a column holds text or an integer"))
        })+
    };
}

impl<'r, R: NamedColumns<'r>> Deserializer<'r> for Column<'r, R> {
    type Error = ColumnError;

    integers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
    }

    texts! { deserialize_any deserialize_char deserialize_str deserialize_string deserialize_identifier }

    no_columns! { deserialize_f32 deserialize_f64 deserialize_bytes deserialize_byte_buf deserialize_unit }

    fn deserialize_bool<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, ColumnError> {
        visitor.visit_bool(self.integer()? != 0)
    }

    fn deserialize_option<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, ColumnError> {
        if self.row.is_null(self.name).map_err(ColumnError)? {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_unit_struct<V: Visitor<'r>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ColumnError> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'r>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ColumnError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'r>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ColumnError> {
        if self.text()?.starts_with('{') {
            return self.json(|json| json.deserialize_enum(name, variants, visitor));
        }
        visitor.visit_enum(StrDeserializer::new(self.text()?))
    }

    fn deserialize_seq<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, ColumnError> {
        self.json(|json| json.deserialize_seq(visitor))
    }

    fn deserialize_tuple<V: Visitor<'r>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, ColumnError> {
        self.json(|json| json.deserialize_tuple(length, visitor))
    }

    fn deserialize_tuple_struct<V: Visitor<'r>>(
        self,
        name: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, ColumnError> {
        self.json(|json| json.deserialize_tuple_struct(name, length, visitor))
    }

    fn deserialize_map<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, ColumnError> {
        self.json(|json| json.deserialize_map(visitor))
    }

    fn deserialize_struct<V: Visitor<'r>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ColumnError> {
        self.json(|json| json.deserialize_struct(name, fields, visitor))
    }

    fn deserialize_ignored_any<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, ColumnError> {
        visitor.visit_unit()
    }
}
