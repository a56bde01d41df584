//! Reads of one table: from its cache if that is new enough, else from the database.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use event_sourcing::{EventStore, Position, StoreError};
use read_model_sql::{Database, ProjectionVersion, Snapshot, TABLE, TableProjection, column_names};
use serde::de::DeserializeOwned;

use super::owner::Owner;
use super::query::Query;
use super::result::Rows;
use super::{ReadBarrier, ReadError, ReadOptions, ReadResult, Row};
use crate::cache::{LoadToken, PageCache, TableCache, follower};
use crate::projections::NamedRow;

/// Rows in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List<R> {
    pub rows: Vec<Arc<R>>,
    /// Whether there are more rows than the limit.
    pub is_truncated: bool,
}

impl<R> List<R> {
    /// Truncates rows that were read with a limit of one more.
    pub(super) fn cut(mut rows: Vec<R>, limit: usize) -> Self {
        let is_truncated = rows.len() > limit;
        rows.truncate(limit);
        Self {
            rows: rows.into_iter().map(Arc::new).collect(),
            is_truncated,
        }
    }
}

/// The capacity of a table's cache. A list has up to 500 rows.
#[derive(Clone, Copy, Debug)]
pub struct CacheCapacity {
    /// Rows cached by key.
    pub rows: usize,
    pub lists: usize,
}

/// One table with its cache.
pub struct TableQueries<P: TableProjection> {
    database: Database,
    version: ProjectionVersion,
    barrier: ReadBarrier,
    columns: String,
    cache: TableCache<P::Row>,
    lists: PageCache<List<P::Row>>,
    counts: PageCache<i64>,
    hits: metrics::Counter,
    misses: metrics::Counter,
}

impl<P: TableProjection> TableQueries<P> {
    /// The queries of table `P`, with a cache of about this size. Only [`ReadModels`](super::models::ReadModels)
    /// calls it.
    pub(super) fn new(database: Database, log: Arc<dyn EventStore>, cached: CacheCapacity) -> Self {
        Self {
            barrier: ReadBarrier::new(database.version_of::<P>(), database.clone(), log),
            version: database.version_of::<P>(),
            database,
            columns: column_names::<P>(),
            cache: TableCache::new(cached.rows),
            lists: PageCache::new(cached.lists),
            counts: PageCache::new(cached.lists),
            hits: request_counter(P::NAME, "hit"),
            misses: request_counter(P::NAME, "miss"),
        }
    }

    /// Keeps the cache consistent until the future is dropped.
    pub(super) async fn follow_log(&self, log: Arc<dyn EventStore>) {
        let checkpoints = self.database.checkpoints().follow(self.version);
        follower::follow::<P>(log, checkpoints, &self.cache).await;
    }

    /// The database of the table.
    pub(super) fn database(&self) -> &Database {
        &self.database
    }

    /// The cached numbers of rows.
    pub(super) fn counts(&self) -> &PageCache<i64> {
        &self.counts
    }

    /// The columns, separated by commas.
    pub(super) fn columns(&self) -> &str {
        &self.columns
    }

    /// A `SELECT` of whole rows; `filter` is the SQL after the table's name.
    pub(super) fn select(&self, filter: &str) -> String {
        format!("SELECT {} FROM {TABLE} {filter}", self.columns)
    }

    /// The row with this id.
    pub(super) async fn by_id(
        &self,
        operation: &'static str,
        id: &str,
        at: ReadOptions,
    ) -> Result<ReadResult<Row<P::Row>>, ReadError> {
        self.by_id_of(operation, id, None, at).await
    }

    /// The row with this id, if it is `owner`'s. Another one's row takes one read of the database, as one that does not exist.
    pub(super) async fn by_id_of(
        &self,
        operation: &'static str,
        id: &str,
        owner: Option<Owner<'_, P::Row>>,
        at: ReadOptions,
    ) -> Result<ReadResult<Row<P::Row>>, ReadError> {
        if let Some(followed) = self.cache.position(at.min)
            && let Some(row) = self.cache.rows.get(id)
            && Owner::has(owner, &row.value)
        {
            self.hits.increment(1);
            return Ok(ReadResult::in_memory(row, followed).map(Some));
        }
        self.misses.increment(1);
        let select = self.select(&format!("WHERE id = $1{}", Owner::condition(owner, "$2")));
        let question = Owner::bind(owner, Query::new(operation, &select).bind(id));
        let read = self.read(at, &question, || self.cache.rows.load_token(id));
        let (snapshot, ticket) = read.await?.into_parts();
        let found = snapshot.map(|rows: Vec<P::Row>| rows.into_iter().next().map(Arc::new));
        if let Some(row) = &found.value {
            self.cache(row, found.position, ticket);
        }
        Ok(found.into())
    }

