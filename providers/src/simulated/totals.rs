//! Totals of the ledger: for the command line, and for tests that compare them with the orders.

use command_database::{CommandDatabase, DatabaseError};
use domain::value::Money;
use sql_database::Statement;
use sqlx::AssertSqlSafe;

use super::ProviderKind;

const SUMS: &str = "\
    SELECT order_id, \
        CAST(SUM(CASE WHEN state IN ('done', 'compensated') THEN amount_cents ELSE 0 END) AS BIGINT), \
        CAST(SUM(CASE WHEN state = 'compensated' THEN amount_cents ELSE 0 END) AS BIGINT), \
        CAST(SUM(CASE WHEN state IN ('done', 'compensated') THEN 1 ELSE 0 END) AS BIGINT), \
        CAST(SUM(CASE WHEN state = 'compensated' THEN 1 ELSE 0 END) AS BIGINT) \
    FROM simulated_book WHERE kind = $1";
const OF_ORDER: &str = "AND order_id = $2 GROUP BY order_id";
const PAGE: &str = "AND order_id > $2 GROUP BY order_id ORDER BY order_id LIMIT $3";

type Row = (String, i64, i64, i64, i64);

/// The totals of one order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderTotals {
    pub order_id: String,
    /// The sum of all executed actions, undone or not: money captured, or pieces sent.
    pub done: Money,
    /// The part that was undone: money refunded, or pieces of cancelled shipments.
    pub undone: Money,
    /// The number of executed actions: two captures for one order are one too many, unless the first was undone.
    pub times_done: i64,
    /// How many of them were undone.
    pub times_undone: i64,
}

impl OrderTotals {
    #[must_use]
    pub fn held(&self) -> Money {
        Money::from_cents(self.done.cents() - self.undone.cents())
    }
}

/// Reads the ledger, also while providers write it.
#[derive(Clone, Debug)]
pub struct Totals {
    database: CommandDatabase,
    kind: ProviderKind,
}

impl Totals {
    /// The totals of `kind` in `database`.
    #[must_use]
    pub fn new(database: CommandDatabase, kind: ProviderKind) -> Self {
        Self { database, kind }
    }

    /// The totals of one order, if the ledger has it.
    ///
    /// # Errors
    /// The database failed.
    pub async fn of_order(&self, order_id: &str) -> Result<Option<OrderTotals>, DatabaseError> {
        let sums = format!("{SUMS} {OF_ORDER}");
        let sums = Statement::new("add up an order", AssertSqlSafe(sums))
            .bind(self.kind.name())
            .bind(order_id);
        let row: Option<Row> = self.database.fetch_optional(sums).await?;
        Ok(row.map(read))
    }

    /// The totals of at most `limit` orders with ids greater than `after`, in the order of their ids.
    ///
    /// # Errors
    /// The database failed.
    pub async fn page(&self, after: &str, limit: u32) -> Result<Vec<OrderTotals>, DatabaseError> {
        let sums = format!("{SUMS} {PAGE}");
        let sums = Statement::new("add up the orders", AssertSqlSafe(sums))
            .bind(self.kind.name())
            .bind(after)
            .bind(i64::from(limit));
        let rows: Vec<Row> = self.database.fetch_all(sums).await?;
        Ok(rows.into_iter().map(read).collect())
    }
}

fn read((order_id, done, undone, times_done, times_undone): Row) -> OrderTotals {
    OrderTotals {
        order_id,
        done: Money::from_cents(done),
        undone: Money::from_cents(undone),
        times_done,
        times_undone,
    }
}
