//! The `WHERE` clause and limit of a list, with the values as parameters.

use read_model_sql::Value;

use super::Pagination;
use super::query::Query;

/// Conditions on columns, combined with `AND`.
#[derive(Clone, Debug, Default)]
pub(super) struct Conditions {
    texts: Vec<String>,
    values: Vec<Value>,
}

impl Conditions {
    /// Adds a value and returns the name of its parameter.
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

    pub(super) fn below(&mut self, column: &str, value: impl Into<Value>) {
        let value = self.parameter(value);
        self.holds(format!("{column} < {value}"));
    }

    pub(super) fn at_most(&mut self, column: &str, value: impl Into<Value>) {
        let value = self.parameter(value);
        self.holds(format!("{column} <= {value}"));
    }

    /// All conditions as one expression.
    pub(super) fn all(&self) -> String {
        if self.texts.is_empty() {
            "true".to_owned()
        } else {
            self.texts.join(" AND ")
        }
    }

    /// The `LIMIT` and `OFFSET` clauses.
    pub(super) fn limit(&mut self, window: Pagination) -> String {
        // One row beyond the limit shows that the list is truncated.
        let limit = self.parameter(window.limit.unwrap_or(window.limit_within_bounds() + 1));
        let offset = self.parameter(window.offset);
        format!("LIMIT {limit} OFFSET {offset}")
    }

    /// Binds the values to a query with these conditions.
    pub(super) fn bind(self, query: Query) -> Query {
        self.values.into_iter().fold(query, Query::bind)
    }
}
