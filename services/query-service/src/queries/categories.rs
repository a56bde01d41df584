//! Queries of categories.

use std::sync::Arc;

use domain::value::{CategoryName, SearchTerm};

use super::conditions::Conditions;
use super::connection::Selection;
use super::models::ReadModels;
use super::query::Query;
use super::sort::{BY_CREATION, BY_NAME};
use super::{
    CacheCapacity, Connection, List, PageSlice, Pagination, ReadError, ReadOptions, ReadResult,
    Row, RowKey, Sort, SortColumns, SortField, TableQueries,
};
use crate::projections::{Categories, CategoryRow};

/// Categories are few and small.
const CACHED: CacheCapacity = CacheCapacity {
    rows: 10_000,
    lists: 64,
};

/// What categories are sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CategorySortField {
    /// The bytes of the name.
    #[default]
    Name,
    CreatedAt,
}

impl SortField for CategorySortField {
    type Row = CategoryRow;

    fn columns(self) -> SortColumns {
        match self {
            Self::Name => BY_NAME,
            Self::CreatedAt => BY_CREATION,
        }
    }

    fn key(self, row: &CategoryRow) -> RowKey {
        RowKey {
            number: (self == Self::CreatedAt).then_some(row.created_at),
            name: (self == Self::Name).then(|| row.name.clone()),
            id: row.id.clone(),
        }
    }
}

/// The filter and order of a list of categories. An unset term does not filter.
#[derive(Clone, Debug, Default)]
pub struct CategorySearch {
    pub term: Option<SearchTerm>,
    pub sort: Sort<CategorySortField>,
    pub window: Pagination,
}

/// A list of categories.
type ListResult = Result<ReadResult<Arc<List<CategoryRow>>>, ReadError>;

/// The queries of categories.
#[derive(Debug)]
pub struct CategoryQueries {
    table: Arc<TableQueries<Categories>>,
}

impl CategoryQueries {
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
    ) -> Result<ReadResult<Row<CategoryRow>>, ReadError> {
        self.table.by_id("read a category", id, at).await
    }

    /// By the exact name.
    ///
    /// # Errors
    /// [`ReadError`], as for all reads.
    pub async fn by_name(
        &self,
        name: &CategoryName,
        at: ReadOptions,
    ) -> Result<ReadResult<Row<CategoryRow>>, ReadError> {
        self.table
            .by_name("read a category by name", name.as_str(), at)
            .await
    }

    /// The existing categories with these ids, by name.
    ///
    /// # Errors
    /// [`ReadError`], as for all reads.
    pub async fn by_ids(
        &self,
        ids: &[&str],
        at: ReadOptions,
    ) -> Result<ReadResult<Vec<Arc<CategoryRow>>>, ReadError> {
        self.table.by_ids("read categories", ids, at).await
    }

    /// The categories that match a search, in its order.
    ///
    /// # Errors
    /// [`ReadError`], as for all reads.
    pub async fn search(&self, search: &CategorySearch, at: ReadOptions) -> ListResult {
        let mut conditions = Conditions::default();
        if let Some(term) = &search.term {
            let part = conditions.parameter(term.key().as_str());
            let engine = self.table.database().engine();
            conditions.holds(engine.contains("name_key", &part));
        }
        let limit = conditions.limit(search.window);
        let matching = self.table.select(&format!("WHERE {}", conditions.all()));
        let order = search.sort.order_by();
        let question = Query::ordered("list categories", &matching, order, &limit);
        let question = conditions.bind(question);
        self.table
            .list(at, question, search.window.limit_within_bounds())
            .await
    }

    /// A part of the list of all categories.
    ///
    /// # Errors
    /// [`ReadError`], as for all reads.
    pub async fn connection(
        &self,
        sort: Sort<CategorySortField>,
        slice: &PageSlice,
        at: ReadOptions,
    ) -> Result<ReadResult<Connection<CategoryRow>>, ReadError> {
        let list = (Selection::default(), sort);
        self.table
            .connection("read a part of the categories", list, slice, at)
            .await
    }

    /// The number of categories.
    ///
    /// # Errors
    /// [`ReadError`], as for all reads.
    pub async fn count(&self, at: ReadOptions) -> Result<ReadResult<i64>, ReadError> {
        let all = Conditions::default();
        self.table.count("count the categories", all, at).await
    }
}
