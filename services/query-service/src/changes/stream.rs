//! A stream of changes.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use authentication::Scope;
use event_sourcing::{Entry, EventStore, Filter, LogReader, Position};
use read_model_sql::Database;
use tokio::time::{Instant, timeout};

use super::kind::ChangeKind;
use super::projection_checkpoint::ProjectionCheckpoint;
use crate::projections::{Categories, CategoryRow, OrderRow, Orders, ProductRow, Products, Sagas};
use crate::queries::{QueryHandlers, ReadError, ReadOptions};

/// Events per page, and so the maximum number of changes whose rows are read at once.
const MAX_PAGE_SIZE: usize = 500;

/// The limit of one read of rows.
const ROWS_TIMEOUT: Duration = Duration::from_secs(10);

/// How often an idle stream verifies that the log still reaches its position.
const HEAD_CHECK_INTERVAL: Duration = Duration::from_secs(10);

/// Opens streams of changes.
#[derive(Clone)]
pub struct Changes {
    log: Arc<dyn EventStore>,
    database: Database,
    reads: QueryHandlers,
}

impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Changes").finish_non_exhaustive()
    }
}

/// The changes that a stream reports.
#[derive(Clone, Debug)]
pub struct ChangeSelection {
    pub kinds: Vec<ChangeKind>,
    /// The ids of the entities; `None` means all.
    pub ids: Option<HashSet<String>>,
    /// Whether the rows are read.
    pub with_rows: bool,
}

impl ChangeSelection {
    /// `None` if the event is no selected change.
    fn pending(&self, entry: &Entry) -> Option<Pending> {
        let position = entry.position();
        let unreadable = Pending {
            position,
            change: None,
        };
        let Some(Ok(known)) = entry.event().map(|event| ChangeKind::of(event)) else {
            return Some(unreadable);
        };
        let (kind, id) = known?;
        let is_selected =
            self.kinds.contains(&kind) && self.ids.as_ref().is_none_or(|ids| ids.contains(&id));
        is_selected.then_some(Pending {
            position,
            change: Some(Change {
                position,
                kind,
                id,
                row: None,
            }),
        })
    }
}

/// A change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub position: Position,
    pub kind: ChangeKind,
    pub id: String,
    /// The row as it is now; `None` if it does not exist any more, or was not requested.
    pub row: Option<ChangeRow>,
}

/// The row of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeRow {
    Category(Arc<CategoryRow>),
    Product(Arc<ProductRow>),
    Order(Arc<OrderRow>),
}

/// Some changes, and how far the log was read for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    pub changes: Vec<Change>,
    /// There is no other change up to here.
    pub position: Position,
}

impl Changes {
    #[must_use]
    pub fn new(log: Arc<dyn EventStore>, database: Database, reads: QueryHandlers) -> Self {
        Self {
            log,
            database,
            reads,
        }
    }

    /// A stream of the changes after `after`, or after the head. Its first batch is empty and has the position at which
    /// it begins.
    ///
    /// # Errors
    /// The position is above the head, or the log cannot be read.
    pub async fn follow(
        &self,
        selection: ChangeSelection,
        after: Option<Position>,
    ) -> Result<ChangeStream, ReadError> {
        let head = self.log.head().await?;
        let after = after.unwrap_or(head);
        if after > head {
            return Err(ReadError::AboveHead { min: after, head });
        }
        let filters = selection.kinds.iter().map(|kind| kind.filter());
        let filter = Filter::union(filters);
        Ok(ChangeStream {
            reader: LogReader::new(Arc::clone(&self.log), filter, MAX_PAGE_SIZE, after),
            checkpoints: self.checkpoints(&selection.kinds),
            source: self.clone(),
            selection,
            pending: VecDeque::new(),
            is_new: true,
        })
    }

    fn checkpoints(&self, kinds: &[ChangeKind]) -> Vec<ProjectionCheckpoint> {
        let mut projections = Vec::new();
        for kind in kinds {
            projections.extend(match kind {
                ChangeKind::CategoryCreated
                | ChangeKind::CategoryUpdated
                | ChangeKind::CategoryDeleted => vec![self.database.version_of::<Categories>()],
                ChangeKind::ProductCreated
                | ChangeKind::ProductUpdated
                | ChangeKind::ProductDeleted
                | ChangeKind::StockUpdated => vec![self.database.version_of::<Products>()],
                // The order's saga is read with it.
                ChangeKind::OrderUpdated => vec![
                    self.database.version_of::<Orders>(),
                    self.database.version_of::<Sagas>(),
                ],
            });
        }
        projections.sort_unstable_by_key(|projection| projection.name);
        projections.dedup();
        let projections = projections.into_iter();
        projections
            .map(|projection| ProjectionCheckpoint::new(projection, &self.database))
            .collect()
    }
}

/// A cursor in the changes. Dropping a call of [`next`](Self::next) loses nothing before it has returned.
#[derive(Debug)]
pub struct ChangeStream {
    source: Changes,
    selection: ChangeSelection,
    reader: LogReader,
    checkpoints: Vec<ProjectionCheckpoint>,
    /// The events read from the log that the rows do not reflect yet.
    pending: VecDeque<Pending>,
    is_new: bool,
}

