//! Queries of sagas. Lists are newest first: by the time of the first event, then by id, both descending.

use std::sync::Arc;

use read_model_sql::TABLE;
use sagas::SagaStatus;

use super::conditions::Conditions;
use super::models::ReadModels;
use super::query::Query;
use super::{
    CacheCapacity, List, MAX_ROWS, Pagination, ReadError, ReadOptions, ReadResult, Row,
    TableQueries,
};
use crate::projections::{SagaRow, Sagas};

/// Sagas are only queried by order, never by id: so there are cached lists, but no cached rows.
const CACHED: CacheCapacity = CacheCapacity { rows: 0, lists: 32 };

/// The order of lists.
const NEWEST: &str = "started_at DESC, id DESC";

/// The filter of a list of sagas.
#[derive(Clone, Debug, Default)]
pub struct SagaSearch {
    /// Any of these; empty means any status.
    pub statuses: Vec<SagaStatus>,
    pub saga_type: Option<&'static str>,
    pub step: Option<String>,
    /// Upper bound of the start time, inclusive, in microseconds.
    pub started_until: Option<i64>,
    pub window: Pagination,
}

/// The queries of sagas.
#[derive(Debug)]
pub struct SagaQueries {
    table: Arc<TableQueries<Sagas>>,
}

impl SagaQueries {
    pub(super) fn new(models: &mut ReadModels) -> Self {
        Self {
            table: models.table(CACHED),
        }
    }

    /// The latest saga of an order.
    ///
    /// # Errors
    /// [`ReadError`], as for all reads.
    pub async fn of_order(
        &self,
        order_id: &str,
        at: ReadOptions,
    ) -> Result<ReadResult<Row<SagaRow>>, ReadError> {
        let of_order = self.table.select("WHERE order_id = $1");
        let latest = "started_position DESC";
        let question = Query::ordered("read an order's saga", &of_order, latest, "LIMIT 1");
        let found = self.table.list(at, question.bind(order_id), 1).await?;
        Ok(found.map(|list| list.rows.first().cloned()))
    }

    /// The latest saga of each of these orders that has one, newest first.
    ///
    /// # Errors
    /// [`ReadError`], as for all reads.
    pub async fn of_orders(
        &self,
        order_ids: &[&str],
        at: ReadOptions,
    ) -> Result<ReadResult<Arc<List<SagaRow>>>, ReadError> {
        let sql = format!(
            "SELECT {columns} FROM (\
               SELECT {columns}, row_number() OVER (PARTITION BY order_id ORDER BY started_position DESC) AS place \
               FROM {TABLE} WHERE {is_asked}\
             ) AS placed WHERE place = 1",
            columns = self.table.columns(),
            is_asked = self.table.database().engine().is_one_of("order_id", "$1"),
        );
        let question =
            Query::ordered("read the sagas of orders", &sql, NEWEST, "").bind_list(order_ids);
        self.table.list(at, question, MAX_ROWS).await
    }

    /// The sagas that match a search, newest first.
    ///
    /// # Errors
    /// [`ReadError`], as for all reads.
    pub async fn search(
        &self,
        search: &SagaSearch,
        at: ReadOptions,
    ) -> Result<ReadResult<Arc<List<SagaRow>>>, ReadError> {
        let kinds = kinds(search);
        if kinds.is_empty() {
            return Ok(ReadResult {
                value: Arc::new(List::cut(Vec::new(), 0)),
                position: self.table.reach(at).await?,
            });
        }
        let question = self.search_query(search, &kinds);
        self.table
            .list(at, question, search.window.limit_within_bounds())
            .await
    }

    /// Open sagas and those of each end have separate indexes. Each part is read through its index, up to the end of
    /// the requested page, and the parts are then merged in one order.
    fn search_query(&self, search: &SagaSearch, kinds: &[String]) -> Query {
        let mut conditions = Conditions::default();
        if let Some(saga_type) = search.saga_type {
            conditions.equal("saga_type", saga_type);
        }
        if let Some(step) = &search.step {
            conditions.equal("current_step", step.as_str());
        }
        if let Some(until) = search.started_until {
            conditions.at_most("started_at", until);
        }
        let columns = self.table.columns();
        let all = conditions.all();
        let reach = search.window.offset + search.window.limit_within_bounds() + 1;
        let reach = conditions.parameter(reach);
        let part = |(number, kind): (usize, &String)| {
            format!(
                "SELECT {columns} FROM (\
                   SELECT {columns} FROM {TABLE} WHERE {kind} AND {all} ORDER BY {NEWEST} LIMIT {reach}\
                 ) AS part_{number}"
            )
        };
        let parts: Vec<_> = kinds.iter().enumerate().map(part).collect();
        let sql = format!(
            "SELECT {columns} FROM ({parts}) AS parts",
            parts = parts.join(" UNION ALL "),
        );
        let limit = conditions.limit(search.window);
        conditions.bind(Query::ordered("list sagas", &sql, NEWEST, &limit))
    }
}

/// The conditions that select the parts of a search: the open sagas, and those of each end. Only open sagas have a
/// current step.
fn kinds(search: &SagaSearch) -> Vec<String> {
    const OPEN: &str = "ended_as IS NULL";
    let is_any = search.statuses.is_empty();
    if is_any && search.step.is_none() {
        return vec!["true".to_owned()];
    }
    if is_any {
        return vec![OPEN.to_owned()];
    }
    let (ends, open): (Vec<SagaStatus>, Vec<SagaStatus>) =
        search.statuses.iter().partition(|status| status.is_end());
    let mut kinds = Vec::new();
    if !open.is_empty() {
        let names: Vec<_> = open
            .iter()
            .map(|open| format!("'{}'", open.name()))
            .collect();
        kinds.push(format!("{OPEN} AND status IN ({})", names.join(", ")));
    }
    if search.step.is_none() {
        let ends = ends
            .iter()
            .map(|end| format!("ended_as = '{}'", end.name()));
        kinds.extend(ends);
    }
    kinds
}
