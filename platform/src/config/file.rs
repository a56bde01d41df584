//! The settings file.

use std::collections::BTreeMap;

use super::error::ConfigError;
use super::setting::Spec;

/// A parsed settings file.
#[derive(Debug)]
pub(super) struct File {
    /// Its values, by variable name.
    pub(super) values: BTreeMap<String, String>,
    /// The errors in it.
    pub(super) errors: Vec<ConfigError>,
    /// Whether all of it was parsed; otherwise it may contain values that are unknown here.
    pub(super) is_whole: bool,
}

/// Parses the text of the file at `path`: a table's key `section.key` is the variable `SECTION_KEY`.
/// `known` are the settings that there are.
pub(super) fn flatten(path: &str, text: &str, known: &[Spec]) -> File {
    let mut file = File {
        values: BTreeMap::new(),
        errors: Vec::new(),
        is_whole: true,
    };
    let reject = |reason: String| ConfigError::File {
        path: path.to_owned(),
        reason,
    };
    let table: toml::Table = match text.parse() {
        Ok(table) => table,
        Err(error) => {
            let error: toml::de::Error = error;
            let place = error.span().map(|span| place(text, span.start));
            let reason = one_line(error.message());
            file.errors
                .push(reject(place.unwrap_or_default() + &reason));
            file.is_whole = false;
            return file;
        }
    };
    let mut open = vec![(String::new(), table)];
    while let Some((prefix, table)) = open.pop() {
        for (key, value) in table {
            let name = format!("{prefix}{}", key.to_ascii_uppercase());
            let value = match value {
                toml::Value::Table(inner) => {
                    open.push((format!("{name}_"), inner));
                    continue;
                }
                toml::Value::String(text) => Some(text),
                toml::Value::Integer(number) => Some(number.to_string()),
                toml::Value::Float(number) => Some(number.to_string()),
                toml::Value::Boolean(truth) => Some(truth.to_string()),
                toml::Value::Datetime(_) | toml::Value::Array(_) => None,
            };
            let reason = match value {
                _ if !known.iter().any(|spec| spec.name == name) => {
                    format!("there is no setting {name}")
                }
                None => format!("{name} is neither text, number nor boolean"),
                Some(value) => match file.values.insert(name.clone(), value) {
                    None => continue,
                    Some(_) => format!("{name} is set twice"),
                },
            };
            file.errors.push(reject(reason));
        }
    }
    file
}

/// Where the text has a byte. What is there is not shown, as it may be a secret.
fn place(text: &str, byte: usize) -> String {
    let before = text.get(..byte).unwrap_or(text);
    let (line, column) = match before.rsplit_once('\n') {
        Some((lines, last)) => (lines.lines().count() + 1, last),
        None => (1, before),
    };
    let column = column.chars().count() + 1;
    format!("line {line}, column {column}: ")
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
