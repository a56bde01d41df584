//! A table of the file, read to its end, so that all that is wrong with it is named at once.

use toml::{Table, Value};

/// What is not shown, also where it was put by mistake.
const SECRET_PREFIX: &str = "whsec_";

/// A field is missing or wrong, and that is recorded.
#[derive(Debug)]
pub(super) struct Recorded;

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

    /// What `read` makes of the field. `read` returns what of a wrong value may be shown, and `accepts` says what would be
    /// right.
    pub(super) fn required<T>(
        &mut self,
        field: &'static str,
        accepts: &str,
        read: impl FnOnce(&Value) -> Result<T, String>,
    ) -> Result<T, Recorded> {
        let value = self.optional(field, accepts, read)?;
        value.ok_or_else(|| {
            let problem = format!("{} has no {field}; it takes {accepts}", self.place);
            self.problems.push(problem);
            Recorded
        })
    }

    /// The same for a field that may be missing.
    pub(super) fn optional<T>(
        &mut self,
        field: &'static str,
        accepts: &str,
        read: impl FnOnce(&Value) -> Result<T, String>,
    ) -> Result<Option<T>, Recorded> {
        self.known.push(field);
        let value = self.table.get(field).map(read).transpose();
        value.map_err(|given| {
            let place = &self.place;
            let problem = format!("{place} has {field} = {given}; it takes {accepts}");
            self.problems.push(problem);
            Recorded
        })
    }

    /// Records the fields that nothing has read: they are typing errors.
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

/// A text that is given, or what is given in its place.
pub(super) fn text(value: &Value) -> Result<&str, String> {
    value.as_str().ok_or_else(|| shown(value))
}

/// What an error shows of a value.
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
