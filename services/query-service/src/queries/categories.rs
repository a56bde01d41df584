//! Queries of categories.

use std::sync::Arc;

use domain::value::{CategoryName, SearchTerm};
use read_model_sql::TABLE;
use serde::Deserialize;

use super::models::ReadModels;
use super::query::Query;
use super::{
    CacheCapacity, List, MAX_ROWS, Pagination, ReadError, ReadOptions, ReadResult, Row,
    TableQueries,
};
use crate::projections::{Categories, CategoryRow};

/// Categories are few and small.
const CACHED: CacheCapacity = CacheCapacity {
    rows: 10_000,
    lists: 64,
};

/// The order of lists.
const BY_NAME: &str = "name, id";

#[derive(Deserialize)]
struct CountRow {
    count: i64,
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

    /// All categories by name, up to the limit of a list.
    ///
    /// # Errors
    /// [`ReadError`], as for all reads.
    pub async fn all(&self, at: ReadOptions) -> ListResult {
        let all = self.table.select("");
        let question =
            Query::ordered("list the categories", &all, BY_NAME, "LIMIT $1").bind(MAX_ROWS + 1);
        self.table.list(at, question, MAX_ROWS).await
    }

    /// A page, by name.
    ///
    /// # Errors
    /// [`ReadError`], as for all reads.
    pub async fn page(&self, window: Pagination, at: ReadOptions) -> ListResult {
        let limit = window.limit_within_bounds();
        let all = self.table.select("");
        let part = "LIMIT $1 OFFSET $2";
        let question = Query::ordered("page the categories", &all, BY_NAME, part)
            .bind(limit)
            .bind(window.offset);
        self.table.list(at, question, limit).await
    }

    /// The categories whose name contains the term, by name.
    ///
    /// # Errors
    /// [`ReadError`], as for all reads.
    pub async fn search(&self, term: &SearchTerm, at: ReadOptions) -> ListResult {
        let matches = self.table.database().engine().contains("name_key", "$1");
        let matching = self.table.select(&format!("WHERE {matches}"));
        let question = Query::ordered("search categories", &matching, BY_NAME, "LIMIT $2")
            .bind(term.key().as_str())
            .bind(MAX_ROWS + 1);
        self.table.list(at, question, MAX_ROWS).await
    }

    /// The number of categories.
    ///
    /// # Errors
    /// [`ReadError`], as for all reads.
    pub async fn count(&self, at: ReadOptions) -> Result<ReadResult<i64>, ReadError> {
        let sql = format!("SELECT count(*) AS count FROM {TABLE}");
        let question = Query::new("count the categories", &sql);
        let counted = self.table.first::<CountRow>(at, &question).await?;
        Ok(counted.map(|counted| counted.map_or(0, |counted| counted.count)))
    }
}
