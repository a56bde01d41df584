//! Parts of a list between two rows, which stay right while rows come and go.
//!
//! A part is named by the key of a row and not by a number of rows to skip. So what is inserted or deleted elsewhere does
//! not move it, and a client that reads part after part gets each row that is there all the time exactly once. A row whose key
//! changes meanwhile moves in the list: it may be in two parts, or in none.
//!
//! ```text
//!              after                                before
//!   … r  r  r    │    r  r  r  r  r  r  r  r  r  r    │    r  r  r …
//!           └ one                                          └ one
//!                     └─ first: size + 1
//!                             last: size + 1 ──────┘
//! ```
//!
//! All parts are read by one statement, from one snapshot. The row beyond each key, and the one beyond the size, show
//! whether the list continues there.

use std::sync::Arc;

use read_model_sql::{TABLE, TableProjection};
use serde::Deserialize;

use super::conditions::Conditions;
use super::query::Query;
use super::row_key::RowKey;
use super::sort::{Sort, SortColumns, SortDirection, SortField};
use super::{ReadError, ReadOptions, ReadResult, TableQueries};

/// Limit of rows in a part.
pub const MAX_SLICE_ROWS: i64 = 100;

/// The number of rows, and the end of the range that they are taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SliceSize {
    First(i64),
    Last(i64),
}

impl SliceSize {
    fn rows(self) -> i64 {
        match self {
            Self::First(rows) | Self::Last(rows) => rows,
        }
    }
}

/// The requested part of a list: rows after one key and before another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageSlice {
    pub size: SliceSize,
    pub after: Option<RowKey>,
    pub before: Option<RowKey>,
    /// Whether to count the rows of the whole list.
    pub count: bool,
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection<R> {
    /// The rows with their keys, in the order of the list.
    pub edges: Vec<(RowKey, Arc<R>)>,
    /// Whether the list has rows after these.
    pub has_next: bool,
    /// Whether the list has rows before these.
    pub has_previous: bool,
    /// The number of rows of the whole list, if requested.
    pub total: Option<i64>,
}

/// The rows of a list: those that a filter selects, from one place on and before another.
///
/// Places are not part of the filter, so that a part of the list has one start and one end: of several conditions on the
/// columns of an index, SQLite may take any for the range that it reads.
#[derive(Clone, Debug, Default)]
pub(super) struct Selection {
    pub filter: Conditions,
    pub from: Option<RowKey>,
    pub before: Option<RowKey>,
}

/// A range of keys, in ascending order.
#[derive(Clone, Debug)]
struct KeyRange {
    start: Option<KeyBound>,
    end: Option<KeyBound>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct KeyBound {
    key: RowKey,
    is_included: bool,
}

#[derive(Deserialize)]
struct CountRow {
    count: i64,
}

impl<P: TableProjection> TableQueries<P> {
    /// A part of a list, in the order of `sort`.
    pub(super) async fn connection<F: SortField<Row = P::Row>>(
        &self,
        operation: &'static str,
        (selection, sort): (Selection, Sort<F>),
        slice: &PageSlice,
        at: ReadOptions,
    ) -> Result<ReadResult<Connection<P::Row>>, ReadError> {
        let question = self.slice_query(operation, &selection, sort, slice);
        let reading = self.list(at, question, i64::MAX);
        let counting = async {
            if slice.count {
                let all = selection.conditions(sort.field.columns());
                let counted = self.count("count the rows of a list", all, at).await?;
                Ok(Some(counted))
            } else {
                Ok(None)
            }
        };
        let (list, counted) = futures::try_join!(reading, counting)?;
        let keyed = list.map(|list| {
            let rows = list.rows.iter();
            let keyed = rows.map(|row| (sort.field.key(row), Arc::clone(row)));
            slice.cut(keyed.collect(), sort.direction)
        });
        Ok(match counted {
            None => keyed,
            Some(counted) => keyed.and(counted).map(|(part, total)| Connection {
                total: Some(total),
                ..part
            }),
        })
    }

    /// The number of rows that `filter` selects.
    pub(super) async fn count(
        &self,
        operation: &'static str,
        filter: Conditions,
        at: ReadOptions,
    ) -> Result<ReadResult<i64>, ReadError> {
        let sql = format!(
            "SELECT count(*) AS count FROM {TABLE} WHERE {}",
            filter.all()
        );
        let question = filter.bind(Query::new(operation, &sql));
        let only = |rows: Vec<CountRow>| rows.first().map_or(0, |row| row.count);
        let counted = self.page(self.counts(), at, &question, only).await?;
        Ok(counted.map(|count| *count))
    }

