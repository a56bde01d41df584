//! Snapshots: a shorter way to the same state.

use std::sync::Arc;

use event_sourcing::testing::at;
use event_sourcing::{
    Aggregate, EventStore, Executor, ExecutorConfig, Snapshot, SystemClock, Version,
};

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

#[tokio::test]
async fn one_is_taken_every_hundred_events_and_loading_starts_there() {
    let store = memory();
    account_with_250_events(&store).await;
    let snapshot = store
        .load_snapshot(&Account::stream("a"), 1)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(snapshot.version, Version(200));
    // The events below it are not read: a snapshot that lies shows through.
    let lie = Snapshot {
        version: Version(249),
        state: r#"{"cents":1000,"closed":false}"#.to_owned(),
        ..snapshot
    };
    store.save_snapshot(&lie).await.unwrap();
    let (executor, _tasks) = executor(&store);
    let (account, version) = executor.load::<Account>("a").await.unwrap();
    assert_eq!((account.cents, version), (1_001, Version(250)));
}

#[tokio::test]
async fn without_one_or_with_one_of_another_shape_the_state_is_the_same() {
    let store = memory();
    account_with_250_events(&store).await;
    let other_shape = Snapshot {
        stream: Account::stream("a"),
        version: Version(250),
        schema_version: 2,
        state: "{}".to_owned(),
        created_at: at(0),
    };
    store.save_snapshot(&other_shape).await.unwrap();
    let unreadable = Snapshot {
        schema_version: 1,
        state: "[]".to_owned(),
        ..other_shape
    };
    store.save_snapshot(&unreadable).await.unwrap();
    let (executor, _tasks) = executor(&store);
    let (account, version) = executor.load::<Account>("a").await.unwrap();
    assert_eq!((account.cents, version), (250, Version(250)));
}

#[tokio::test]
async fn a_repeat_of_a_command_below_the_snapshot_gets_the_state_of_then() {
    let store = memory();
    let (executor, _tasks) = executor(&store);
    let first = context();
    executor.execute(&deposit("a", 1), &first).await.unwrap();
    account_with_250_events(&store).await;
    let again = executor.execute(&deposit("a", 1), &first).await.unwrap();
    assert_eq!(again.answer, (1, Version(1)));
}

#[tokio::test]
async fn a_long_stream_without_one_gets_one_when_it_is_loaded() {
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
