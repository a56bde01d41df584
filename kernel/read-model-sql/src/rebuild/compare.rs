//! Compares all rows of two tables.
//!
//! Both are read in the order of their keys, page by page, so that memory is bounded. Values are compared as text and not
//! as rows of the projection: a damaged live row may not be readable as one.

use std::cmp::Ordering;
use std::collections::VecDeque;

use event_sourcing::{Position, StoreError};
use sql_database::mark::position;
use sqlx::AssertSqlSafe;

use super::report::{Difference, RebuildReport};
use crate::column::Column;
use crate::database::{Database, Transaction};
use crate::engine::Engine;
use crate::error::failed;
use crate::statement::Statement;
use crate::version::ProjectionVersion;

const OPERATION: &str = "compare the rows of a rebuild";
/// Rows of each table in memory.
const PAGE: usize = 1_000;

/// The live rows, in a snapshot.
pub(super) struct LiveSnapshot {
    transaction: Transaction,
    /// The live generation.
    pub(super) generation: i64,
    /// Its checkpoint.
    pub(super) position: Position,
}

impl LiveSnapshot {
    /// Takes a snapshot. `None` if the version has no generation.
    pub(super) async fn take(
        database: &Database,
        version: ProjectionVersion,
    ) -> Result<Option<Self>, StoreError> {
        let mut transaction = database.begin_snapshot().await?;
        let found: Option<(i64, i64)> =
            transaction.fetch_optional(live_checkpoint(version)).await?;
        let Some((generation, at)) = found else {
            transaction.rollback().await?;
            return Ok(None);
        };
        Ok(Some(Self {
            transaction,
            generation,
            position: position(at),
        }))
    }

    pub(super) async fn end(self) -> Result<(), StoreError> {
        self.transaction.rollback().await
    }
}

/// Selects the number and the position of the live generation.
pub(super) fn live_checkpoint(version: ProjectionVersion) -> Statement {
    let sql = "SELECT g.generation, g.position FROM read_model_versions AS v JOIN read_model_generations AS g \
               ON g.projection = v.projection AND g.generation = v.generation \
               WHERE v.projection = $1 AND v.schema_version = $2";
    Statement::new("read the live checkpoint", sql)
        .bind(version.name)
        .bind(i64::from(version.version))
}

/// A row: its key, and its values as a JSON list of texts.
type RowText = (String, String);

/// The rest of a table, in the order of the keys.
struct Side {
    table: String,
    select: String,
    key: String,
    rows: VecDeque<RowText>,
    last: Option<String>,
    is_read: bool,
    count: u64,
}

impl Side {
    fn new(engine: Engine, columns: &[Column], table: String) -> Self {
        let key = columns.first().map(|column| column.name.clone());
        Self {
            select: values(engine, columns),
            key: key.unwrap_or_default(),
            table,
            rows: VecDeque::new(),
            last: None,
            is_read: false,
            count: 0,
        }
    }

    /// Selects the next page, if the rows in memory are used up.
    fn next_page(&self) -> Option<Statement> {
        if self.is_read || !self.rows.is_empty() {
            return None;
        }
        let Self {
            table, select, key, ..
        } = self;
        let after = self.last.as_ref().map_or("", |_| "WHERE {key} > $1");
        let after = after.replace("{key}", key);
        let sql =
            format!("SELECT {key}, {select} FROM {table} {after} ORDER BY {key} LIMIT {PAGE}");
        let statement = Statement::new(OPERATION, AssertSqlSafe(sql));
        Some(match &self.last {
            Some(last) => statement.bind(last.as_str()),
            None => statement,
        })
    }

    fn add(&mut self, page: Vec<RowText>) {
        self.is_read = page.len() < PAGE;
        self.count += page.len() as u64;
        if let Some((key, _)) = page.last() {
            self.last = Some(key.clone());
        }
        self.rows = page.into();
    }
}

/// An expression for all values of a row as one JSON list of texts.
fn values(engine: Engine, columns: &[Column]) -> String {
    let texts: Vec<String> = columns
        .iter()
        .map(|column| format!("CAST({} AS text)", column.name))
        .collect();
    let texts = texts.join(", ");
    match engine {
        Engine::Sqlite => format!("json_array({texts})"),
        Engine::Postgres => format!("json_build_array({texts})::text"),
    }
}

/// Compares the live rows in the snapshot with those of `generation`, which is not written meanwhile.
pub(super) async fn compare(
    live: &mut LiveSnapshot,
    database: &Database,
    (version, generation): (ProjectionVersion, i64),
    columns: &[Column],
) -> Result<RebuildReport, StoreError> {
    let side = |generation| Side::new(database.engine(), columns, version.table(generation));
    let (mut old, mut new) = (side(live.generation), side(generation));
    let mut report = RebuildReport {
        position: live.position,
        ..RebuildReport::default()
    };
    loop {
        if let Some(page) = old.next_page() {
            old.add(live.transaction.fetch_all(page).await?);
        }
        if let Some(page) = new.next_page() {
            new.add(database.fetch_all(page).await?);
        }
        if !merge(&mut old, &mut new, columns, &mut report)? {
            break;
        }
    }
    (report.live_rows, report.rebuilt_rows) = (old.count, new.count);
    Ok(report)
}

/// Compares the rows in memory until one side is used up. Returns false at the end of both tables.
fn merge(
    old: &mut Side,
    new: &mut Side,
    columns: &[Column],
    report: &mut RebuildReport,
) -> Result<bool, StoreError> {
    loop {
        let order = match (old.rows.front(), new.rows.front()) {
            (Some((a, _)), Some((b, _))) => a.as_bytes().cmp(b.as_bytes()),
            (Some(_), None) if new.is_read => Ordering::Less,
            (None, Some(_)) if old.is_read => Ordering::Greater,
            (None, None) => return Ok(!(old.is_read && new.is_read)),
            _ => return Ok(true),
        };
        let old_row = order.is_le().then(|| old.rows.pop_front()).flatten();
        let new_row = order.is_ge().then(|| new.rows.pop_front()).flatten();
        match (old_row, new_row) {
            (Some((key, a)), Some((_, b))) if a != b => {
                compare_row(&key, &a, &b, columns, report)?;
            }
            (Some((key, _)), None) => report.add_row(&key, Difference::OnlyLive),
            (None, Some((key, _))) => report.add_row(&key, Difference::OnlyRebuilt),
            _ => {}
        }
    }
}

fn compare_row(
    key: &str,
    live: &str,
    rebuilt: &str,
    columns: &[Column],
    report: &mut RebuildReport,
) -> Result<(), StoreError> {
    let parse = |text: &str| -> Result<Vec<Option<String>>, StoreError> {
        serde_json::from_str(text).map_err(|error| failed(OPERATION, error))
    };
    let (live, rebuilt) = (parse(live)?, parse(rebuilt)?);
    report.add_row(key, Difference::Changed);
    for (column, (live, rebuilt)) in columns.iter().zip(live.iter().zip(&rebuilt)) {
        if live != rebuilt {
            report.add_value(key, &column.name, live.as_deref(), rebuilt.as_deref());
        }
    }
    Ok(())
}