    /// The existing rows with these ids, unordered; those that are not cached are read in one statement.
    pub(super) async fn unordered(
        &self,
        operation: &'static str,
        ids: &[&str],
        owner: Option<Owner<'_, P::Row>>,
        at: ReadOptions,
    ) -> Result<ReadResult<Rows<P::Row>>, ReadError> {
        loop {
            let generation = self.barrier.generation();
            let followed = self.cache.position(at.min);
            let (cached, missing) = self.cached(ids, owner, followed);
            if followed.is_some() && missing.is_empty() {
                return Ok(cached);
            }
            let is_asked = self.database.engine().is_one_of("id", "$1");
            let is_owned = Owner::condition(owner, "$2");
            let select = self.select(&format!("WHERE {is_asked}{is_owned}"));
            let question = Query::new(operation, &select).bind_list(&missing);
            let question = Owner::bind(owner, question);
            let tickets = || -> Vec<LoadToken> {
                let tickets = missing.iter().map(|id| self.cache.rows.load_token(id));
                tickets.collect()
            };
            let read = self.read(at, &question, tickets).await?;
            if read.generation != generation && !cached.value.is_empty() {
                // The table was rebuilt meanwhile: the cached rows are of the old generation and must not be mixed
                // with new ones.
                continue;
            }
            let (read, tickets) = read.into_parts();
            let tickets: HashMap<&str, LoadToken> = missing.iter().copied().zip(tickets).collect();
            let position = read.position;
            let read =
                ReadResult::from(read.map(|rows: Vec<P::Row>| rows.into_iter().map(Arc::new)));
            return Ok(cached.and(read).map(|(mut rows, read)| {
                for row in read {
                    if let Some(ticket) = tickets.get(P::key(&row)) {
                        self.cache(&row, position, *ticket);
                    }
                    rows.push(row);
                }
                rows
            }));
        }
    }

    fn cache(&self, row: &Arc<P::Row>, position: Position, ticket: LoadToken) {
        let value = Arc::clone(row);
        let snapshot = Snapshot { value, position };
        self.cache.rows.insert(P::key(row), snapshot, ticket);
    }

    /// The cached rows with these ids, if the cache may answer, and the ids that are missing.
    fn cached<'i>(
        &self,
        ids: &[&'i str],
        owner: Option<Owner<'_, P::Row>>,
        followed: Option<Position>,
    ) -> (ReadResult<Rows<P::Row>>, Vec<&'i str>) {
        let mut found = ReadResult {
            value: Vec::with_capacity(ids.len()),
            position: followed.unwrap_or(Position::START),
        };
        let mut missing = Vec::new();
        for id in ids {
            let cached = self.cache.rows.get(id).filter(|_| followed.is_some());
            match cached.filter(|row| Owner::has(owner, &row.value)) {
                Some(row) => {
                    found.position = found.position.max(row.position);
                    found.value.push(row.value);
                }
                None => missing.push(*id),
            }
        }
        self.hits.increment(found.value.len() as u64);
        self.misses.increment(missing.len() as u64);
        (found, missing)
    }

    /// A list of at most `limit` rows. The query must ask for one more, which shows whether the list is truncated.
    pub(super) async fn list(
        &self,
        at: ReadOptions,
        question: Query,
        limit: i64,
    ) -> Result<ReadResult<Arc<List<P::Row>>>, ReadError> {
        let limit = usize::try_from(limit).unwrap_or(0);
        let cut = |rows| List::cut(rows, limit);
        self.page(&self.lists, at, &question, cut).await
    }

