//! A table of the file, read completely, so that all its problems are reported together.

use toml::{Table, Value};

/// A text with this is never shown, also in a wrong place.
const SECRET_PREFIX: &str = "whsec_";

/// A field is missing or invalid, and the problem is recorded.
#[derive(Debug)]
pub(super) struct Recording;

/// A table whose fields are being read.
pub(super) struct Section<'p> {
    place: String,
    table: Table,
    known: Vec<&'static str>,
    problems: &'p mut Vec<String>,
}

impl<'p> Section<'p> {
    pub(super) fn new(place: String, table: Table, problems: &'p mut Vec<String>) -> Self {
        Self {
            place,
            table,
            known: Vec::new(),
            problems,
        }
    }

    /// Reads a required field. The error of `read` is the part of an invalid value that may be shown; `accepts` describes
    /// valid values.
    pub(super) fn required<T>(
        &mut self,
        field: &'static str,
        accepts: &str,
        read: impl FnOnce(&Value) -> Result<T, String>,
    ) -> Result<T, Recording> {
        let value = self.optional(field, accepts, read)?;
        value.ok_or_else(|| {
            let problem = format!("{} has no {field}; it takes {accepts}", self.place);
            self.problems.push(problem);
            Recording
        })
    }

    /// Reads an optional field.
    pub(super) fn optional<T>(
        &mut self,
        field: &'static str,
        accepts: &str,
        read: impl FnOnce(&Value) -> Result<T, String>,
    ) -> Result<Option<T>, Recording> {
        self.known.push(field);
        let value = self.table.get(field).map(read).transpose();
        value.map_err(|given| {
            let place = &self.place;
            let problem = format!("{place} has {field} = {given}; it takes {accepts}");
            self.problems.push(problem);
            Recording
        })
    }

    /// Records unread fields as problems: they are probably misspelled.
    pub(super) fn finish(self) {
        let unknown = |field: &&String| !self.known.contains(&field.as_str());
        for field in self.table.keys().filter(unknown) {
            self.problems.push(format!(
                "{} has the unknown key {}; the keys are {}",
                self.place,
                shown_text(field),
                self.known.join(", ")
            ));
        }
    }
}

/// The text, or a description of the other value.
pub(super) fn text(value: &Value) -> Result<&str, String> {
    value.as_str().ok_or_else(|| shown(value))
}

/// A value as errors show it.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => shown_text(text),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Boolean(truth) => truth.to_string(),
        Value::Datetime(_) => "a date".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Table(_) => "a table".to_owned(),
    }
}

pub(super) fn shown_text(text: &str) -> String {
    if text.contains(SECRET_PREFIX) {
        "***".to_owned()
    } else {
        format!("{text:?}")
    }
}
