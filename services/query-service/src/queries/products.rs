//! Queries of products.

use std::sync::Arc;

use domain::value::{ProductName, SearchTerm};
use read_model_sql::TABLE;
use serde::Deserialize;

use super::conditions::Conditions;
use super::connection::Selection;
use super::models::ReadModels;
use super::query::Query;
use super::sort::{BY_CREATION, BY_NAME, BY_PRICE};
use super::{
    CacheCapacity, Connection, List, PageSlice, Pagination, ReadError, ReadOptions, ReadResult,
    Row, RowKey, Sort, SortColumns, SortField, TableQueries,
};
use crate::cache::PageCache;
use crate::projections::{ProductRow, Products};

/// At well under a kilobyte each, about ten megabytes of rows.
const CACHED: CacheCapacity = CacheCapacity {
    rows: 20_000,
    lists: 64,
};
/// Limit of rows over all categories when the products of many categories are read together.
const MAX_GROUPED_ROWS: i64 = 5_000;

/// A list of products.
type ListResult = Result<ReadResult<Arc<List<ProductRow>>>, ReadError>;

/// What products are sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProductSortField {
    /// The bytes of the name.
    #[default]
    Name,
    /// The price, then the name.
    Price,
    CreatedAt,
}

impl SortField for ProductSortField {
    type Row = ProductRow;

    fn columns(self) -> SortColumns {
        match self {
            Self::Name => BY_NAME,
            Self::Price => BY_PRICE,
            Self::CreatedAt => BY_CREATION,
        }
    }

    fn key(self, row: &ProductRow) -> RowKey {
        let number = match self {
            Self::Name => None,
            Self::Price => Some(row.price_cents),
            Self::CreatedAt => Some(row.created_at),
        };
        RowKey {
            number,
            name: (self != Self::CreatedAt).then(|| row.name.clone()),
            id: row.id.clone(),
        }
    }
}

/// The order of a list of products.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProductListOrder {
    Sorted(Sort<ProductSortField>),
    /// From the highest price to the lowest, and products of one price by name: as the old contract sorts.
    HighestPriceThenName,
}

impl Default for ProductListOrder {
    fn default() -> Self {
        Self::Sorted(Sort::default())
    }
}

impl ProductListOrder {
    fn order_by(self) -> &'static str {
        match self {
            Self::Sorted(sort) => sort.order_by(),
            Self::HighestPriceThenName => "price_cents DESC, name, id",
        }
    }
}

/// The filter and order of a list of products. Unset fields do not filter.
#[derive(Clone, Debug, Default)]
pub struct ProductSearch {
    pub term: Option<SearchTerm>,
    pub category_id: Option<String>,
    /// The minimum price, in cents.
    pub min_price_cents: Option<i64>,
    /// The maximum price, in cents.
    pub max_price_cents: Option<i64>,
    pub order: ProductListOrder,
    pub window: Pagination,
}

/// Statistics of products. All zero if there are none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct ProductStatistics {
    pub count: i64,
    /// The sum of the prices, in cents.
    pub price_sum: i64,
    /// In cents.
    pub price_min: i64,
    /// In cents.
    pub price_max: i64,
    value_millions: i64,
    value_rest: i64,
}

impl ProductStatistics {
    /// The sum of price × available stock, in cents. It does not fit 64 bits.
    #[must_use]
    pub fn value_cents(&self) -> i128 {
        i128::from(self.value_millions) * 1_000_000 + i128::from(self.value_rest)
    }
}

/// The queries of products.
#[derive(Debug)]
pub struct ProductQueries {
    table: Arc<TableQueries<Products>>,
    figures: PageCache<ProductStatistics>,
}

