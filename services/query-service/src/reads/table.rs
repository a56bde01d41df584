//! Reading one table: from its cache if that is new enough, else from the database.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;

use event_sourcing::{EventStore, Position, StoreError};
use read_model_sql::{Database, Statement, TableProjection, TableRow};

use super::{At, Found, Gate, ReadError, Row};
use crate::cache::{PageCache, TableCache, follower};

/// Rows in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List<R> {
    /// The rows.
    pub rows: Vec<Arc<R>>,
    /// Whether rows were left out at the limit.
    pub is_truncated: bool,
}

impl<R> List<R> {
    /// Cuts what was read with one row more than wanted.
    pub(super) fn cut(mut rows: Vec<R>, limit: usize) -> Self {
        let is_truncated = rows.len() > limit;
        rows.truncate(limit);
        Self {
            rows: rows.into_iter().map(Arc::new).collect(),
            is_truncated,
        }
    }
}

/// One table with its cache.
#[derive(Debug)]
pub struct Table<P: TableProjection> {
    database: Database,
    gate: Gate,
    cache: TableCache<P::Row>,
    lists: PageCache<List<P::Row>>,
    hits: metrics::Counter,
    misses: metrics::Counter,
}

impl<P: TableProjection> Table<P> {
    /// The table of `P`, with a cache of about `capacity` rows.
    #[must_use]
    pub fn new(database: Database, log: Arc<dyn EventStore>, capacity: usize) -> Self {
        Self {
            gate: Gate::new(P::NAME, database.clone(), log),
            database,
            cache: TableCache::new(capacity),
            lists: PageCache::default(),
            hits: asked(P::NAME, "hit"),
            misses: asked(P::NAME, "miss"),
        }
    }

    /// Keeps the cache true; drop it to stop.
    pub async fn follow(&self, projection: P, log: Arc<dyn EventStore>) {
        follower::follow(projection, log, self.database.feed(), &self.cache).await;
    }

    /// The database behind it.
    pub(super) fn database(&self) -> &Database {
        &self.database
    }

    /// The row of a key.
    pub(super) async fn row(
        &self,
        key: &str,
        at: At,
        select: impl FnOnce() -> Statement,
    ) -> Result<Found<Row<P::Row>>, ReadError> {
        if let Some(position) = self.cache.position(at.min)
            && let Some(row) = self.cache.rows.get(key)
        {
            self.hits.increment(1);
            return Ok(Found {
                value: Some(row),
                position,
            });
        }
        self.misses.increment(1);
        let position = self.gate.reach(at).await?;
        let ticket = self.cache.rows.ticket(key);
        let row: Option<P::Row> = self.database.fetch_optional(select()).await?;
        let value = row.map(Arc::new);
        if let Some(row) = &value {
            self.cache.rows.insert(key, Arc::clone(row), ticket);
        }
        Ok(Found { value, position })
    }

    /// The rows of these keys that exist, in no particular order; what the cache lacks is read in one statement.
    pub(super) async fn rows(
        &self,
        keys: &[&str],
        at: At,
        select: impl FnOnce(&[&str]) -> Statement,
    ) -> Result<Found<Vec<Arc<P::Row>>>, ReadError> {
        let cached_at = self.cache.position(at.min);
        let mut found = Vec::with_capacity(keys.len());
        let mut missing = Vec::new();
        for key in keys {
            match cached_at.and_then(|_| self.cache.rows.get(key)) {
                Some(row) => found.push(row),
                None => missing.push(*key),
            }
        }
        self.hits.increment(found.len() as u64);
        self.misses.increment(missing.len() as u64);
        if let (Some(position), true) = (cached_at, missing.is_empty()) {
            return Ok(Found {
                value: found,
                position,
            });
        }
        let reached = self.gate.reach(at).await?;
        let tickets: HashMap<&str, _> = missing
            .iter()
            .map(|key| (*key, self.cache.rows.ticket(key)))
            .collect();
        let read: Vec<P::Row> = self.database.fetch_all(select(&missing)).await?;
        for row in read.into_iter().map(Arc::new) {
            if let Some(ticket) = tickets.get(row.key()) {
                self.cache.rows.insert(row.key(), Arc::clone(&row), *ticket);
            }
            found.push(row);
        }
        Ok(Found {
            value: found,
            position: cached_at.map_or(reached, |cached| cached.min(reached)),
        })
    }

    /// A list; `limit` rows of it, if the statement asks for one more.
    pub(super) async fn list(
        &self,
        at: At,
        statement: Statement,
        limit: i64,
    ) -> Result<Found<Arc<List<P::Row>>>, ReadError> {
        let limit = usize::try_from(limit).unwrap_or(0);
        self.page(&self.lists, at, statement, |statement| async move {
            let rows = self.database.fetch_all(statement).await?;
            Ok(List::cut(rows, limit))
        })
        .await
    }

    /// Any answer about the whole table, kept in `pages` under the statement's text and parameters.
    pub(super) async fn page<V, F>(
        &self,
        pages: &PageCache<V>,
        at: At,
        statement: Statement,
        read: impl FnOnce(Statement) -> F,
    ) -> Result<Found<Arc<V>>, ReadError>
    where
        F: Future<Output = Result<V, StoreError>>,
    {
        let question = statement.fingerprint();
        if let Some(position) = self.cache.position(at.min)
            && let Some(value) = pages.get(&question, self.cache.version())
        {
            self.hits.increment(1);
            return Ok(Found { value, position });
        }
        self.misses.increment(1);
        let position = self.gate.reach(at).await?;
        let version = self.cache.version();
        let value = Arc::new(read(statement).await?);
        pages.insert(question, Arc::clone(&value), version);
        Ok(Found { value, position })
    }

    /// A position that the rows have reached, for a read that is not kept.
    pub(super) async fn reach(&self, at: At) -> Result<Position, ReadError> {
        self.gate.reach(at).await
    }
}

/// Counts what was asked of a table's cache.
fn asked(table: &'static str, outcome: &'static str) -> metrics::Counter {
    metrics::counter!("cache_requests_total", "table" => table, "outcome" => outcome)
}
