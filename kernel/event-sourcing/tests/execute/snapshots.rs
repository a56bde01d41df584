//! Snapshots.

use std::sync::Arc;

use event_sourcing::testing::at;
use event_sourcing::{
    Aggregate, EventStore, Executor, ExecutorConfig, Snapshot, SystemClock, Version,
};

use uuid::Uuid;

use super::support::{Account, context, deposit, executor, memory};

async fn account_with_250_events(store: &Arc<dyn EventStore>) {
    let (executor, tasks) = executor(store);
    for _ in 0..250 {
        executor
            .execute(&deposit("a", 1), &context())
            .await
            .unwrap();
    }
    drop(executor);
    tasks.finished().await;
}

/// A wrong state, marked with an event: it shows whether a snapshot was used.
fn wrong_state(event_id: Uuid) -> String {
    format!(r#"{{"event_id":"{event_id}","state":{{"cents":1000,"closed":false}}}}"#)
}

async fn event_at(store: &Arc<dyn EventStore>, version: u64) -> Uuid {
    let stream = Account::stream("a");
    let page = store.read_stream(&stream, Version(version - 1), 1).await;
    page.unwrap().events[0].event_id
}

async fn stored_version(store: &Arc<dyn EventStore>) -> Option<Version> {
    let stored = store.load_snapshot(&Account::stream("a"), 1).await.unwrap();
    stored.map(|stored| stored.version)
}

#[tokio::test]
async fn a_snapshot_is_taken_every_hundred_events_and_loading_starts_there() {
    let store = memory();
    account_with_250_events(&store).await;
    let snapshot = store
        .load_snapshot(&Account::stream("a"), 1)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(snapshot.version, Version(200));
    // The events below it are not read: a wrong snapshot is visible in the result.
    let lie = Snapshot {
        version: Version(249),
        state: wrong_state(event_at(&store, 249).await),
        ..snapshot
    };
    store.save_snapshot(&lie).await.unwrap();
    let (executor, _tasks) = executor(&store);
    let (account, version) = executor.load::<Account>("a").await.unwrap();
    assert_eq!((account.cents, version), (1_001, Version(250)));
}

#[tokio::test]
async fn a_missing_or_unreadable_snapshot_does_not_change_the_state() {
    let store = memory();
    account_with_250_events(&store).await;
    let other_schema = Snapshot {
        stream: Account::stream("a"),
        version: Version(250),
        schema_version: 2,
        state: "{}".to_owned(),
        created_at: at(0),
    };
    store.save_snapshot(&other_schema).await.unwrap();
    let unreadable = Snapshot {
        schema_version: 1,
        state: "[]".to_owned(),
        ..other_schema
    };
    store.save_snapshot(&unreadable).await.unwrap();
    let (executor, _tasks) = executor(&store);
    let (account, version) = executor.load::<Account>("a").await.unwrap();
    assert_eq!((account.cents, version), (250, Version(250)));
}

/// As after a restore: the snapshot contains events that the stream does not have.
#[tokio::test]
async fn a_snapshot_of_other_events_is_ignored_and_replaced() {
    for (version, event_id) in [(900, Uuid::nil()), (249, Uuid::nil()), (200, Uuid::nil())] {
        let store = memory();
        account_with_250_events(&store).await;
        let stored = store.load_snapshot(&Account::stream("a"), 1).await.unwrap();
        let stored = stored.unwrap();
        store
            .remove_snapshot(&stored.stream, stored.schema_version, stored.version)
            .await
            .unwrap();
        let foreign = Snapshot {
            version: Version(version),
            state: wrong_state(event_id),
            ..stored
        };
        store.save_snapshot(&foreign).await.unwrap();
        let (executor, tasks) = executor(&store);
        let (account, loaded) = executor.load::<Account>("a").await.unwrap();
        assert_eq!((account.cents, loaded), (250, Version(250)), "{version}");
        // The stream is not blocked.
        let done = executor.execute(&deposit("a", 1), &context()).await;
        assert_eq!(done.unwrap().reply, (251, Version(251)), "{version}");
        drop(executor);
        tasks.finished().await;
        assert_eq!(
            stored_version(&store).await,
            Some(Version(250)),
            "{version}"
        );
    }
}

#[tokio::test]
async fn a_repeat_of_a_command_below_the_snapshot_returns_its_first_reply() {
    let store = memory();
    let (executor, _tasks) = executor(&store);
    let first = context();
    executor.execute(&deposit("a", 1), &first).await.unwrap();
    account_with_250_events(&store).await;
    let again = executor.execute(&deposit("a", 1), &first).await.unwrap();
    assert_eq!(again.reply, (1, Version(1)));
}

#[tokio::test]
async fn a_long_stream_without_a_snapshot_gets_one_when_it_is_loaded() {
    let store = memory();
    let config = ExecutorConfig {
        snapshot_every: 1_000,
        ..ExecutorConfig::default()
    };
    let (executor_without, tasks) =
        Executor::start(Arc::clone(&store), Arc::new(SystemClock), config);
    for _ in 0..150 {
        executor_without
            .execute(&deposit("a", 1), &context())
            .await
            .unwrap();
    }
    drop(executor_without);
    tasks.finished().await;
    let stream = Account::stream("a");
    assert_eq!(store.load_snapshot(&stream, 1).await.unwrap(), None);
    let (executor, tasks) = executor(&store);
    executor.load::<Account>("a").await.unwrap();
    drop(executor);
    tasks.finished().await;
    let snapshot = store.load_snapshot(&stream, 1).await.unwrap().unwrap();
    assert_eq!(snapshot.version, Version(150));
}