impl ProductQueries {
    pub(super) fn new(models: &mut ReadModels) -> Self {
        Self {
            table: models.table(CACHED),
            figures: PageCache::new(CACHED.lists),
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
    ) -> Result<ReadResult<Row<ProductRow>>, ReadError> {
        self.table.by_id("read a product", id, at).await
    }

    /// By the exact name; the first by id if several products have it.
    ///
    /// # Errors
    /// [`ReadError`], as for all reads.
    pub async fn by_name(
        &self,
        name: &ProductName,
        at: ReadOptions,
    ) -> Result<ReadResult<Row<ProductRow>>, ReadError> {
        self.table
            .by_name("read a product by name", name.as_str(), at)
            .await
    }

    /// The existing products with these ids, by name.
    ///
    /// # Errors
    /// [`ReadError`], as for all reads.
    pub async fn by_ids(
        &self,
        ids: &[&str],
        at: ReadOptions,
    ) -> Result<ReadResult<Vec<Arc<ProductRow>>>, ReadError> {
        self.table.by_ids("read products", ids, at).await
    }

    /// The products that match a search, in its order.
    ///
    /// # Errors
    /// [`ReadError`], as for all reads.
    pub async fn search(&self, search: &ProductSearch, at: ReadOptions) -> ListResult {
        let question = self.search_query(search);
        self.table
            .list(at, question, search.window.limit_within_bounds())
            .await
    }

    fn search_query(&self, search: &ProductSearch) -> Query {
        let engine = self.table.database().engine();
        let mut conditions = Conditions::default();
        if let Some(term) = &search.term {
            let part = conditions.parameter(term.key().as_str());
            conditions.holds(engine.contains("name_key", &part));
        }
        if let Some(category) = &search.category_id {
            conditions.equal("category_id", category.as_str());
        }
        if let Some(price) = search.min_price_cents {
            conditions.at_least("price_cents", price);
        }
        if let Some(price) = search.max_price_cents {
            conditions.at_most("price_cents", price);
        }
        let order = search.order.order_by();
        let limit = conditions.limit(search.window);
        let matching = self.table.select(&format!("WHERE {}", conditions.all()));
        conditions.bind(Query::ordered("list products", &matching, order, &limit))
    }

    /// A part of the list of the products of a category, or of all.
    ///
    /// # Errors
    /// [`ReadError`], as for all reads.
    pub async fn connection(
        &self,
        category_id: Option<&str>,
        sort: Sort<ProductSortField>,
        slice: &PageSlice,
        at: ReadOptions,
    ) -> Result<ReadResult<Connection<ProductRow>>, ReadError> {
        let mut selection = Selection::default();
        if let Some(category) = category_id {
            selection.filter.equal("category_id", category);
        }
        let list = (selection, sort);
        self.table
            .connection("read a part of the products", list, slice, at)
            .await
    }

    /// The first products by name of each of these categories, ordered by category; up to `limit` of each, and one
    /// more if there are more. The total is bounded too; rows beyond that bound are missing at the end.
    ///
    /// # Errors
    /// [`ReadError`], as for all reads.
    pub async fn by_categories(&self, ids: &[&str], limit: i64, at: ReadOptions) -> ListResult {
        let engine = self.table.database().engine();
        let sql = format!(
            "SELECT {columns} FROM (\
               SELECT {columns}, row_number() OVER (PARTITION BY category_id ORDER BY name, id) AS place \
               FROM {TABLE} WHERE {is_asked}\
             ) AS placed WHERE place <= $2",
            columns = self.table.columns(),
            is_asked = engine.is_one_of("category_id", "$1"),
        );
        let order = "category_id, name, id";
        let question = Query::ordered("list products by category", &sql, order, "LIMIT $3")
            .bind_list(ids)
            .bind(limit + 1)
            .bind(MAX_GROUPED_ROWS + 1);
        self.table.list(at, question, MAX_GROUPED_ROWS).await
    }

    /// Statistics of all products, or of one category.
    ///
    /// # Errors
    /// [`ReadError`], as for all reads.
    pub async fn statistics(
        &self,
        category_id: Option<&str>,
        at: ReadOptions,
    ) -> Result<ReadResult<Arc<ProductStatistics>>, ReadError> {
        let filter = category_id.map_or("", |_| "WHERE category_id = $1");
        // The value is summed in two parts because the total can exceed 64 bits, which is an error on SQLite.
        let sql = format!(
            "SELECT count(*) AS count, \
               CAST(coalesce(sum(price_cents), 0) AS bigint) AS price_sum, \
               coalesce(min(price_cents), 0) AS price_min, \
               coalesce(max(price_cents), 0) AS price_max, \
               CAST(coalesce(sum(price_cents * (on_hand - reserved) / 1000000), 0) AS bigint) AS value_millions, \
               CAST(coalesce(sum(price_cents * (on_hand - reserved) % 1000000), 0) AS bigint) AS value_rest \
             FROM {TABLE} {filter}"
        );
        let mut question = Query::new("read statistics of products", &sql);
        if let Some(category) = category_id {
            question = question.bind(category);
        }
        // An aggregate query returns exactly one row.
        let only = |figures: Vec<_>| figures.into_iter().next().unwrap_or_default();
        self.table.page(&self.figures, at, &question, only).await
    }
}
