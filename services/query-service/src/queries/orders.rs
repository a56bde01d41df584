//! Queries of orders. Lists are newest first: by the time of the first event, then by id, both descending.

use std::sync::Arc;

use domain::value::{OrderStatus, UserId};

use super::conditions::Conditions;
use super::models::ReadModels;
use super::query::Query;
use super::{
    CacheCapacity, List, Pagination, ReadError, ReadOptions, ReadResult, Row, TableQueries,
};
use crate::projections::{OrderRow, Orders};

/// At about a kilobyte each, a few megabytes. An order of a hundred products is as large as thirty others.
const CACHED: CacheCapacity = CacheCapacity {
    rows: 4_000,
    lists: 8,
};

/// The filter of a list of orders.
#[derive(Clone, Debug, Default)]
pub struct OrderSearch {
    pub user_id: Option<UserId>,
    pub status: Option<OrderStatus>,
    pub window: Pagination,
}

/// The queries of orders.
#[derive(Debug)]
pub struct OrderQueries {
    table: Arc<TableQueries<Orders>>,
}

impl OrderQueries {
    pub(super) fn new(models: &mut ReadModels) -> Self {
        Self {
            table: models.table(CACHED),
        }
    }

    /// By id.
    ///
    /// # Errors
    /// [`ReadError`], as for all reads.
    pub async fn by_id(
        &self,
        id: &str,
        at: ReadOptions,
    ) -> Result<ReadResult<Row<OrderRow>>, ReadError> {
        self.table.by_id("read an order", id, at).await
    }

    /// The existing orders with these ids, newest first.
    ///
    /// # Errors
    /// [`ReadError`], as for all reads.
    pub async fn by_ids(
        &self,
        ids: &[&str],
        at: ReadOptions,
    ) -> Result<ReadResult<Vec<Arc<OrderRow>>>, ReadError> {
        let mut found = self.table.unordered("read orders", ids, at).await?;
        found
            .value
            .sort_unstable_by(|a, b| (b.created_at, &b.id).cmp(&(a.created_at, &a.id)));
        Ok(found)
    }

    /// The orders that match a search, newest first.
    ///
    /// # Errors
    /// [`ReadError`], as for all reads.
    pub async fn search(
        &self,
        search: &OrderSearch,
        at: ReadOptions,
    ) -> Result<ReadResult<Arc<List<OrderRow>>>, ReadError> {
        let question = self.search_query(search);
        self.table
            .list(at, question, search.window.limit_within_bounds())
            .await
    }

    fn search_query(&self, search: &OrderSearch) -> Query {
        let mut conditions = Conditions::default();
        if let Some(user) = &search.user_id {
            conditions.equal("user_id", user.as_str());
        }
        if let Some(status) = search.status {
            conditions.equal("status", status.name());
        }
        let limit = conditions.limit(search.window);
        let matching = self.table.select(&format!("WHERE {}", conditions.all()));
        conditions.bind(Query::ordered(
            "list orders",
            &matching,
            "created_at DESC, id DESC",
            &limit,
        ))
    }
}
