//! Reading one table: from its cache if that is new enough, else from the database.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;

use event_sourcing::{EventStore, Position, StoreError};
use read_model_sql::{
    Database, ProjectionVersion, Record, Row as Read, Statement, TABLE, TableProjection,
    column_names,
};
use sqlx::AssertSqlSafe;

use super::gate::Reached;
use super::{At, Found, Gate, ReadError, Row};
use crate::cache::{PageCache, TableCache, Ticket, follower};
use crate::projections::NamedRow;

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

/// How much a table's cache holds. A list holds up to 500 rows.
#[derive(Clone, Copy, Debug)]
pub struct Cached {
    /// Rows by their keys.
    pub rows: usize,
    /// Whole lists.
    pub lists: usize,
}

/// One table with its cache.
#[derive(Debug)]
pub struct Table<P: TableProjection> {
    database: Database,
    version: ProjectionVersion,
    gate: Gate,
    columns: String,
    cache: TableCache<P::Row>,
    lists: PageCache<List<P::Row>>,
    hits: metrics::Counter,
    misses: metrics::Counter,
}

impl<P: TableProjection> Table<P> {
    /// The table of `P`, with a cache of about so much.
    #[must_use]
    pub fn new(database: Database, log: Arc<dyn EventStore>, cached: Cached) -> Self {
        Self {
            gate: Gate::new(database.version_of::<P>(), database.clone(), log),
            version: database.version_of::<P>(),
            database,
            columns: column_names::<P>(),
            cache: TableCache::new(cached.rows),
            lists: PageCache::new(cached.lists),
            hits: asked(P::NAME, "hit"),
            misses: asked(P::NAME, "miss"),
        }
    }

    /// Keeps the cache true; drop it to stop.
    pub async fn follow(&self, log: Arc<dyn EventStore>) {
        let checkpoints = self.database.feed().follow(self.version);
        follower::follow::<P>(log, checkpoints, &self.cache).await;
    }

    /// The database behind it.
    pub(super) fn database(&self) -> &Database {
        &self.database
    }

    /// Its columns, separated by commas.
    pub(super) fn columns(&self) -> &str {
        &self.columns
    }

    /// Reads whole rows: those that `rest`, what follows the table's name, is about.
    pub(super) fn select(&self, operation: &'static str, rest: &str) -> Statement {
        let sql = format!("SELECT {} FROM {TABLE} {rest}", self.columns);
        Statement::new(operation, AssertSqlSafe(sql))
    }

    /// The row of an id.
    pub(super) async fn by_id(
        &self,
        operation: &'static str,
        id: &str,
        at: At,
    ) -> Result<Found<Row<P::Row>>, ReadError> {
        if let Some(position) = self.cache.position(at.min)
            && let Some(row) = self.cache.rows.get(id)
        {
            self.hits.increment(1);
            return Ok(Found {
                value: Some(row),
                position,
            });
        }
        self.misses.increment(1);
        let (reached, ticket) = self.start(at, || self.cache.rows.ticket(id)).await?;
        let statement = self.select(operation, "WHERE id = $1").bind(id);
        let row = unwrapped(self.fetch(statement, reached).await?);
        let value = row.into_iter().next().map(Arc::new);
        if let Some(row) = &value {
            self.cache.rows.insert(id, Arc::clone(row), ticket);
        }
        Ok(Found {
            value,
            position: reached.position,
        })
    }

    /// The rows of these ids that exist; what the cache lacks is read in one statement.
    pub(super) async fn unordered(
        &self,
        operation: &'static str,
        ids: &[&str],
        at: At,
    ) -> Result<Found<Vec<Arc<P::Row>>>, ReadError> {
        loop {
            let generation = self.gate.generation();
            let cached_at = self.cache.position(at.min);
            let (mut found, missing) = self.cached(ids, cached_at.is_some());
            if let (Some(position), true) = (cached_at, missing.is_empty()) {
                return Ok(Found {
                    value: found,
                    position,
                });
            }
            let take = || -> Vec<Ticket> {
                let tickets = missing.iter().map(|id| self.cache.rows.ticket(id));
                tickets.collect()
            };
            let (reached, tickets) = self.start(at, take).await?;
            if reached.generation != generation && !found.is_empty() {
                // What the cache had is of a table that was built anew meanwhile.
                continue;
            }
            let tickets: HashMap<&str, Ticket> = missing.iter().copied().zip(tickets).collect();
            let is_asked = self.database.engine().is_one_of("id", "$1");
            let statement = self
                .select(operation, &format!("WHERE {is_asked}"))
                .bind_list(&missing);
            let read = unwrapped(self.fetch(statement, reached).await?);
            for row in read.into_iter().map(Arc::new) {
                if let Some(ticket) = tickets.get(P::key(&row)) {
                    self.cache
                        .rows
                        .insert(P::key(&row), Arc::clone(&row), *ticket);
                }
                found.push(row);
            }
            return Ok(Found {
                value: found,
                position: cached_at.map_or(reached.position, |cached| cached.min(reached.position)),
            });
        }
    }

