//! A query of one table.

use read_model_sql::{Statement, Value};
use sqlx::AssertSqlSafe;

/// A statement on [`TABLE`](read_model_sql::TABLE), and the order of its rows.
#[derive(Clone, Debug)]
pub(super) struct Query {
    pub(super) statement: Statement,
    pub(super) order: Option<&'static str>,
}

impl Query {
    /// An unordered `SELECT`. `operation` names it in errors.
    pub(super) fn new(operation: &'static str, select: &str) -> Self {
        Self {
            statement: Statement::new(operation, AssertSqlSafe(select)),
            order: None,
        }
    }

    /// An ordered `SELECT`; `limit` is the SQL after the `ORDER BY` clause.
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

    /// Binds the next parameter.
    pub(super) fn bind(self, value: impl Into<Value>) -> Self {
        Self {
            statement: self.statement.bind(value),
            ..self
        }
    }

    /// Binds a list of texts to the next parameter.
    pub(super) fn bind_list(self, texts: &[impl AsRef<str>]) -> Self {
        Self {
            statement: self.statement.bind_list(texts),
            ..self
        }
    }
}
