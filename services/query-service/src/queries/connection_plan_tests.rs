//! Every part of every list is read by a range of an index that has the rows in order: no table is scanned, and only the
//! few rows of the answer are sorted.

use event_sourcing::SystemClock;
use event_sourcing::memory::MemoryEventStore;
use event_sourcing::projection::ProjectionStore;
use read_model_sql::{Database, Engine, SqlProjectionStore, Statement};
use sqlx::AssertSqlSafe;
use tempfile::TempDir;

use super::*;
use crate::projections::{Categories, Orders, Products};
use crate::queries::{
    CacheCapacity, CategorySortField, OrderFilter, OrderSortField, ProductSortField,
};
use domain::value::{OrderStatus, UserId};
use event_sourcing::Token;

/// Without these PostgreSQL must use an index if there is a suitable one, whatever it knows of the size of the table.
const PLANNER: [&str; 3] = ["enable_seqscan", "enable_bitmapscan", "enable_sort"];

/// Table `P` of an engine, without rows.
struct Plans<P: TableProjection> {
    database: Database,
    table: TableQueries<P>,
    name: String,
}

impl<P: TableProjection> Plans<P> {
    async fn on(database: &Database) -> Self {
        let store = SqlProjectionStore::<P>::open(database.clone()).await;
        let store = store.expect("a generation");
        store.begin(Token(1)).await.expect("started").expect("ours");
        let sql = format!(
            "SELECT generation FROM read_model_generations WHERE projection = '{}'",
            P::NAME
        );
        let statement = Statement::new("read the generation", AssertSqlSafe(sql));
        let generations = database.fetch_all::<(i64,)>(statement).await;
        let generations = generations.expect("read");
        let name = database.version_of::<P>().table(generations[0].0);
        let log = Arc::new(MemoryEventStore::new(Arc::new(SystemClock)));
        let cached = CacheCapacity { rows: 1, lists: 1 };
        Self {
            table: TableQueries::new(database.clone(), log, cached),
            database: database.clone(),
            name,
        }
    }

    /// Checks all parts of a list, and returns their number.
    async fn check<F: SortField<Row = P::Row>>(&self, selection: Selection, fields: &[F]) -> usize {
        let mut checked = 0;
        for field in fields {
            let columns = field.columns();
            let key = RowKey {
                number: columns.has_number.then_some(7),
                name: columns.has_name.then(|| "n".to_owned()),
                id: "i".to_owned(),
            };
            for slice in slices(&key) {
                for direction in [SortDirection::Ascending, SortDirection::Descending] {
                    let sort = Sort {
                        field: *field,
                        direction,
                    };
                    let query = self.table.slice_query("list", &selection, sort, &slice);
                    let text = query.statement.fingerprint();
                    let bounds = text.matches(&format!("({})", columns.names)).count();
                    let plan = self.explain(query.statement).await;
                    let shown = format!(
                        "{} {} {direction:?} {slice:?}:\n{}",
                        selection.conditions(columns).all(),
                        columns.names,
                        plan.join("\n")
                    );
                    match self.database.engine() {
                        Engine::Sqlite => check_sqlite(&plan, &self.name, bounds),
                        Engine::Postgres => check_postgres(&plan, bounds),
                    }
                    .unwrap_or_else(|problem| panic!("{problem}: {shown}"));
                    checked += 1;
                }
            }
        }
        checked
    }

    /// The steps, each after as many spaces as it is deep.
    async fn explain(&self, statement: Statement) -> Vec<String> {
        let statement = statement.on_table(&self.name);
        let mut transaction = self.database.begin().await.expect("started");
        match self.database.engine() {
            Engine::Sqlite => {
                let explain = statement.within("EXPLAIN QUERY PLAN ", "");
                let steps = transaction
                    .fetch_all::<(i64, i64, i64, String)>(explain)
                    .await;
                let mut depths = std::collections::HashMap::from([(0, 0)]);
                let mut lines = Vec::new();
                for (id, parent, _, detail) in steps.expect("a plan") {
                    let depth = depths[&parent];
                    depths.insert(id, depth + 1);
                    lines.push(format!("{}{detail}", " ".repeat(depth)));
                }
                lines
            }
            Engine::Postgres => {
                for setting in PLANNER {
                    let sql = format!("SET LOCAL {setting} = off");
                    let set = Statement::new("configure the planner", AssertSqlSafe(sql));
                    transaction.execute(set).await.expect("set");
                }
                let explain = statement.within("EXPLAIN (COSTS OFF) ", "");
                let lines = transaction.fetch_all::<(String,)>(explain).await;
                lines.expect("a plan").into_iter().map(|it| it.0).collect()
            }
        }
    }
}

