//! The tables: TOML files with groups of cases.
//!
//! ```toml
//! [[group]]
//! about = "the name of a category"
//! request = '{"query": "mutation { createCategory(input: {name: <input>}) { id } }"}'
//! answer = "200 VALIDATION_ERROR"
//! cases = [
//!   # class,   input, message
//!   ["empty",   '""',  'name must have 1 to 100 characters, got 0'],
//!   # class,   input, answer,                         message
//!   ["missing", '',    '400 GRAPHQL_VALIDATION_FAILED', '…'],
//! ]
//! accepted = [["too long", '"<100*x>"']]
//! ```
//!
//! `<input>` in the request is where the input of a case is put; without a request the input is the whole one. Each answer
//! and each message is the exact and whole one. What is accepted is next to what is rejected: a limit, or text that only
//! looks harmful.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::class::Class;

/// A way into the system, with the text of its tables.
#[derive(Debug)]
pub struct EntryPoint {
    pub name: &'static str,
    pub files: &'static [&'static str],
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// The classes without a case, and why there is none.
    #[serde(default)]
    pub absent: BTreeMap<Class, String>,
    #[serde(default, rename = "group")]
    groups: Vec<Group>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    about: String,
    #[serde(default = "whole")]
    request: String,
    answer: Option<String>,
    #[serde(default)]
    cases: Vec<Vec<String>>,
    #[serde(default)]
    accepted: Vec<(Class, String)>,
}

/// One request, and what must be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    pub about: String,
    pub class: Class,
    pub request: String,
    pub input: String,
    /// `None`: it is accepted.
    pub rejected: Option<Answer>,
}

/// An answer in words: its status and code, and its message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: String,
    pub message: String,
}

impl Answer {
    pub fn new(status: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            status: status.into(),
            message: message.into(),
        }
    }

    /// Whether it is the answer to a valid request.
    pub fn is_success(&self) -> bool {
        ["200", "OK", "exit 0"].contains(&&*self.status) && self.message.is_empty()
    }
}

fn whole() -> String {
    "<input>".to_owned()
}

impl EntryPoint {
    pub fn tables(&self) -> Result<Vec<Table>> {
        let tables = self.files.iter().map(|text| toml::from_str(text));
        tables
            .collect::<Result<_, _>>()
            .with_context(|| format!("a table of {}", self.name))
    }

    pub fn cases(&self) -> Result<Vec<Case>> {
        let mut cases = Vec::new();
        for group in self.tables()?.into_iter().flat_map(|table| table.groups) {
            for row in &group.cases {
                let case = group.case(row);
                cases.push(case.with_context(|| format!("{}: {row:?}", group.about))?);
            }
            let accepted = group.accepted.iter();
            cases.extend(accepted.map(|(class, input)| group.with(*class, input, None)));
        }
        Ok(cases)
    }
}

impl Group {
    fn case(&self, row: &[String]) -> Result<Case> {
        let mut row = row.to_vec();
        if let (3, Some(answer)) = (row.len(), &self.answer) {
            row.insert(2, answer.clone());
        }
        let [class, input, status, message] = &row[..] else {
            bail!("it is no class, input, answer (unless its group has one) and message");
        };
        let answer = Answer::new(status, message);
        Ok(self.with(class.parse()?, input, Some(answer)))
    }

    fn with(&self, class: Class, input: &str, rejected: Option<Answer>) -> Case {
        Case {
            about: self.about.clone(),
            class,
            request: self.request.clone(),
            input: input.to_owned(),
            rejected,
        }
    }
}
