//! Serializes a struct as a JSON object whose members are columns.

use serde::Serialize;
use serde_json::{Map, Value};

/// Why a row cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum RowError {
    /// The value is not a struct with named fields.
    #[error("a row is a struct with named fields")]
    NotAStruct,
    /// The value cannot be represented as JSON.
    #[error("a row cannot be serialized")]
    Json(#[from] serde_json::Error),
}

/// The columns of a row: text, integers and `NULL`, and JSON text for anything else.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Columns(Map<String, Value>);

impl Columns {
    /// The columns of a struct.
    ///
    /// # Errors
    /// [`RowError`] if it is not a struct, or cannot be represented as JSON.
    pub fn of(row: &impl Serialize) -> Result<Self, RowError> {
        let Value::Object(mut fields) = serde_json::to_value(row)? else {
            return Err(RowError::NotAStruct);
        };
        for value in fields.values_mut() {
            match value {
                Value::Array(_) | Value::Object(_) => *value = Value::String(value.to_string()),
                // Stored as the integer that reading expects.
                Value::Bool(is_set) => *value = Value::from(u8::from(*is_set)),
                Value::Null | Value::Number(_) | Value::String(_) => {}
            }
        }
        Ok(Self(fields))
    }
}
