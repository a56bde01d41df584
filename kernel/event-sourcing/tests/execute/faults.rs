//! A store that loses batches and responses.

use std::sync::Arc;
use std::time::Duration;

use event_sourcing::testing::at;
use event_sourcing::{Aggregate, DomainEvent};
use event_sourcing::{
    CommandId, Commit, CommitOutcome, Context, EventStore, ExecuteError, ExpectedVersion,
    LastWrite, MemoryEventStore, Metadata, NewEvent, Position, SystemClock, Version, Write,
};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::support::{
    Account, Fault, FaultyStore, Moved, context, deposit, executor, memory, transfer,
};

#[tokio::test(start_paused = true)]
async fn a_lost_response_is_resolved_by_a_retry() {
    for fault in [Fault::Lost, Fault::AnswerLost] {
        let store = FaultyStore::new(memory(), true);
        let (executor, _tasks) = executor(&(Arc::clone(&store) as Arc<dyn EventStore>));
        store.faults.lock().unwrap().push_back(Some(fault));
        let done = executor
            .execute(&deposit("a", 5), &context())
            .await
            .unwrap();
        assert_eq!(done.reply, (5, Version(1)), "{fault:?}");
        assert_eq!(store.head().await.unwrap(), Position(1), "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_outcome_that_stays_unknown_is_reported_as_unknown() {
    for (fault, outcome) in [
        (Fault::Lost, CommitOutcome::None),
        (Fault::AnswerLost, CommitOutcome::Unknown),
    ] {
        let store = FaultyStore::new(memory(), true);
        let (executor, _tasks) = executor(&(Arc::clone(&store) as Arc<dyn EventStore>));
        store
            .faults
            .lock()
            .unwrap()
            .extend(vec![Some(fault); 1_000]);
        let error = executor
            .execute(&deposit("a", 5), &context())
            .await
            .unwrap_err();
        let ExecuteError::Unavailable(found) = error else {
            panic!("{error}")
        };
        assert_eq!(found, outcome, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn in_a_long_outage_a_command_fails_at_once_until_an_append_succeeds() {
    let store = FaultyStore::new(memory(), true);
    let (executor, _tasks) = executor(&(Arc::clone(&store) as Arc<dyn EventStore>));
    let faults = vec![Some(Fault::Lost); 1_000];
    store.faults.lock().unwrap().extend(faults);
    let patient = || Context {
        deadline: Instant::now() + Duration::from_hours(24),
        ..context()
    };
    // The outage may be short at first.
    let first = executor.execute(&deposit("a", 5), &patient()).await;
    let started = Instant::now();
    let second = executor.execute(&deposit("a", 5), &patient()).await;
    assert_eq!(started.elapsed(), Duration::ZERO);
    for ended in [first, second] {
        assert!(
            matches!(ended, Err(ExecuteError::Unavailable(CommitOutcome::None))),
            "{ended:?}"
        );
    }
    store.faults.lock().unwrap().clear();
    let done = executor.execute(&deposit("a", 5), &patient()).await;
    assert_eq!(done.unwrap().reply, (5, Version(1)));
    // The next outage is a new one.
    store.faults.lock().unwrap().push_back(Some(Fault::Lost));
    let done = executor.execute(&deposit("a", 5), &patient()).await;
    assert_eq!(done.unwrap().reply, (10, Version(2)));
}

#[tokio::test(start_paused = true)]
async fn the_result_of_the_last_write_is_reported() {
    for (fault, expected) in [
        (None, LastWrite::Answered),
        (Some(Fault::Lost), LastWrite::Unavailable),
        (Some(Fault::AnswerLost), LastWrite::Unavailable),
        (Some(Fault::Failed), LastWrite::Failed),
    ] {
        let store = FaultyStore::new(memory(), true);
        let (executor, _tasks) = executor(&(Arc::clone(&store) as Arc<dyn EventStore>));
        let writes = executor.last_write();
        assert_eq!(*writes.borrow(), LastWrite::None);
        store.faults.lock().unwrap().extend(vec![fault; 1_000]);
        let executed = executor.execute(&deposit("a", 5), &context()).await;
        assert_eq!(executed.is_ok(), fault.is_none(), "{fault:?}");
        assert_eq!(*writes.borrow(), expected, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_the_store_leaves_only_its_own_batch_with_an_unknown_outcome() {
    let store = FaultyStore::new(memory(), true);
    let (executor, _tasks) = executor(&(Arc::clone(&store) as Arc<dyn EventStore>));
    store.faults.lock().unwrap().push_back(Some(Fault::Panics));
    let (first, other) = (deposit("a", 5), deposit("a", 1));
    let contexts = [context(), context()];
    let (one, two) = tokio::join!(
        executor.execute(&first, &contexts[0]),
        executor.execute(&other, &contexts[1]),
    );
    for ended in [one, two] {
        assert!(
            matches!(
                ended,
                Err(ExecuteError::Unavailable(CommitOutcome::Unknown))
            ),
            "{ended:?}"
        );
    }
    let later = executor.execute(&deposit("a", 2), &context()).await;
    assert_eq!(later.unwrap().reply, (8, Version(3)));
    let again = executor.execute(&first, &contexts[0]).await.unwrap();
    assert!(again.duplicate);
    assert_eq!(again.reply, (5, Version(1)));
    // A command that would be rejected now first looks for its earlier attempt, which is no longer in flight.
    let without_money = transfer("unfunded", "a", 1);
    let again = executor.execute(&without_money, &contexts[1]).await;
    assert!(again.unwrap().duplicate);
}

/// A commit of another process, which does not pass through the executor.
fn foreign(account: &str, by: i64, expected: ExpectedVersion) -> Commit {
    let event = NewEvent {
        event: Moved { by }.encode(),
        metadata: Metadata::default(),
    };
    let write = Write {
        stream: Account::stream(account),
        expected,
        events: vec![event],
    };
    Commit::try_new(
        CommandId::from_parts(at(9), [9; 10]),
        at(9),
        vec![write],
        None,
    )
    .unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_command_after_a_failed_one_is_decided_again_although_its_version_matches() {
    let inner = memory();
    let store = FaultyStore::new(Arc::clone(&inner), false);
    let (executor, _tasks) = executor(&(Arc::clone(&store) as Arc<dyn EventStore>));
    store.permits.add_permits(1);
    executor
        .execute(&deposit("a", 10), &context())
        .await
        .unwrap();
    // Two commands in the lane: versions 2 and 3. The store delays the batch of the first.
    let mut tasks = JoinSet::new();
    for to in ["b", "c"] {
        let executor = Arc::clone(&executor);
        tasks.spawn(async move { executor.execute(&transfer("a", to, 5), &context()).await });
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    // Another process writes version 2 and leaves too little money. The second command was decided on the state after
    // the first; its expected version now matches an event of another process.
    inner
        .append(&[foreign("a", -8, ExpectedVersion::Exact(Version(1)))])
        .await
        .unwrap();
    store.permits.add_permits(1_000);
    let done = tasks.join_all().await;
    assert!(done.iter().all(Result::is_err), "{done:?}");
    let (account, _) = executor.load::<Account>("a").await.unwrap();
    assert_eq!(account.cents, 2);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_cannot_be_read_is_an_error_of_its_stream_alone() {
    let store = Arc::new(MemoryEventStore::new(Arc::new(SystemClock)));
    let events = Arc::clone(&store) as Arc<dyn EventStore>;
    let (writer, _tasks) = executor(&events);
    for id in ["a", "b", "a"] {
        writer.execute(&deposit(id, 1), &context()).await.unwrap();
    }
    store.damage(Position(3), "its time cannot be read");
    // Another process has nothing cached.
    let (reader, _tasks) = executor(&events);
    let error = reader.load::<Account>("a").await.unwrap_err();
    assert!(!error.is_retryable(), "{error}");
    let message = format!("{error:?}");
    assert!(
        message.contains("account/a") && message.contains("its time cannot be read"),
        "{message}"
    );
    let rejected = reader.execute(&deposit("a", 1), &context()).await;
    assert!(
        matches!(rejected, Err(ExecuteError::Failed(_))),
        "{rejected:?}"
    );
    let done = reader.execute(&deposit("b", 1), &context()).await.unwrap();
    assert_eq!(done.reply, (2, Version(2)));
    store.repair(Position(3));
    let done = reader.execute(&deposit("a", 1), &context()).await.unwrap();
    assert_eq!(done.reply, (3, Version(3)));
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_caller_leaves_no_partial_state() {
    let store = FaultyStore::new(memory(), false);
    let (executor, _tasks) = executor(&(Arc::clone(&store) as Arc<dyn EventStore>));
    for n in 0..20 {
        let executor = Arc::clone(&executor);
        let task =
            tokio::spawn(async move { executor.execute(&deposit("a", 1), &context()).await });
        for _ in 0..n {
            tokio::task::yield_now().await;
        }
        task.abort();
    }
    store.permits.add_permits(1_000);
    let done = executor
        .execute(&deposit("a", 1), &context())
        .await
        .unwrap();
    let events = store
        .read_stream(&Account::stream("a"), Version::NONE, 100)
        .await
        .unwrap()
        .events;
    assert_eq!(done.reply.0, i64::try_from(events.len()).unwrap());
}

#[tokio::test(start_paused = true)]
async fn money_is_conserved_whatever_the_store_loses() {
    let inner = memory();
    let stores = [
        FaultyStore::new(Arc::clone(&inner), true),
        FaultyStore::new(inner, true),
    ];
    for (n, store) in stores.iter().enumerate() {
        let faults = (0..400).map(|i| match (i * 7 + n * 3) % 5 {
            0 => Some(Fault::Lost),
            1 => Some(Fault::AnswerLost),
            _ => None,
        });
        store.faults.lock().unwrap().extend(faults);
    }
    let processes = stores
        .clone()
        .map(|store| executor(&(store as Arc<dyn EventStore>)));
    processes[0]
        .0
        .execute(&deposit("0", 1_000), &context())
        .await
        .unwrap();
    let mut tasks = JoinSet::new();
    for n in 0..400_usize {
        let executor = Arc::clone(&processes[n % 2].0);
        tasks.spawn(async move {
            let (from, to) = ((n % 4).to_string(), ((n + 1 + n / 4 % 3) % 4).to_string());
            executor
                .execute(&transfer(&from, &to, 3), &context())
                .await
                .map(|done| done.position)
        });
    }
    let done = tasks.join_all().await;
    let ok = done.iter().filter(|done| done.is_ok()).count();
    let unanswered = done
        .iter()
        .filter(|done| matches!(done, Err(ExecuteError::Unavailable(_))))
        .count();
    assert!(
        ok > 100,
        "{ok} ok, {unanswered} unanswered of {}",
        done.len()
    );
    let (reader, _tasks) = executor(&(Arc::clone(&stores[0]) as Arc<dyn EventStore>));
    let mut sum = 0;
    for account in 0..4 {
        let (account, _) = reader.load::<Account>(&account.to_string()).await.unwrap();
        assert!(account.cents >= 0, "overdrawn");
        sum += account.cents;
    }
    assert_eq!(sum, 1_000);
    // Two events per transfer and one for the first deposit: only acknowledged transfers and some of those with an
    // unknown outcome were written.
    let transfers = usize::try_from((stores[0].head().await.unwrap().0 - 1) / 2).unwrap();
    assert!(
        ok <= transfers && transfers <= ok + unanswered,
        "{ok} ≤ {transfers}"
    );
}
