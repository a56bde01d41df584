//! Access to the fields of answers.

use std::io::Write as _;

use anyhow::{Context, Result};
use serde_json::Value;

/// Prints what a run did, also when it passed, so that a run that did little is noticed.
pub fn report(line: &str) {
    // Unlike `eprintln!`, this is not captured by the test harness. A failure is ignored.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// A field of a JSON object.
pub fn of<'a>(value: &'a Value, field: &str) -> Result<&'a Value> {
    value
        .get(field)
        .with_context(|| format!("no {field} in {value}"))
}

/// A field that is a string.
pub fn text<'a>(value: &'a Value, field: &str) -> Result<&'a str> {
    of(value, field)?
        .as_str()
        .with_context(|| format!("{field} is no text in {value}"))
}

/// A field that is a number.
pub fn number(value: &Value, field: &str) -> Result<f64> {
    of(value, field)?
        .as_f64()
        .with_context(|| format!("{field} is not a number in {value}"))
}
