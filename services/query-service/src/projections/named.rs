//! What the tables of things with a name have in common.

use domain::value::Description;
use event_sourcing::Envelope;
use read_model_sql::TableRow;

/// A row with the columns `id`, its key, and `name`.
pub trait NamedRow: TableRow {
    /// The name.
    fn name(&self) -> &str;
}

/// The stream's version as a column holds it.
pub(super) fn stream_version(envelope: &Envelope) -> i64 {
    i64::try_from(envelope.version.0).unwrap_or(i64::MAX)
}

/// A description as a column holds it.
pub(super) fn text(description: Option<&Description>) -> Option<String> {
    description.map(|text| text.as_str().to_owned())
}
