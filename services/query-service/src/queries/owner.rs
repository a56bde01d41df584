//! The restriction of a lookup to the rows of one user.

use super::query::Query;

/// The user whose rows are looked up.
#[derive(Debug)]
pub(super) struct Owner<'a, R> {
    pub user: &'a str,
    /// The column with the user.
    pub column: &'static str,
    /// The user of a row.
    pub of: fn(&R) -> &str,
}

impl<R> Clone for Owner<'_, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Owner<'_, R> {}

impl<R> Owner<'_, R> {
    /// Whether the row is among those that may be looked up; all of them are without an owner.
    pub(super) fn has(owner: Option<Self>, row: &R) -> bool {
        owner.is_none_or(|owner| (owner.of)(row) == owner.user)
    }

    /// The same as a condition of SQL after another one.
    pub(super) fn condition(owner: Option<Self>, parameter: &str) -> String {
        owner.map_or_else(String::new, |owner| {
            format!(" AND {} = {parameter}", owner.column)
        })
    }

    /// Binds the parameter of the condition.
    pub(super) fn bind(owner: Option<Self>, query: Query) -> Query {
        match owner {
            Some(owner) => query.bind(owner.user),
            None => query,
        }
    }
}
