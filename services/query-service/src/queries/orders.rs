//! Queries of orders. Lists are sorted by the time of the first event, then by id; newest first unless requested
//! otherwise.

use std::sync::Arc;

use authentication::Scope;
use domain::value::{OrderStatus, UserId};

use super::conditions::Conditions;
use super::connection::Selection;
use super::models::ReadModels;
use super::owner::Owner;
use super::query::Query;
use super::sort::BY_CREATION;
use super::{
    CacheCapacity, Connection, List, PageSlice, Pagination, ReadError, ReadOptions, ReadResult,
    Row, RowKey, Sort, SortColumns, SortField, TableQueries,
};
use crate::projections::{OrderRow, Orders};

/// At about a kilobyte each, a few megabytes. An order of a hundred products is as large as thirty others.
const CACHED: CacheCapacity = CacheCapacity {
    rows: 4_000,
    lists: 8,
};

/// What orders are sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OrderSortField {
    #[default]
    CreatedAt,
}

impl SortField for OrderSortField {
    type Row = OrderRow;

    fn columns(self) -> SortColumns {
        match self {
            Self::CreatedAt => BY_CREATION,
        }
    }

    fn key(self, row: &OrderRow) -> RowKey {
        match self {
            Self::CreatedAt => RowKey {
                number: Some(row.created_at),
                name: None,
                id: row.id.clone(),
            },
        }
    }
}

/// The filter of a list of orders. Unset fields do not filter.
#[derive(Clone, Debug, Default)]
pub struct OrderFilter {
    pub user_id: Option<UserId>,
    pub status: Option<OrderStatus>,
    /// The earliest time of creation, in microseconds.
    pub created_from: Option<i64>,
    /// The end of the times of creation, which is not among them, in microseconds.
    pub created_before: Option<i64>,
}

impl OrderFilter {
    /// Conditions other than the period.
    fn equalities(&self) -> Conditions {
        let mut conditions = Conditions::default();
        if let Some(user) = &self.user_id {
            conditions.equal("user_id", user.as_str());
        }
        if let Some(status) = self.status {
            conditions.equal("status", status.name());
        }
        conditions
    }

    fn conditions(&self) -> Conditions {
        let mut conditions = self.equalities();
        if let Some(from) = self.created_from {
            conditions.at_least("created_at", from);
        }
        if let Some(before) = self.created_before {
            conditions.below("created_at", before);
        }
        conditions
    }

    /// The same, for parts of a list.
    pub(super) fn selection(&self) -> Selection {
        // Before the keys of all orders of that time.
        let place = |time: i64| RowKey {
            number: Some(time),
            name: None,
            id: String::new(),
        };
        Selection {
            filter: self.equalities(),
            from: self.created_from.map(place),
            before: self.created_before.map(place),
        }
    }
}

fn owner(scope: Scope<'_>) -> Option<Owner<'_, OrderRow>> {
    match scope {
        Scope::All => None,
        Scope::Own(user) => Some(Owner {
            user,
            column: "user_id",
            of: |row| &row.user_id,
        }),
    }
}

/// The filter, order and part of a list of orders.
#[derive(Clone, Debug)]
pub struct OrderSearch {
    pub filter: OrderFilter,
    pub sort: Sort<OrderSortField>,
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

    /// By id, if it is in `scope`: another one is as one that does not exist.
    ///
    /// # Errors
    /// [`ReadError`], as for all reads.
    pub async fn by_id(
        &self,
        id: &str,
        scope: Scope<'_>,
        at: ReadOptions,
    ) -> Result<ReadResult<Row<OrderRow>>, ReadError> {
        let owner = owner(scope);
        self.table.by_id_of("read an order", id, owner, at).await
    }

    /// The existing orders with these ids that are in `scope`, newest first.
    ///
    /// # Errors
    /// [`ReadError`], as for all reads.
    pub async fn by_ids(
        &self,
        ids: &[&str],
        scope: Scope<'_>,
        at: ReadOptions,
    ) -> Result<ReadResult<Vec<Arc<OrderRow>>>, ReadError> {
        let owner = owner(scope);
        let mut found = self.table.unordered("read orders", ids, owner, at).await?;
        found
            .value
            .sort_unstable_by(|a, b| (b.created_at, &b.id).cmp(&(a.created_at, &a.id)));
        Ok(found)
    }

    /// The orders that match a search, in its order.
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

    /// A part of the list of the orders that a filter selects.
    ///
    /// # Errors
    /// [`ReadError`], as for all reads.
    pub async fn connection(
        &self,
        filter: &OrderFilter,
        sort: Sort<OrderSortField>,
        slice: &PageSlice,
        at: ReadOptions,
    ) -> Result<ReadResult<Connection<OrderRow>>, ReadError> {
        let list = (filter.selection(), sort);
        self.table
            .connection("read a part of the orders", list, slice, at)
            .await
    }

    fn search_query(&self, search: &OrderSearch) -> Query {
        let mut conditions = search.filter.conditions();
        let limit = conditions.limit(search.window);
        let matching = self.table.select(&format!("WHERE {}", conditions.all()));
        let order = search.sort.order_by();
        conditions.bind(Query::ordered("list orders", &matching, order, &limit))
    }
}