/// First and last, with and without an end on each side.
fn slices(key: &RowKey) -> Vec<PageSlice> {
    let mut all = Vec::new();
    for size in [SliceSize::First(10), SliceSize::Last(10)] {
        for after in [None, Some(key.clone())] {
            for before in [None, Some(key.clone())] {
                let after = after.clone();
                all.push(PageSlice {
                    size,
                    after,
                    before,
                    count: false,
                });
            }
        }
    }
    all
}

/// Each access to the table is by an index, whose range has all bounds of the statement; nothing is sorted where the table is
/// read.
fn check_sqlite(plan: &[String], table: &str, bounds: usize) -> Result<(), &'static str> {
    let accesses = plan.iter().filter(|line| line.contains(table));
    let mut used = 0;
    for access in accesses {
        if !access.contains(" USING ") {
            return Err("the table is scanned");
        }
        used += access.matches(",id)").count();
    }
    if used != bounds {
        return Err("a bound is not one of the index");
    }
    let depth = |line: &str| line.len() - line.trim_start().len();
    for (number, line) in plan.iter().enumerate() {
        if line.contains("TEMP B-TREE") {
            let before = plan[..number].iter().rev();
            let mut siblings = before.take_while(|it| depth(it) >= depth(line));
            if siblings.any(|it| depth(it) == depth(line) && it.contains(table)) {
                return Err("the rows of the table are sorted");
            }
        }
    }
    Ok(())
}

/// Each scan is of an index and below a limit, which ends it, and no rows are sorted before they are limited.
fn check_postgres(plan: &[String], bounds: usize) -> Result<(), &'static str> {
    let mut limits = Vec::new();
    let mut used = 0;
    for (number, line) in plan.iter().enumerate() {
        let node = line.trim_start();
        if number > 0 && !node.starts_with("->") {
            if node.starts_with("Index Cond") {
                // Each bound is a comparison of two.
                used += node.matches("ROW(").count() / 2;
            }
            continue;
        }
        let depth = line.len() - node.len();
        limits.retain(|limit| *limit < depth || number == 0);
        let node = node.trim_start_matches("->").trim_start();
        if node.starts_with("Limit") {
            limits.push(depth);
        }
        if node.starts_with("Seq Scan") || node.starts_with("Bitmap") {
            return Err("the table is scanned");
        }
        if node.starts_with("Index") && limits.is_empty() {
            return Err("an index is read without a limit");
        }
        if (node.starts_with("Sort") || node.starts_with("Incremental Sort")) && !limits.is_empty()
        {
            return Err("rows are sorted before they are limited");
        }
    }
    if used != bounds {
        return Err("a bound is not one of the index");
    }
    Ok(())
}

fn of_category() -> Selection {
    let mut selection = Selection::default();
    selection.filter.equal("category_id", "c");
    selection
}

/// All filters of orders, with and without a period.
fn order_filters() -> Vec<Selection> {
    let user = UserId::parse("userId", "ann").expect("an id");
    let mut all = Vec::new();
    for user_id in [None, Some(user)] {
        for status in [None, Some(OrderStatus::Confirmed)] {
            for (created_from, created_before) in [(None, None), (Some(3), Some(9))] {
                let filter = OrderFilter {
                    user_id: user_id.clone(),
                    status,
                    created_from,
                    created_before,
                };
                all.push(filter.selection());
            }
        }
    }
    all
}

async fn check_all(url: &str) {
    let database = Database::open(url, 2, Arc::new(SystemClock)).await;
    let database = database.expect("a database");
    let mut checked = 0;
    let products = Plans::<Products>::on(&database).await;
    let by = [
        ProductSortField::Name,
        ProductSortField::Price,
        ProductSortField::CreatedAt,
    ];
    for filter in [Selection::default(), of_category()] {
        checked += products.check(filter, &by).await;
    }
    let categories = Plans::<Categories>::on(&database).await;
    let by = [CategorySortField::Name, CategorySortField::CreatedAt];
    checked += categories.check(Selection::default(), &by).await;
    let orders = Plans::<Orders>::on(&database).await;
    for filter in order_filters() {
        checked += orders.check(filter, &[OrderSortField::CreatedAt]).await;
    }
    assert_eq!(checked, 16 * (2 * 3 + 2 + 8));
}

#[tokio::test]
async fn each_part_of_a_list_is_a_range_of_an_index_on_sqlite() {
    let folder = TempDir::new().expect("a folder");
    let url = format!("sqlite://{}", folder.path().join("query.db").display());
    check_all(&url).await;
}

#[tokio::test]
async fn each_part_of_a_list_is_a_range_of_an_index_on_postgres() {
    let server = test_postgres::database().await;
    check_all(&server.url).await;
}
