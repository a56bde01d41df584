//! Access to the fields of answers, and tables of invalid input.

use std::io::Write as _;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::session::Session;

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

/// A row of a table: a request and its expected rejection.
#[derive(Debug)]
pub struct Bad {
    /// What is wrong with it.
    pub what: &'static str,
    pub document: &'static str,
    pub variables: Value,
    /// The accepted codes.
    pub codes: &'static [&'static str],
    /// The expected `extensions.field`; "" accepts any.
    pub field: &'static str,
}

impl Bad {
    pub fn new(
        what: &'static str,
        document: &'static str,
        variables: Value,
        codes: &'static [&'static str],
        field: &'static str,
    ) -> Self {
        Self {
            what,
            document,
            variables,
            codes,
            field,
        }
    }
}

/// Sends all requests, and fails with a list of those that were not rejected as expected.
pub async fn expect_rejections(session: &mut Session, table: Vec<Bad>) -> Result<()> {
    let lines = table.len();
    let mut wrong = Vec::new();
    for bad in table {
        let answer = session.send(bad.document, bad.variables).await?;
        let code_fits = answer.code().is_some_and(|code| bad.codes.contains(&code));
        let field_fits = bad.field.is_empty() || answer.field() == Some(bad.field);
        if !code_fits || !field_fits {
            wrong.push(format!(
                "{} in {}: expected {:?} on {:?}, got {}: {}",
                bad.what, bad.document, bad.codes, bad.field, answer.status, answer.body
            ));
        }
    }
    if !wrong.is_empty() {
        bail!("{} of {lines} lines:\n{}", wrong.len(), wrong.join("\n"));
    }
    Ok(())
}