    /// The rows of these ids that the cache has, if it may answer, and the ids of the others.
    fn cached<'i>(&self, ids: &[&'i str], may_answer: bool) -> (Vec<Arc<P::Row>>, Vec<&'i str>) {
        let mut found = Vec::with_capacity(ids.len());
        let mut missing = Vec::new();
        for id in ids {
            match self.cache.rows.get(id).filter(|_| may_answer) {
                Some(row) => found.push(row),
                None => missing.push(*id),
            }
        }
        self.hits.increment(found.len() as u64);
        self.misses.increment(missing.len() as u64);
        (found, missing)
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
            Ok(List::cut(unwrapped(rows), limit))
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
        let (reached, version) = self.start(at, || self.cache.version()).await?;
        let statement = statement.on_table(&self.version.table(reached.generation));
        let value = Arc::new(read(statement).await?);
        pages.insert(question, Arc::clone(&value), version);
        Ok(Found {
            value,
            position: reached.position,
        })
    }

    /// The first row of a statement about the table, which is not kept.
    pub(super) async fn first<T: Record>(
        &self,
        at: At,
        statement: Statement,
    ) -> Result<Found<Option<T>>, ReadError> {
        let reached = self.gate.reach(at).await?;
        let rows = self.fetch(statement, reached).await?;
        Ok(Found {
            value: rows.into_iter().next(),
            position: reached.position,
        })
    }

    /// A position that the rows have reached, for an answer that needs none of them.
    pub(super) async fn reach(&self, at: At) -> Result<Position, ReadError> {
        Ok(self.gate.reach(at).await?.position)
    }

    /// Waits until the rows may be read, and takes what proves that what is read may be kept. If the table changed in
    /// between, the proof may be from after the cache was cleared of it, and both are taken again.
    async fn start<T>(&self, at: At, take: impl Fn() -> T) -> Result<(Reached, T), ReadError> {
        loop {
            let reached = self.gate.reach(at).await?;
            let taken = take();
            if self.gate.generation() == reached.generation {
                return Ok((reached, taken));
            }
        }
    }

    async fn fetch<T: Record>(
        &self,
        statement: Statement,
        reached: Reached,
    ) -> Result<Vec<T>, StoreError> {
        let table = self.version.table(reached.generation);
        self.database.fetch_all(statement.on_table(&table)).await
    }
}

impl<P: TableProjection<Row: NamedRow>> Table<P> {
    /// The first row by id of those with this very name.
    pub(super) async fn by_name(
        &self,
        operation: &'static str,
        name: &str,
        at: At,
    ) -> Result<Found<Row<P::Row>>, ReadError> {
        let statement = self
            .select(operation, "WHERE name = $1 ORDER BY id LIMIT 1")
            .bind(name);
        let found = self.list(at, statement, 1).await?;
        Ok(found.map(|list| list.rows.first().cloned()))
    }

    /// The rows of these ids that exist, by name.
    pub(super) async fn by_ids(
        &self,
        operation: &'static str,
        ids: &[&str],
        at: At,
    ) -> Result<Found<Vec<Arc<P::Row>>>, ReadError> {
        let mut found = self.unordered(operation, ids, at).await?;
        found
            .value
            .sort_unstable_by(|a, b| (a.name(), P::key(a)).cmp(&(b.name(), P::key(b))));
        Ok(found)
    }
}

fn unwrapped<T>(rows: Vec<Read<T>>) -> Vec<T> {
    rows.into_iter().map(|Read(row)| row).collect()
}

/// Counts what was asked of a table's cache.
fn asked(table: &'static str, outcome: &'static str) -> metrics::Counter {
    metrics::counter!("cache_requests_total", "table" => table, "outcome" => outcome)
}
