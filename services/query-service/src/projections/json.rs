//! Columns that hold more than one value.

use read_model_sql::Value;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What a column of text keeps as JSON. Nobody searches in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> TryFrom<String> for Json<T> {
    type Error = serde_json::Error;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        serde_json::from_str(&text).map(Self)
    }
}

impl<T: Serialize> From<&Json<T>> for Value {
    fn from(json: &Json<T>) -> Self {
        let text = serde_json::to_string(&json.0);
        text.unwrap_or_else(|error| {
            unreachable!("rows keep plain values, so JSON can hold them: {error}")
        })
        .into()
    }
}
