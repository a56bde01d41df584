//! Commands of one process on one stream.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use event_sourcing::{CommitOutcome, EventStore, ExecuteError, Version};
use tokio::task::JoinSet;

use super::support::{
    Account, Close, FaultyStore, Overdrawn, Put, Transfer, context, deposit, executor, memory,
    transfer,
};

#[tokio::test(start_paused = true)]
async fn commands_on_one_stream_share_a_batch() {
    let store = FaultyStore::new(memory(), false);
    let (executor, _tasks) = executor(&(Arc::clone(&store) as Arc<dyn EventStore>));
    let mut tasks = JoinSet::new();
    for _ in 0..50 {
        let executor = Arc::clone(&executor);
        tasks.spawn(async move { executor.execute(&deposit("a", 1), &context()).await });
    }
    // All fifty are decided before the store writes the first batch.
    tokio::time::sleep(Duration::from_millis(1)).await;
    store.permits.add_permits(1_000);
    let mut answers: Vec<_> = tasks
        .join_all()
        .await
        .into_iter()
        .map(|done| done.unwrap().reply)
        .collect();
    answers.sort_unstable();
    let expected: Vec<_> = (1..=50_i64)
        .map(|n| (n, Version(n.unsigned_abs())))
        .collect();
    assert_eq!(
        answers, expected,
        "each was decided on the state after the earlier ones"
    );
    assert_eq!(*store.batches.lock().unwrap(), [50]);
}

