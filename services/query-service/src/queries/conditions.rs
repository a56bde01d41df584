//! What a list's rows must have, with the values as parameters.

use read_model_sql::Value;

use super::Pagination;
use super::query::Query;

/// Conditions on columns, all of which must hold.
#[derive(Debug, Default)]
pub(super) struct Conditions {
    texts: Vec<String>,
    values: Vec<Value>,
}

impl Conditions {
    /// Gives a value the next parameter's name.
    pub(super) fn parameter(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }

    pub(super) fn holds(&mut self, condition: String) {
        self.texts.push(condition);
    }

    pub(super) fn equal(&mut self, column: &str, value: impl Into<Value>) {
        let value = self.parameter(value);
        self.holds(format!("{column} = {value}"));
    }

    pub(super) fn at_least(&mut self, column: &str, value: impl Into<Value>) {
        let value = self.parameter(value);
        self.holds(format!("{column} >= {value}"));
    }

    pub(super) fn at_most(&mut self, column: &str, value: impl Into<Value>) {
        let value = self.parameter(value);
        self.holds(format!("{column} <= {value}"));
    }

    /// All of them, as one.
    pub(super) fn all(&self) -> String {
        if self.texts.is_empty() {
            "true".to_owned()
        } else {
            self.texts.join(" AND ")
        }
    }

    /// The part of a list.
    pub(super) fn limit(&mut self, window: Pagination) -> String {
        // One row more than a list may have shows that there are more.
        let limit = self.parameter(window.limit.unwrap_or(window.limit_within_bounds() + 1));
        let offset = self.parameter(window.offset);
        format!("LIMIT {limit} OFFSET {offset}")
    }

    /// Gives a question with these conditions its values.
    pub(super) fn bind(self, question: Query) -> Query {
        self.values.into_iter().fold(question, Query::bind)
    }
}
