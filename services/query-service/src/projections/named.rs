//! Shared by the tables whose rows have a name.

use domain::value::Description;

/// A row with the column `name`.
pub trait NamedRow {
    fn name(&self) -> &str;
}

/// A description as the value of a column.
pub(super) fn text(description: Option<&Description>) -> Option<String> {
    description.map(|text| text.as_str().to_owned())
}
