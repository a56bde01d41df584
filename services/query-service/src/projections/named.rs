//! What the tables of things with a name have in common.

use domain::value::Description;

/// A row with the column `name`.
pub trait NamedRow {
    fn name(&self) -> &str;
}

/// A description as a column holds it.
pub(super) fn text(description: Option<&Description>) -> Option<String> {
    description.map(|text| text.as_str().to_owned())
}
