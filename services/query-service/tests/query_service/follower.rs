//! The follower publishes a position only after it has invalidated the older rows.

use std::sync::Arc;

use event_sourcing::projection::{PageWrite, ProjectionStore};
use event_sourcing::{LogId, LogMark, Position, SystemClock, Token};
use query_service::cache::{TableCache, follower};
use query_service::projections::{ProductRow, Products};
use query_service::queries::{ReadBarrier, ReadOptions};
use read_model_sql::{Database, Snapshot, SqlProjectionStore};
use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

use crate::gated::Gated;
use crate::support::{LIMIT, TestService, product};

fn row() -> Snapshot<Arc<ProductRow>> {
    let row = ProductRow {
        id: "p".to_owned(),
        name: "old".to_owned(),
        name_key: "old".to_owned(),
        description: None,
        price_cents: 1,
        category_id: None,
        on_hand: 0,
        reserved: 0,
        version: 1,
        created_at: 0,
        updated_at: 0,
    };
    Snapshot {
        value: Arc::new(row),
        position: Position(0),
    }
}

/// A page of the only runner, after which the rows have reached the head.
fn page(from: u64, read_up_to: u64) -> PageWrite<ProductRow> {
    PageWrite {
        token: Token(1),
        from: Position(from),
        read_up_to: Position(read_up_to),
        mark: LogMark {
            log: LogId(Uuid::from_u128(1)),
            position: Position(read_up_to),
            event: Some(Uuid::from_u128(read_up_to.into())),
        },
        caught_up: true,
        changes: Vec::new(),
        parked: None,
    }
}

async fn until(what: &str, fact: impl Fn() -> bool) {
    let holds = async {
        while !fact() {
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(LIMIT, holds).await;
    assert!(waited.is_ok(), "{what}");
}

#[tokio::test]
async fn the_position_is_published_after_the_invalidation() {
    let world = TestService::sqlite();
    let database = Database::open(&world.url, 1, Arc::new(SystemClock))
        .await
        .expect("a database");
    let store = SqlProjectionStore::<Products>::open(database.clone())
        .await
        .expect("a generation");
    store.begin(Token(1)).await.expect("started").expect("ours");
    assert!(store.write(page(0, 0)).await.expect("written"));
    let log = Arc::new(Gated::new(Arc::clone(&world.log)));
    let cache = Arc::new(TableCache::<ProductRow>::new(100));
    let mut tasks = JoinSet::new();
    let (feed, followed, following) = (database.clone(), database.clone(), Arc::clone(&cache));
    tasks.spawn(async move { feed.checkpoints().run(&feed).await });
    let gated = Arc::clone(&log);
    tasks.spawn(async move {
        let checkpoints = followed
            .checkpoints()
            .follow(followed.version_of::<Products>());
        follower::follow::<Products>(gated, checkpoints, &following).await;
    });
    until("confirmed at the start", || {
        cache.position(Position(0)).is_some()
    })
    .await;
    cache.rows.insert("p", row(), cache.rows.load_token("p"));
    let version = cache.version();

    let head = Position(world.append(vec![product("p", "new", "1", None)]).await);
    assert!(store.write(page(0, head.0)).await.expect("written"));
    until("the follower reads", || *log.asked.borrow() > 0).await;
    assert_eq!(cache.position(head), None, "nothing is invalidated yet");
    assert!(cache.rows.get("p").is_some());

    log.open.add_permits(1);
    until("the cache has followed", || cache.position(head).is_some()).await;
    assert!(cache.rows.get("p").is_none());
    assert!(cache.version() > version, "pages are invalidated too");

    tasks.shutdown().await;
    until("a cache without confirmation answers nothing", || {
        cache.position(Position(0)).is_none()
    })
    .await;
    database.close().await;
}

#[tokio::test]
async fn a_position_without_recent_confirmation_is_read_again() {
    let world = TestService::sqlite();
    let open = async || {
        Database::open(&world.url, 1, Arc::new(SystemClock))
            .await
            .expect("a database")
    };
    let (writer, reader) = (open().await, open().await);
    let store = SqlProjectionStore::<Products>::open(writer.clone())
        .await
        .expect("a generation");
    store.begin(Token(1)).await.expect("started").expect("ours");
    assert!(store.write(page(0, 0)).await.expect("written"));
    let version = reader.version_of::<Products>();
    let gate = ReadBarrier::new(version, reader.clone(), world.log.clone());
    let at = ReadOptions {
        min: Position(0),
        deadline: Instant::now() + LIMIT,
    };
    let reach = async || gate.reach(at).await.expect("reached").position;
    assert_eq!(reach().await, Position(0));
    assert!(store.write(page(0, 5)).await.expect("written"));
    // Without polling and notifications only another read detects the new position.
    while reach().await < Position(5) {
        assert!(Instant::now() < at.deadline, "it was never read again");
        tokio::task::yield_now().await;
    }
    writer.close().await;
    reader.close().await;
}
