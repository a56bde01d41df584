//! Questions about orders. Lists are newest first: by the time of the first event, then by id, both descending.

use std::sync::Arc;

use domain::value::{OrderStatus, UserId};

use super::conditions::Conditions;
use super::models::ReadModels;
use super::question::Question;
use super::{At, Cached, Found, List, ReadError, Row, Table, Window};
use crate::projections::{OrderRow, Orders};

/// At about a kilobyte each, a few megabytes; but an order of a hundred products is as large as thirty others.
const CACHED: Cached = Cached {
    rows: 4_000,
    lists: 8,
};

/// Which orders are listed.
#[derive(Clone, Debug, Default)]
pub struct OrderSearch {
    /// Whose.
    pub user_id: Option<UserId>,
    /// Where they stand.
    pub status: Option<OrderStatus>,
    /// Which part of the list.
    pub window: Window,
}

/// Answers questions about orders.
#[derive(Debug)]
pub struct OrderReads {
    table: Arc<Table<Orders>>,
}

impl OrderReads {
    pub(super) fn new(models: &mut ReadModels) -> Self {
        Self {
            table: models.table(CACHED),
        }
    }

    /// By id.
    ///
    /// # Errors
    /// [`ReadError`], as for all reads.
    pub async fn by_id(&self, id: &str, at: At) -> Result<Found<Row<OrderRow>>, ReadError> {
        self.table.by_id("read an order", id, at).await
    }

    /// Those of these ids that exist, newest first.
    ///
    /// # Errors
    /// [`ReadError`], as for all reads.
    pub async fn by_ids(
        &self,
        ids: &[&str],
        at: At,
    ) -> Result<Found<Vec<Arc<OrderRow>>>, ReadError> {
        let mut found = self.table.unordered("read orders", ids, at).await?;
        found
            .value
            .sort_unstable_by(|a, b| (b.created_at, &b.id).cmp(&(a.created_at, &a.id)));
        Ok(found)
    }

    /// Those that a search is about, newest first.
    ///
    /// # Errors
    /// [`ReadError`], as for all reads.
    pub async fn search(
        &self,
        search: &OrderSearch,
        at: At,
    ) -> Result<Found<Arc<List<OrderRow>>>, ReadError> {
        let question = self.searching(search);
        self.table.list(at, question, search.window.most()).await
    }

    fn searching(&self, search: &OrderSearch) -> Question {
        let mut conditions = Conditions::default();
        if let Some(user) = &search.user_id {
            conditions.equal("user_id", user.as_str());
        }
        if let Some(status) = search.status {
            conditions.equal("status", status.name());
        }
        let limit = conditions.limit(search.window);
        let matching = self.table.select(&format!("WHERE {}", conditions.all()));
        conditions.bind(Question::ordered(
            "list orders",
            &matching,
            "created_at DESC, id DESC",
            &limit,
        ))
    }
}