    /// Selects the rows of the slice and one more, and one row beyond each of its keys.
    fn slice_query<F: SortField>(
        &self,
        operation: &'static str,
        selection: &Selection,
        sort: Sort<F>,
        slice: &PageSlice,
    ) -> Query {
        let (columns, direction) = (sort.field.columns(), sort.direction);
        let mut conditions = selection.filter.clone();
        let filter = conditions.all();
        let mut within = selection.range();
        let mut parts = Vec::new();
        let ends = [
            (&slice.after, direction),
            (&slice.before, direction.reversed()),
        ];
        for (key, inwards) in ends {
            let Some(key) = key else { continue };
            within.limit(key, false, inwards);
            let outwards = inwards.reversed();
            let mut beyond = selection.range();
            beyond.limit(key, true, outwards);
            parts.push((beyond, outwards, "1".to_owned()));
        }
        let reading = match slice.size {
            SliceSize::First(_) => direction,
            SliceSize::Last(_) => direction.reversed(),
        };
        let limit = conditions.parameter(slice.size.rows() + 1);
        parts.push((within, reading, limit));
        let parts = parts.into_iter().enumerate();
        let parts = parts.map(|(number, (range, direction, limit))| {
            let range = range.condition(columns, &mut conditions);
            let condition = [Some(filter.clone()), range].into_iter().flatten();
            let condition = condition.collect::<Vec<_>>().join(" AND ");
            format!(
                "SELECT {all} FROM (\
                   {select} ORDER BY {order} LIMIT {limit}\
                 ) AS part_{number}",
                all = self.columns(),
                select = self.select(&format!("WHERE {condition}")),
                order = columns.order_by(direction),
            )
        });
        let parts = parts.collect::<Vec<_>>().join(" UNION ALL ");
        let sql = format!("SELECT {} FROM ({parts}) AS parts", self.columns());
        conditions.bind(Query::ordered(operation, &sql, sort.order_by(), ""))
    }
}

impl Selection {
    fn range(&self) -> KeyRange {
        let bound = |key: &Option<RowKey>, is_included| {
            let key = key.clone();
            key.map(|key| KeyBound { key, is_included })
        };
        KeyRange {
            start: bound(&self.from, true),
            end: bound(&self.before, false),
        }
    }

    /// The filter with the places.
    fn conditions(&self, columns: SortColumns) -> Conditions {
        let mut conditions = self.filter.clone();
        if let Some(range) = self.range().condition(columns, &mut conditions) {
            conditions.holds(range);
        }
        conditions
    }
}

impl KeyRange {
    /// Limits the range to the rows that follow a key in `direction`.
    fn limit(&mut self, key: &RowKey, is_included: bool, direction: SortDirection) {
        let side = match direction {
            SortDirection::Ascending => &mut self.start,
            SortDirection::Descending => &mut self.end,
        };
        let is_narrower = side.as_ref().is_none_or(|known| match direction {
            SortDirection::Ascending => *key > known.key,
            SortDirection::Descending => *key < known.key,
        });
        if is_narrower {
            let key = key.clone();
            *side = Some(KeyBound { key, is_included });
        } else if let Some(known) = side.as_mut().filter(|known| known.key == *key) {
            known.is_included &= is_included;
        }
    }

    /// The condition of the range, if it has a start or an end.
    fn condition(&self, columns: SortColumns, conditions: &mut Conditions) -> Option<String> {
        let mut texts = Vec::new();
        let sides = [(&self.start, ">"), (&self.end, "<")];
        for (bound, operator) in sides {
            let Some(bound) = bound else { continue };
            let values: Vec<_> = bound.key.values().collect();
            let values = values.into_iter().map(|value| conditions.parameter(value));
            let key = values.collect::<Vec<_>>().join(", ");
            let or_equal = if bound.is_included { "=" } else { "" };
            texts.push(format!("({}) {operator}{or_equal} ({key})", columns.names));
        }
        (!texts.is_empty()).then(|| texts.join(" AND "))
    }
}

impl PageSlice {
    /// Separates the rows of the slice from those beyond it. `rows` are in the order of the list.
    fn cut<R>(&self, rows: Vec<(RowKey, Arc<R>)>, direction: SortDirection) -> Connection<R> {
        let is_after = |key: &RowKey, other: &RowKey| match direction {
            SortDirection::Ascending => key > other,
            SortDirection::Descending => key < other,
        };
        let (mut has_next, mut has_previous) = (false, false);
        let mut edges = Vec::with_capacity(rows.len());
        for (key, row) in rows {
            let after = self.after.as_ref();
            let before = self.before.as_ref();
            let is_beyond_start = after.is_some_and(|start| !is_after(&key, start));
            let is_beyond_end = before.is_some_and(|end| !is_after(end, &key));
            has_previous |= is_beyond_start;
            has_next |= is_beyond_end;
            if !is_beyond_start && !is_beyond_end {
                edges.push((key, row));
            }
        }
        let most = usize::try_from(self.size.rows()).unwrap_or(usize::MAX);
        if edges.len() > most {
            match self.size {
                SliceSize::First(_) => {
                    edges.truncate(most);
                    has_next = true;
                }
                SliceSize::Last(_) => {
                    edges.drain(..edges.len() - most);
                    has_previous = true;
                }
            }
        }
        Connection {
            edges,
            has_next,
            has_previous,
            total: None,
        }
    }
}

#[cfg(test)]
#[path = "connection_plan_tests.rs"]
mod tests;
