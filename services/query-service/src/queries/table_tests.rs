//! An answer contains nothing newer than its position, even if rows are written while it is read.

use std::time::Duration;

use event_sourcing::memory::MemoryEventStore;
use event_sourcing::projection::{PageWrite, ProjectionStore};
use event_sourcing::{LogId, LogMark, SystemClock, Token};
use read_model_sql::{Checkpoint, SqlProjectionStore, Statement};
use tempfile::TempDir;
use test_postgres::TestDatabase;
use tokio::runtime::Handle;
use tokio::task::block_in_place;
use tokio::time::Instant;
use uuid::Uuid;

use super::*;
use crate::projections::{ProductRow, Products};

const LIMIT: Duration = Duration::from_secs(30);

/// A table of products, with a store to write its rows.
struct TestTable {
    database: Database,
    rows: SqlProjectionStore<Products>,
    table: TableQueries<Products>,
    _folder: Option<TempDir>,
    _server: Option<TestDatabase>,
}

impl TestTable {
    /// A table on each engine, at position 0.
    async fn both() -> [Self; 2] {
        let folder = TempDir::new().expect("a folder");
        let file = format!("sqlite://{}", folder.path().join("query.db").display());
        let server = test_postgres::database().await;
        let url = server.url.clone();
        [
            Self::open(&file, Some(folder), None).await,
            Self::open(&url, None, Some(server)).await,
        ]
    }

    async fn open(url: &str, folder: Option<TempDir>, server: Option<TestDatabase>) -> Self {
        let database = Database::open(url, 2, Arc::new(SystemClock)).await;
        let database = database.expect("a database");
        let rows = SqlProjectionStore::open(database.clone()).await;
        let rows = rows.expect("a generation");
        rows.begin(Token(1)).await.expect("started").expect("ours");
        let log = Arc::new(MemoryEventStore::new(Arc::new(SystemClock)));
        let cached = CacheCapacity { rows: 10, lists: 8 };
        let stage = Self {
            table: TableQueries::new(database.clone(), log, cached),
            database,
            rows,
            _folder: folder,
            _server: server,
        };
        stage.fold(0, 0, Vec::new()).await;
        stage
    }

    /// Writes a page of changes, as a runner does.
    async fn fold(&self, from: u64, read_up_to: u64, changes: Vec<(&str, Option<ProductRow>)>) {
        let read_up_to = Position(read_up_to);
        let page = PageWrite {
            token: Token(1),
            from: Position(from),
            read_up_to,
            mark: LogMark {
                log: LogId(Uuid::from_u128(1)),
                position: read_up_to,
                event: Some(Uuid::from_u128(read_up_to.0.into())),
            },
            caught_up: true,
            changes: changes
                .into_iter()
                .map(|(key, row)| (key.to_owned(), row))
                .collect(),
            parked: None,
        };
        assert!(self.rows.write(page).await.expect("written"));
    }

    /// Makes the cache answer as if its follower had processed the log up to `position`.
    fn follow(&self, position: u64) {
        let mut checkpoint = Checkpoint::default();
        checkpoint.generation = self.table.barrier.generation();
        checkpoint.position = Position(position);
        // The confirmation must not expire while the test runs.
        checkpoint.as_of = Some(Instant::now() + LIMIT);
        self.table.cache.publish(Position(position), &checkpoint);
    }
}

fn row(id: &str, name: &str) -> ProductRow {
    ProductRow {
        id: id.to_owned(),
        name: name.to_owned(),
        name_key: name.to_owned(),
        description: None,
        price_cents: 1,
        category_id: None,
        on_hand: 0,
        reserved: 0,
        version: 1,
        created_at: 0,
        updated_at: 0,
    }
}

fn written(id: &'static str, name: &str) -> Vec<(&'static str, Option<ProductRow>)> {
    vec![(id, Some(row(id, name)))]
}

fn at(min: u64) -> ReadOptions {
    ReadOptions {
        min: Position(min),
        deadline: Instant::now() + LIMIT,
    }
}

fn wait_for<T>(future: impl Future<Output = T>) -> T {
    block_in_place(|| Handle::current().block_on(future))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_between_the_barrier_and_the_read_moves_the_position() {
    for stage in TestTable::both().await {
        let table = &stage.table;
        let question = Query::new("read", &table.select("WHERE id = $1")).bind("p");
        let write = || wait_for(stage.fold(0, 5, written("p", "new")));
        let read = table.read::<ProductRow, _>(at(0), &question, write);
        let snapshot = read.await.expect("read").snapshot;
        assert_eq!(snapshot.position, Position(5));
        assert_eq!(snapshot.value, [row("p", "new")]);

        let delete = || wait_for(stage.fold(5, 9, vec![("p", None)]));
        let read = table.read::<ProductRow, _>(at(0), &question, delete);
        let snapshot = read.await.expect("read").snapshot;
        assert_eq!(
            snapshot.position,
            Position(9),
            "also for an answer without rows"
        );
        assert_eq!(snapshot.value, []);
    }
}

#[tokio::test]
async fn a_cached_row_is_not_older_than_the_position_it_was_read_at() {
    for stage in TestTable::both().await {
        let table = &stage.table;
        stage.follow(0);
        stage.fold(0, 5, written("p", "new")).await;
        let read = async || {
            let row = table.by_id("read", "p", at(0)).await.expect("read");
            assert_eq!(row.value.as_deref(), Some(&self::row("p", "new")));
            let batch = table
                .unordered("read", &["p"], None, at(0))
                .await
                .expect("read");
            let list = table.by_name("read", "new", at(0)).await.expect("read");
            [row.position, batch.position, list.position]
        };
        assert_eq!(read().await, [Position(5); 3], "from the database");
        // From here on only the cache can answer.
        stage.database.close().await;
        assert_eq!(read().await, [Position(5); 3], "the follower is at 0");
        stage.follow(3);
        assert_eq!(read().await, [Position(5); 3], "the follower is at 3");
        stage.follow(9);
        assert_eq!(read().await, [Position(9); 3], "nothing changed up to 9");
    }
}

#[tokio::test]
async fn a_partly_cached_batch_carries_the_position_of_its_newest_part() {
    for stage in TestTable::both().await {
        let table = &stage.table;
        stage.follow(0);
        stage.fold(0, 5, written("p", "old")).await;
        let one = table.by_id("read", "p", at(0)).await.expect("read");
        assert_eq!(one.position, Position(5));
        stage.fold(5, 7, written("q", "new")).await;
        let batch = table.unordered("read", &["p", "q"], None, at(0)).await;
        let batch = batch.expect("read");
        assert_eq!(batch.position, Position(7));
        assert_eq!(batch.value.len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_waits_again_for_rows_that_the_database_lost_after_the_barrier() {
    for stage in TestTable::both().await {
        stage.fold(0, 5, written("p", "new")).await;
        let question = Query::new("read", &stage.table.select(""));
        let lose = || {
            wait_for(async {
                let sql = "UPDATE read_model_generations SET position = 3";
                let mut transaction = stage.database.begin().await.expect("started");
                let lost = transaction
                    .execute(Statement::new("lose the end", sql))
                    .await;
                assert_eq!(lost.expect("lost"), 1);
                transaction.commit("lose the end").await.expect("committed");
            });
        };
        let read = stage.table.read::<ProductRow, _>(at(5), &question, lose);
        // The log of this test is empty, so the position cannot be reached.
        let error = read.await.err().expect("not answered from position 3");
        assert!(matches!(error, ReadError::AboveHead { .. }), "{error}");
    }
}
