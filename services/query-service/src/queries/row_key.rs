//! The place of a row in a list.

use read_model_sql::Value;

/// The values by which a row is ordered in its list. All keys of one order have the same fields.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowKey {
    pub number: Option<i64>,
    pub name: Option<String>,
    pub id: String,
}

impl RowKey {
    /// The values, in the order of the columns.
    pub(super) fn values(&self) -> impl Iterator<Item = Value> {
        let number = self.number.map(Value::from);
        let name = self.name.as_deref().map(Value::from);
        let id = Value::from(self.id.as_str());
        number.into_iter().chain(name).chain([id])
    }
}
