//! Commits that are in flight for longer than their callers wait.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use event_sourcing::{
    Aggregate, CommitOutcome, Context, EventStore, ExecuteError, Executor, Version,
};
use tokio::task::{JoinHandle, yield_now};
use tokio::time::{Instant, sleep, timeout};

use super::support::{
    Account, Fault, FaultyStore, Transfer, context, deposit, executor, memory, transfer,
};

fn start(executor: &Arc<Executor>, command: Transfer, context: Context) -> JoinHandle<()> {
    let executor = Arc::clone(executor);
    tokio::spawn(async move {
        let _ = executor.execute(&command, &context).await;
    })
}

/// A deposit into "a" and a transfer from it with the context `first`, in one batch that the store delays.
async fn delayed(store: &FaultyStore, executor: &Arc<Executor>, first: &Context) {
    start(executor, deposit("before", 1), context());
    sleep(Duration::from_millis(1)).await;
    start(executor, deposit("a", 5), context());
    sleep(Duration::from_millis(1)).await;
    start(executor, transfer("a", "b", 5), first.clone());
    sleep(Duration::from_millis(1)).await;
    store.permits.add_permits(1);
    sleep(Duration::from_millis(1)).await;
}

fn within(time: Duration) -> Context {
    Context {
        deadline: Instant::now() + time,
        ..context()
    }
}

#[tokio::test(start_paused = true)]
async fn a_repeat_is_not_rejected_while_the_first_commit_is_in_flight() {
    let store = FaultyStore::new(memory(), false);
    let (executor, _tasks) = executor(&(Arc::clone(&store) as Arc<dyn EventStore>));
    let first = within(Duration::from_secs(1));
    delayed(&store, &executor, &first).await;
    sleep(Duration::from_secs(2)).await;
    // The first caller timed out, and the state that the second one reads from the store lacks the deposit.
    let again = Context {
        deadline: Instant::now() + Duration::from_secs(20),
        ..first
    };
    let repeat = {
        let executor = Arc::clone(&executor);
        tokio::spawn(async move { executor.execute(&transfer("a", "b", 5), &again).await })
    };
    sleep(Duration::from_millis(10)).await;
    store.permits.add_permits(1_000);
    let done = repeat.await.unwrap().unwrap();
    assert!(done.duplicate);
    assert_eq!(done.reply, (5, Version(1)));
}

#[tokio::test(start_paused = true)]
async fn a_repeat_that_cannot_resolve_the_outcome_reports_it_as_unknown() {
    let store = FaultyStore::new(memory(), false);
    let (executor, _tasks) = executor(&(Arc::clone(&store) as Arc<dyn EventStore>));
    let first = within(Duration::from_secs(1));
    delayed(&store, &executor, &first).await;
    sleep(Duration::from_secs(2)).await;
    let again = Context {
        deadline: Instant::now() + Duration::from_secs(1),
        ..first
    };
    let ended = executor.execute(&transfer("a", "b", 5), &again).await;
    assert!(
        matches!(
            ended,
            Err(ExecuteError::Unavailable(CommitOutcome::Unknown))
        ),
        "{ended:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_may_have_been_written_is_not_reported_as_failed() {
    let store = FaultyStore::new(memory(), true);
    let (executor, _tasks) = executor(&(Arc::clone(&store) as Arc<dyn EventStore>));
    let faults = [Some(Fault::AnswerLost), Some(Fault::Failed)];
    store.faults.lock().unwrap().extend(faults);
    let ended = executor.execute(&deposit("a", 5), &context()).await;
    assert!(
        matches!(
            ended,
            Err(ExecuteError::Unavailable(CommitOutcome::Unknown))
        ),
        "{ended:?}"
    );
    assert_eq!(executor.load::<Account>("a").await.unwrap().0.cents, 5);
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_is_retried_in_parts_keeps_its_unknown_outcome() {
    let store = FaultyStore::new(memory(), false);
    let (executor, _tasks) = executor(&(Arc::clone(&store) as Arc<dyn EventStore>));
    let mut faults = vec![None, Some(Fault::AnswerLost), Some(Fault::Failed)];
    faults.extend(vec![Some(Fault::Lost); 1_000]);
    store.faults.lock().unwrap().extend(faults);
    start(&executor, deposit("before", 1), context());
    sleep(Duration::from_millis(1)).await;
    start(&executor, deposit("a", 5), context());
    let command = {
        let executor = Arc::clone(&executor);
        tokio::spawn(async move { executor.execute(&deposit("b", 5), &context()).await })
    };
    sleep(Duration::from_millis(1)).await;
    store.permits.add_permits(1_000);
    let ended = command.await.unwrap();
    assert!(
        matches!(
            ended,
            Err(ExecuteError::Unavailable(CommitOutcome::Unknown))
        ),
        "{ended:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_repeat_whose_first_reply_cannot_be_read_reports_the_position_of_its_effect() {
    for hangs in [false, true] {
        let store = FaultyStore::new(memory(), true);
        let (executor, _tasks) = executor(&(Arc::clone(&store) as Arc<dyn EventStore>));
        let first = within(Duration::from_secs(1));
        let done = executor.execute(&deposit("a", 5), &first).await.unwrap();
        store.is_unreadable.store(true, Ordering::Relaxed);
        store.hangs.store(hangs, Ordering::Relaxed);
        let repeat = deposit("a", 5);
        let again = executor.execute(&repeat, &first);
        let again = timeout(Duration::from_secs(2), again).await.unwrap();
        assert!(
            matches!(&again, Err(ExecuteError::ReplyUnavailable { position, .. }) if *position == done.position),
            "{again:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_state_is_returned_only_when_it_is_durable() {
    let inner = memory();
    let store = FaultyStore::new(Arc::clone(&inner), false);
    let (executor, _tasks) = executor(&(Arc::clone(&store) as Arc<dyn EventStore>));
    start(&executor, deposit("a", 5), context());
    sleep(Duration::from_millis(1)).await;
    let shown = {
        let executor = Arc::clone(&executor);
        tokio::spawn(async move { executor.load::<Account>("a").await })
    };
    for _ in 0..100 {
        yield_now().await;
    }
    assert!(!shown.is_finished());
    // The deposit is rejected at first, because another process writes before it, and decided again.
    let (other, _tasks) = super::support::executor(&inner);
    other.execute(&deposit("a", 7), &context()).await.unwrap();
    store.permits.add_permits(1_000);
    let (account, version) = shown.await.unwrap().unwrap();
    assert!(
        [(7, Version(1)), (12, Version(2))].contains(&(account.cents, version)),
        "{account:?} at {version}"
    );
    let stream = Account::stream("a");
    let stored = inner.read_stream(&stream, Version::NONE, 10).await;
    assert!(stored.unwrap().events.len() >= usize::try_from(version.0).unwrap());
}
