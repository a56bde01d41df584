//! Questions about sagas. Lists are newest first: by the time of the first event, then by id, both descending.

use std::sync::Arc;

use event_sourcing::EventStore;
use read_model_sql::{Database, Statement};
use sqlx::AssertSqlSafe;

use super::conditions::Conditions;
use super::{At, Cached, Found, List, MOST_ROWS, ReadError, Row, Table, Window};
use crate::projections::{SagaRow, SagaStatus, Sagas};

/// Nobody asks for a saga by its id here, only for those of orders: there are lists, and no rows.
const CACHED: Cached = Cached { rows: 0, lists: 32 };

/// Which sagas are listed.
#[derive(Clone, Debug, Default)]
pub struct SagaSearch {
    /// Where they stand: one of these. Any, if there is none.
    pub statuses: Vec<SagaStatus>,
    /// Of which type.
    pub saga_type: Option<String>,
    /// The step that they are at.
    pub step: Option<String>,
    /// They began at this time or before, in microseconds.
    pub started_until: Option<i64>,
    /// Which part of the list.
    pub window: Window,
}

/// Answers questions about sagas.
#[derive(Debug)]
pub struct SagaReads {
    table: Table<Sagas>,
}

impl SagaReads {
    /// Reads from this database; `log` says how far there is anything to read.
    #[must_use]
    pub fn new(database: Database, log: Arc<dyn EventStore>) -> Self {
        Self {
            table: Table::new(database, log, CACHED),
        }
    }

    /// Keeps the cache true; drop it to stop.
    pub async fn follow(&self, log: Arc<dyn EventStore>) {
        self.table.follow(Sagas, log).await;
    }

    /// The latest saga of an order.
    ///
    /// # Errors
    /// [`ReadError`], as for all reads.
    pub async fn of_order(&self, order_id: &str, at: At) -> Result<Found<Row<SagaRow>>, ReadError> {
        let rest = "WHERE order_id = $1 ORDER BY started_position DESC LIMIT 1";
        let statement = self.table.select("read an order's saga", rest);
        let found = self.table.list(at, statement.bind(order_id), 1).await?;
        Ok(found.map(|list| list.rows.first().cloned()))
    }

    /// The latest saga of each of these orders that has one, newest first.
    ///
    /// # Errors
    /// [`ReadError`], as for all reads.
    pub async fn of_orders(
        &self,
        order_ids: &[&str],
        at: At,
    ) -> Result<Found<Arc<List<SagaRow>>>, ReadError> {
        let sql = format!(
            "SELECT {columns} FROM (\
               SELECT {columns}, row_number() OVER (PARTITION BY order_id ORDER BY started_position DESC) AS place \
               FROM sagas WHERE order_id IN {list}\
             ) AS placed WHERE place = 1 ORDER BY started_at DESC, id DESC",
            columns = self.table.columns(),
            list = self.table.database().engine().json_list("$1"),
        );
        let statement =
            Statement::new("read the sagas of orders", AssertSqlSafe(sql)).bind_list(order_ids);
        self.table.list(at, statement, MOST_ROWS).await
    }

    /// Those that a search is about, newest first.
    ///
    /// # Errors
    /// [`ReadError`], as for all reads.
    pub async fn search(
        &self,
        search: &SagaSearch,
        at: At,
    ) -> Result<Found<Arc<List<SagaRow>>>, ReadError> {
        let statement = self.search_statement(search);
        self.table.list(at, statement, search.window.most()).await
    }

    fn search_statement(&self, search: &SagaSearch) -> Statement {
        let mut conditions = Conditions::default();
        match search.statuses.as_slice() {
            [] => {}
            statuses => {
                conditions.one_of("status", statuses.iter().map(|status| status.name()));
            }
        }
        if let Some(saga_type) = &search.saga_type {
            conditions.equal("saga_type", saga_type.as_str());
        }
        if let Some(step) = &search.step {
            conditions.equal("current_step", step.as_str());
        }
        if let Some(until) = search.started_until {
            conditions.at_most("started_at", until);
        }
        let (rest, values) = conditions.ordered("started_at DESC, id DESC", search.window);
        values
            .into_iter()
            .fold(self.table.select("list sagas", &rest), Statement::bind)
    }
}
