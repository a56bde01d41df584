//! Readers see a new checkpoint, in the process that wrote it and in others.

use std::time::Duration;

use event_sourcing::projection::{PageWrite, Parked, ProjectionStore};
use event_sourcing::{Position, Token};
use read_model_sql::{Checkpoint, Database, SqlProjectionStore};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::support::{Counters, Fresh, mark};

const TIMEOUT: Duration = Duration::from_secs(20);

async fn store(database: &Database) -> SqlProjectionStore<Counters> {
    let store = SqlProjectionStore::open(database.clone())
        .await
        .expect("a generation");
    store.begin(Token(1)).await.expect("started").expect("ours");
    store
}

async fn write(
    store: &SqlProjectionStore<Counters>,
    from: u64,
    read_up_to: u64,
    parked: Option<u64>,
) {
    let page = PageWrite {
        token: Token(1),
        from: Position(from),
        read_up_to: Position(read_up_to),
        mark: mark(read_up_to),
        caught_up: true,
        changes: Vec::new(),
        parked: parked.map(|position| Parked {
            position: Position(position),
            reason: "unreadable".to_owned(),
        }),
    };
    assert!(store.write(page).await.expect("written"));
}

async fn wait(
    checkpoint: &mut watch::Receiver<Checkpoint>,
    until: impl FnMut(&Checkpoint) -> bool,
) -> Checkpoint {
    tokio::time::timeout(TIMEOUT, checkpoint.wait_for(until))
        .await
        .expect("in time")
        .expect("a running watcher")
        .clone()
}

#[tokio::test]
async fn a_reader_in_the_writing_process_sees_a_checkpoint_immediately() {
    for fresh in Fresh::both().await {
        let database = fresh.open().await;
        let store = store(&database).await;
        let checkpoint = database
            .checkpoints()
            .follow(database.version_of::<Counters>());
        assert_eq!(checkpoint.borrow().as_of, None);
        database
            .checkpoints()
            .refresh(&database)
            .await
            .expect("read");
        assert!(checkpoint.borrow().is_fresh(TIMEOUT));
        write(&store, 0, 5, None).await;
        assert_eq!(checkpoint.borrow().position, Position(5));
    }
}

#[tokio::test]
async fn a_reader_in_another_process_is_notified() {
    let fresh = Fresh::postgres().await;
    let store = store(&fresh.open().await).await;
    let reader = fresh.open().await;
    let mut checkpoint = reader.checkpoints().follow(reader.version_of::<Counters>());
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    let (running, stopped) = (reader.clone(), stop.clone());
    tasks.spawn(async move {
        stopped
            .run_until_cancelled(running.checkpoints().run(&running))
            .await
    });
    wait(&mut checkpoint, |known| known.generation == 1).await;
    write(&store, 0, 5, None).await;
    let known = wait(&mut checkpoint, |known| known.position == Position(5)).await;
    assert_eq!(known.parked, None);
    write(&store, 5, 7, Some(8)).await;
    let known = wait(&mut checkpoint, |known| known.parked.is_some()).await;
    assert_eq!(known.position, Position(7));
    stop.cancel();
    tasks.close();
    tasks.wait().await;
}

#[tokio::test]
async fn a_checkpoint_is_confirmed_repeatedly_without_changes() {
    for fresh in Fresh::both().await {
        let database = fresh.open().await;
        store(&database).await;
        let mut checkpoint = database
            .checkpoints()
            .follow(database.version_of::<Counters>());
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let (running, stopped) = (database.clone(), stop.clone());
        tasks.spawn(async move {
            stopped
                .run_until_cancelled(running.checkpoints().run(&running))
                .await
        });
        let first = wait(&mut checkpoint, |known| known.as_of.is_some()).await;
        let next = wait(&mut checkpoint, |known| known.as_of > first.as_of).await;
        assert_eq!(next.position, first.position);
        stop.cancel();
        tasks.close();
        tasks.wait().await;
    }
}