    /// A result that depends on the whole table. It is computed from the rows read and cached in `pages` under the
    /// text and the parameters of its query.
    pub(super) async fn page<V, T: DeserializeOwned + Send + 'static>(
        &self,
        pages: &PageCache<V>,
        at: ReadOptions,
        question: &Query,
        make: impl FnOnce(Vec<T>) -> V,
    ) -> Result<ReadResult<Arc<V>>, ReadError> {
        let text = question.statement.fingerprint();
        if let Some(followed) = self.cache.position(at.min)
            && let Some(page) = pages.get(&text, self.cache.version())
        {
            self.hits.increment(1);
            return Ok(ReadResult::in_memory(page, followed));
        }
        self.misses.increment(1);
        let read = self.read(at, question, || self.cache.version()).await?;
        let (snapshot, version) = read.into_parts();
        let page = snapshot.map(|rows| Arc::new(make(rows)));
        pages.insert(text, page.clone(), version);
        Ok(page.into())
    }

    /// A position that the rows have reached, for an answer that needs no rows.
    pub(super) async fn reach(&self, at: ReadOptions) -> Result<Position, ReadError> {
        Ok(self.barrier.reach(at).await?.position)
    }

    /// Reads as soon as the rows have reached `at.min`. `take` returns the cache token and is called before the read,
    /// so that an invalidation during the read is detected. If the table's generation changed in between, the token
    /// may have been taken after the cache was cleared for the new one; token and rows are then read again.
    async fn read<T: DeserializeOwned + Send + 'static, K>(
        &self,
        at: ReadOptions,
        question: &Query,
        take: impl Fn() -> K,
    ) -> Result<LoadedRows<T, K>, ReadError> {
        loop {
            let generation = self.barrier.reach(at).await?.generation;
            let proof = take();
            if self.barrier.generation() != generation {
                continue;
            }
            let snapshot = self.fetch(question, generation).await?;
            if snapshot.position >= at.min {
                return Ok(LoadedRows {
                    snapshot,
                    generation,
                    token: proof,
                });
            }
            // The database lost its latest commits in a crash after the barrier learned its position.
            self.database.checkpoints().refresh(&self.database).await?;
        }
    }

    async fn fetch<T: DeserializeOwned + Send + 'static>(
        &self,
        question: &Query,
        generation: i64,
    ) -> Result<Snapshot<Vec<T>>, StoreError> {
        let of = (self.version, generation);
        let statement = question.statement.clone();
        self.database
            .fetch_snapshot(of, statement, question.order)
            .await
    }
}

impl<P: TableProjection> fmt::Debug for TableQueries<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Table({})", self.version)
    }
}

/// Rows read from the database.
struct LoadedRows<T, K> {
    snapshot: Snapshot<Vec<T>>,
    generation: i64,
    /// The cache token: the rows may be cached unless they were invalidated since it was taken.
    token: K,
}

impl<T, K> LoadedRows<T, K> {
    fn into_parts(self) -> (Snapshot<Vec<T>>, K) {
        (self.snapshot, self.token)
    }
}

impl<P: TableProjection<Row: NamedRow>> TableQueries<P> {
    /// The row with exactly this name; the first by id if there are several.
    pub(super) async fn by_name(
        &self,
        operation: &'static str,
        name: &str,
        at: ReadOptions,
    ) -> Result<ReadResult<Row<P::Row>>, ReadError> {
        let named = self.select("WHERE name = $1");
        let question = Query::ordered(operation, &named, "id", "LIMIT 1").bind(name);
        let found = self.list(at, question, 1).await?;
        Ok(found.map(|list| list.rows.first().cloned()))
    }

    /// The existing rows with these ids, by name.
    pub(super) async fn by_ids(
        &self,
        operation: &'static str,
        ids: &[&str],
        at: ReadOptions,
    ) -> Result<ReadResult<Rows<P::Row>>, ReadError> {
        let mut found = self.unordered(operation, ids, None, at).await?;
        found
            .value
            .sort_unstable_by(|a, b| (a.name(), P::key(a)).cmp(&(b.name(), P::key(b))));
        Ok(found)
    }
}

/// Counts the hits and misses of a table's cache.
fn request_counter(table: &'static str, outcome: &'static str) -> metrics::Counter {
    metrics::counter!("cache_requests_total", "table" => table, "outcome" => outcome)
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
