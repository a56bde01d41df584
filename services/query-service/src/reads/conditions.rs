//! What a list's rows must have, with the values as parameters.

use read_model_sql::Value;

use super::Window;

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

    /// Any condition.
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

    pub(super) fn one_of<'v>(&mut self, column: &str, values: impl IntoIterator<Item = &'v str>) {
        let values: Vec<String> = values
            .into_iter()
            .map(|value| self.parameter(value))
            .collect();
        self.holds(format!("{column} IN ({})", values.join(", ")));
    }

    /// What follows the table's name in a list, and the values of its parameters.
    pub(super) fn ordered(mut self, order: &str, window: Window) -> (String, Vec<Value>) {
        // One row more than a list may have shows that there are more.
        let limit = self.parameter(window.limit.unwrap_or(window.most() + 1));
        let offset = self.parameter(window.offset);
        let filter = if self.texts.is_empty() {
            String::new()
        } else {
            format!("WHERE {} ", self.texts.join(" AND "))
        };
        let rest = format!("{filter}ORDER BY {order} LIMIT {limit} OFFSET {offset}");
        (rest, self.values)
    }
}