/// An event that the rows may not reflect yet.
#[derive(Debug)]
struct Pending {
    position: Position,
    /// `None` if this binary cannot read the event. The stream waits for the rows all the same: its projections are
    /// parked there, and a subscriber that resumed after it, at a newer binary, would miss its change.
    change: Option<Change>,
}

impl ChangeStream {
    /// The next changes, as soon as the rows reflect them; an empty batch if the log has grown without any.
    ///
    /// # Errors
    /// A projection is parked, being built, or lags for long; a database fails; the log became shorter.
    pub async fn next(&mut self) -> Result<Batch, ReadError> {
        if std::mem::take(&mut self.is_new) {
            return Ok(self.batch(Vec::new()));
        }
        if self.pending.is_empty() {
            self.read_log().await?;
        }
        let (Some(first), Some(last)) = (self.pending.front(), self.pending.back()) else {
            return Ok(self.batch(Vec::new()));
        };
        let (first, last) = (first.position, last.position);
        let mut reached = last;
        for checkpoint in &mut self.checkpoints {
            let position = checkpoint.reach(first, last, &self.source.database).await?;
            reached = reached.min(position);
        }
        let ready = self
            .pending
            .partition_point(|event| event.position <= reached);
        let readable = self.pending.range(..ready);
        let mut changes: Vec<Change> = readable.filter_map(|event| event.change.clone()).collect();
        if self.selection.with_rows {
            self.read_rows(&mut changes, reached).await?;
        }
        self.pending.drain(..ready);
        Ok(self.batch(changes))
    }

    fn batch(&self, changes: Vec<Change>) -> Batch {
        let before_pending = self.pending.front().map(|next| next.position.0 - 1);
        let position = before_pending.map_or(self.reader.position(), Position);
        Batch { changes, position }
    }

    async fn read_log(&mut self) -> Result<(), ReadError> {
        while timeout(HEAD_CHECK_INTERVAL, self.reader.grown())
            .await
            .is_err()
        {
            let (min, head) = (self.reader.position(), self.source.log.head().await?);
            if head < min {
                // The log was restored from an older copy.
                return Err(ReadError::AboveHead { min, head });
            }
        }
        let page = self.reader.page().await?;
        let entries = page.entries.iter();
        self.pending = entries
            .filter_map(|entry| self.selection.pending(entry))
            .collect();
        Ok(())
    }

    /// Reads each row once, however many changes it has.
    async fn read_rows(&self, changes: &mut [Change], min: Position) -> Result<(), ReadError> {
        let at = ReadOptions {
            min,
            deadline: Instant::now() + ROWS_TIMEOUT,
        };
        let mut rows: HashMap<(Table, String), ChangeRow> = HashMap::new();
        for table in [Table::Categories, Table::Products, Table::Orders] {
            let of_table = changes
                .iter()
                .filter(|change| Table::of(change.kind) == Some(table));
            let mut ids: Vec<&str> = of_table.map(|change| change.id.as_str()).collect();
            ids.sort_unstable();
            ids.dedup();
            if !ids.is_empty() {
                let read = self.source.rows(table, &ids, at).await?;
                rows.extend(read.into_iter().map(|(id, row)| ((table, id), row)));
            }
        }
        for change in changes {
            let key = Table::of(change.kind).map(|table| (table, change.id.clone()));
            change.row = key.and_then(|key| rows.get(&key).cloned());
        }
        Ok(())
    }
}

/// The table that has the rows of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Table {
    Categories,
    Products,
    Orders,
}

impl Table {
    /// `None` for a deletion.
    fn of(kind: ChangeKind) -> Option<Self> {
        match kind {
            ChangeKind::CategoryCreated | ChangeKind::CategoryUpdated => Some(Self::Categories),
            ChangeKind::ProductCreated | ChangeKind::ProductUpdated | ChangeKind::StockUpdated => {
                Some(Self::Products)
            }
            ChangeKind::OrderUpdated => Some(Self::Orders),
            ChangeKind::CategoryDeleted | ChangeKind::ProductDeleted => None,
        }
    }
}

impl Changes {
    async fn rows(
        &self,
        table: Table,
        ids: &[&str],
        at: ReadOptions,
    ) -> Result<Vec<(String, ChangeRow)>, ReadError> {
        Ok(match table {
            Table::Categories => {
                let rows = self.reads.categories.by_ids(ids, at).await?.value;
                let row = |row: Arc<CategoryRow>| (row.id.clone(), ChangeRow::Category(row));
                rows.into_iter().map(row).collect()
            }
            Table::Products => {
                let rows = self.reads.products.by_ids(ids, at).await?.value;
                let row = |row: Arc<ProductRow>| (row.id.clone(), ChangeRow::Product(row));
                rows.into_iter().map(row).collect()
            }
            Table::Orders => {
                let rows = self.reads.orders.by_ids(ids, Scope::All, at).await?.value;
                let row = |row: Arc<OrderRow>| (row.id.clone(), ChangeRow::Order(row));
                rows.into_iter().map(row).collect()
            }
        })
    }
}