#[tokio::test(start_paused = true)]
async fn no_command_returns_before_the_states_it_was_decided_on_are_durable() {
    let store = FaultyStore::new(memory(), false);
    let (executor, _tasks) = executor(&(Arc::clone(&store) as Arc<dyn EventStore>));
    let first = tokio::spawn({
        let executor = Arc::clone(&executor);
        async move { executor.execute(&deposit("a", 5), &context()).await }
    });
    tokio::task::yield_now().await;
    // It is rejected on a balance of 5 that is not durable yet.
    let second = tokio::spawn({
        let executor = Arc::clone(&executor);
        async move { executor.execute(&transfer("a", "b", 9), &context()).await }
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!first.is_finished() && !second.is_finished());
    store.permits.add_permits(1_000);
    assert!(first.await.unwrap().is_ok());
    assert!(matches!(
        second.await.unwrap(),
        Err(ExecuteError::Rejected {
            rejection: Overdrawn(5),
            ..
        })
    ));
}

#[tokio::test]
async fn a_rejection_decided_on_a_stale_cache_is_decided_again() {
    let store = memory();
    let (here, _tasks) = executor(&store);
    let (there, _tasks) = executor(&store);
    here.execute(&deposit("a", 1), &context()).await.unwrap();
    there.execute(&deposit("a", 10), &context()).await.unwrap();
    let done = here
        .execute(&transfer("a", "b", 11), &context())
        .await
        .unwrap();
    assert_eq!(done.reply, (11, Version(1)));
}

#[tokio::test]
async fn a_command_without_effect_decided_on_a_stale_cache_replies_from_the_fresh_state() {
    let store = memory();
    let (here, _tasks) = executor(&store);
    let (there, _tasks) = executor(&store);
    here.execute(&deposit("a", 1), &context()).await.unwrap();
    there.execute(&deposit("a", 10), &context()).await.unwrap();
    let done = here.execute(&deposit("a", 0), &context()).await.unwrap();
    assert_eq!(done.reply, (11, Version(2)));
    assert_eq!(done.position, store.head().await.unwrap());
}

#[tokio::test]
async fn a_stream_wrongly_assumed_to_be_new_is_read() {
    let store = memory();
    let (there, _tasks) = executor(&store);
    there.execute(&deposit("a", 10), &context()).await.unwrap();
    let (here, _tasks) = executor(&store);
    let create = Transfer {
        create: true,
        ..deposit("a", 1)
    };
    let done = here.execute(&create, &context()).await.unwrap();
    assert_eq!(done.reply, (11, Version(2)));
}

#[tokio::test]
async fn a_new_stream_is_not_read_first() {
    let store = FaultyStore::new(memory(), true);
    let (executor, _tasks) = executor(&(Arc::clone(&store) as Arc<dyn EventStore>));
    let create = Transfer {
        create: true,
        ..deposit("a", 1)
    };
    executor.execute(&create, &context()).await.unwrap();
    executor
        .execute(&deposit("a", 1), &context())
        .await
        .unwrap();
    assert_eq!(store.loads.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn concurrent_processes_on_the_same_accounts_neither_lose_nor_repeat_transfers() {
    let store = memory();
    let processes = [executor(&store), executor(&store), executor(&store)];
    processes[0]
        .0
        .execute(&deposit("0", 1_000), &context())
        .await
        .unwrap();
    let mut tasks = JoinSet::new();
    for n in 0..300_usize {
        let executor = Arc::clone(&processes[n % 3].0);
        tasks.spawn(async move {
            let (from, to) = ((n % 5).to_string(), ((n / 5 + 1 + n % 5) % 5).to_string());
            executor.execute(&transfer(&from, &to, 7), &context()).await
        });
    }
    let mut moved = 0;
    for done in tasks.join_all().await {
        match done {
            Ok(_) => moved += 1,
            Err(ExecuteError::Rejected { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
    assert!(moved > 0);
    let (reader, _tasks) = executor(&store);
    let mut sum = 0;
    for account in 0..5 {
        let (account, _) = reader.load::<Account>(&account.to_string()).await.unwrap();
        assert!(account.cents >= 0, "overdrawn");
        sum += account.cents;
    }
    assert_eq!(sum, 1_000);
}

#[tokio::test]
async fn closing_waits_for_earlier_commits_and_sees_their_events() {
    let store = FaultyStore::new(memory(), false);
    let (executor, _tasks) = executor(&(Arc::clone(&store) as Arc<dyn EventStore>));
    store.permits.add_permits(1);
    executor
        .execute(&deposit("a", 5), &context())
        .await
        .unwrap();
    let put = tokio::spawn({
        let executor = Arc::clone(&executor);
        async move { executor.execute(&Put("a"), &context()).await.unwrap() }
    });
    tokio::task::yield_now().await;
    let close = tokio::spawn({
        let executor = Arc::clone(&executor);
        async move { executor.execute(&Close("a"), &context()).await }
    });
    tokio::task::yield_now().await;
    store.permits.add_permits(100);
    put.await.unwrap();
    assert!(matches!(
        close.await.unwrap(),
        Err(ExecuteError::Rejected {
            rejection: Overdrawn(1),
            ..
        })
    ));
}

#[tokio::test]
async fn a_put_concurrent_with_a_close_in_another_process_is_never_lost() {
    for _ in 0..50 {
        let store = memory();
        let (here, _tasks) = executor(&store);
        let (there, _tasks) = executor(&store);
        here.execute(&deposit("a", 5), &context()).await.unwrap();
        let (put_context, close_context) = (context(), context());
        let (put, close) = tokio::join!(
            there.execute(&Put("a"), &put_context),
            here.execute(&Close("a"), &close_context),
        );
        assert!(put.is_ok() != close.is_ok(), "put {put:?}, close {close:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_command_whose_deadline_passes_in_the_queue_is_not_written() {
    let store = FaultyStore::new(memory(), false);
    let (executor, _tasks) = executor(&(Arc::clone(&store) as Arc<dyn EventStore>));
    let blocking = tokio::spawn({
        let executor = Arc::clone(&executor);
        async move { executor.execute(&deposit("x", 1), &context()).await }
    });
    // Its batch has been sent to the store by now.
    tokio::time::sleep(Duration::from_millis(1)).await;
    let late = executor.execute(&deposit("a", 1), &context()).await;
    assert!(
        matches!(late, Err(ExecuteError::Unavailable(CommitOutcome::Unknown))),
        "{late:?}"
    );
    store.permits.add_permits(1_000);
    let _ = blocking.await.unwrap();
    executor
        .execute(&deposit("b", 1), &context())
        .await
        .unwrap();
    let (account, _) = executor.load::<Account>("a").await.unwrap();
    assert_eq!(account.cents, 0);
}
