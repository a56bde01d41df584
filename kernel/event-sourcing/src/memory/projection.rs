//! Rows of a projection in memory.

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use parking_lot::Mutex;

use crate::id::Position;
use crate::lease::Token;

use crate::projection::{PageWrite, Projection, ProjectionProgress, ProjectionStore};
use crate::store::StoreError;

/// Stores the rows of one projection in memory, for tests and examples. They are not persisted, so each process folds
/// the whole log.
pub struct MemoryProjectionStore<P: Projection>(Mutex<Table<P::Row>>);

struct Table<R> {
    rows: BTreeMap<String, R>,
    progress: ProjectionProgress,
    token: Option<Token>,
}

impl<P: Projection> Default for MemoryProjectionStore<P> {
    fn default() -> Self {
        Self(Mutex::new(Table {
            rows: BTreeMap::new(),
            progress: ProjectionProgress::default(),
            token: None,
        }))
    }
}

impl<P: Projection> fmt::Debug for MemoryProjectionStore<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = self.0.lock();
        f.debug_struct("MemoryProjectionStore")
            .field("projection", &P::NAME)
            .field("rows", &table.rows.len())
            .field("progress", &table.progress)
            .finish()
    }
}

impl<P: Projection> MemoryProjectionStore<P> {
    /// The row of a key, if there is one.
    #[must_use]
    pub fn row(&self, key: &str) -> Option<P::Row> {
        self.0.lock().rows.get(key).cloned()
    }

    /// All rows, by key.
    #[must_use]
    pub fn rows(&self) -> BTreeMap<String, P::Row> {
        self.0.lock().rows.clone()
    }

    /// The checkpoint.
    #[must_use]
    pub fn position(&self) -> Position {
        self.0.lock().progress.position
    }
}

#[async_trait]
impl<P: Projection> ProjectionStore<P> for MemoryProjectionStore<P> {
    async fn begin(&self, token: Token) -> Result<Option<ProjectionProgress>, StoreError> {
        let mut table = self.0.lock();
        if table.token.is_some_and(|present| present > token) {
            return Ok(None);
        }
        table.token = Some(token);
        Ok(Some(table.progress.clone()))
    }

    async fn restart(&self, token: Token) -> Result<Option<ProjectionProgress>, StoreError> {
        let mut table = self.0.lock();
        if table.token != Some(token) {
            return Ok(None);
        }
        table.rows.clear();
        table.progress = ProjectionProgress::default();
        Ok(Some(table.progress.clone()))
    }

    async fn progress(&self) -> Result<ProjectionProgress, StoreError> {
        Ok(self.0.lock().progress.clone())
    }

    async fn load(&self, keys: &[String]) -> Result<Vec<(String, P::Row)>, StoreError> {
        let table = self.0.lock();
        let rows = keys.iter().filter_map(|key| table.rows.get_key_value(key));
        Ok(rows.map(|(key, row)| (key.clone(), row.clone())).collect())
    }

    async fn write(&self, page: PageWrite<P::Row>) -> Result<bool, StoreError> {
        let mut table = self.0.lock();
        if table.progress.position != page.from || table.token != Some(page.token) {
            return Ok(false);
        }
        for (key, row) in page.changes {
            match row {
                Some(row) => table.rows.insert(key, row),
                None => table.rows.remove(&key),
            };
        }
        table.progress = ProjectionProgress {
            position: page.read_up_to,
            mark: Some(page.mark),
            caught_up: page.caught_up,
            parked: page.parked,
        };
        Ok(true)
    }
}
