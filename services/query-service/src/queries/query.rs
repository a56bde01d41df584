//! What is asked of one table.

use read_model_sql::{Statement, Value};
use sqlx::AssertSqlSafe;

/// A statement about [`TABLE`](read_model_sql::TABLE), and what its rows are ordered by.
#[derive(Clone, Debug)]
pub(super) struct Query {
    pub(super) statement: Statement,
    pub(super) order: Option<&'static str>,
}

impl Query {
    /// A `SELECT` whose rows have no order. `operation` names it in errors.
    pub(super) fn new(operation: &'static str, select: &str) -> Self {
        Self {
            statement: Statement::new(operation, AssertSqlSafe(select)),
            order: None,
        }
    }

    /// A `SELECT` in this order; `limit` is what follows the order.
    pub(super) fn ordered(
        operation: &'static str,
        select: &str,
        order: &'static str,
        limit: &str,
    ) -> Self {
        Self {
            order: Some(order),
            ..Self::new(operation, &format!("{select} ORDER BY {order} {limit}"))
        }
    }

    /// Gives the next parameter its value.
    pub(super) fn bind(self, value: impl Into<Value>) -> Self {
        Self {
            statement: self.statement.bind(value),
            ..self
        }
    }

    /// Gives the next parameter a list of texts.
    pub(super) fn bind_list(self, texts: &[impl AsRef<str>]) -> Self {
        Self {
            statement: self.statement.bind_list(texts),
            ..self
        }
    }
}
