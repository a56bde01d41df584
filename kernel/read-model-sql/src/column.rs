//! A column of a table.

use serde::Deserialize;

/// A column.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: String,
}
