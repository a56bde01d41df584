//! An append whose result is lost is resolved by sending it again: no commit is lost or duplicated.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use event_sourcing::appender::{AppendError, Appender, AppenderConfig};
use event_sourcing::{Commit, EventStore, ExpectedVersion, StoreError};
use event_store_postgres::{PostgresEventStore, Settings};
use sqlx::{Connection, PgConnection};
use test_faults::{Link, Way};

use crate::deaf_proxy::DeafProxy;
use crate::support::{TIMEOUT, check_log, command, commit, connect, open, stream, within};

const BATCHES: u64 = 200;
const COMMITS: u64 = 8;

/// Number of new events before the next connection is broken.
const PROGRESS: i64 = 40;

/// How often the actor's appends failed, and how many batches with an unknown outcome were in the log.
#[derive(Default)]
struct Outcomes {
    unknown: usize,
    unavailable: usize,
    committed: usize,
}

fn batch(actor: u16, number: u64) -> Vec<Commit> {
    let commits = number * COMMITS..(number + 1) * COMMITS;
    let to_own_stream = |n| {
        let stream = stream(format!("{actor}-{}", n % 50));
        commit(command(actor, n), &stream, ExpectedVersion::Any, "{}")
    };
    commits.map(to_own_stream).collect()
}

/// Sends each batch until its result arrives.
async fn write(store: Arc<PostgresEventStore>, actor: u16) -> Outcomes {
    let mut outcomes = Outcomes::default();
    for number in 0..BATCHES {
        let batch = batch(actor, number);
        let mut in_doubt = false;
        let answers = loop {
            match store.append(&batch).await {
                Ok(answers) => break answers,
                Err(StoreError::OutcomeUnknown { .. }) => {
                    outcomes.unknown += 1;
                    in_doubt = true;
                }
                Err(StoreError::Unavailable { .. }) => outcomes.unavailable += 1,
                Err(error) => panic!("a lost connection must be retryable: {error:?}"),
            }
        };
        let duplicates = answers.iter().filter(|answer| {
            let receipt = answer.as_ref().expect("every commit is accepted");
            receipt.duplicate
        });
        let duplicates = duplicates.count();
        assert!(
            duplicates == 0 || duplicates == batch.len(),
            "a batch is whole or absent"
        );
        assert!(duplicates == 0 || in_doubt, "a duplicate without a repeat");
        outcomes.committed += usize::from(duplicates > 0);
    }
    outcomes
}

/// Terminates the connection that is appending each time the log has grown since the last time. Returns the number of
/// terminated connections.
async fn break_appends(mut connection: PgConnection, stop: Arc<AtomicBool>) -> i64 {
    let (mut broken, mut next) = (0, 0);
    while !stop.load(Ordering::Relaxed) {
        let (count, head): (i64, i64) = sqlx::query_as(
            "SELECT count(*) FILTER (WHERE pg_terminate_backend(a.pid)), max(h.position)
             FROM (SELECT coalesce(max(id), 0) AS position FROM events) h
             LEFT JOIN pg_stat_activity a
                ON h.position >= $1 AND a.datname = current_database() AND a.state = 'active'
               AND a.query LIKE '%FROM append_%' AND a.pid <> pg_backend_pid()",
        )
        .bind(next)
        .fetch_one(&mut connection)
        .await
        .expect("end connections");
        if count > 0 {
            broken += count;
            next = head + PROGRESS;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    broken
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn appends_with_killed_connections_are_neither_lost_nor_duplicated() {
    let database = test_postgres::database().await;
    let stores = [open(&database.url).await, open(&database.url).await].map(Arc::new);
    let stop = Arc::new(AtomicBool::new(false));
    let breaking = tokio::spawn(break_appends(
        connect(&database.url).await,
        Arc::clone(&stop),
    ));
    let writers = [
        tokio::spawn(write(Arc::clone(&stores[0]), 1)),
        tokio::spawn(write(Arc::clone(&stores[1]), 2)),
    ];
    let mut all = Outcomes::default();
    for writer in writers {
        let outcomes = within("the writers", writer).await.expect("a writer");
        all.unknown += outcomes.unknown;
        all.unavailable += outcomes.unavailable;
        all.committed += outcomes.committed;
    }
    stop.store(true, Ordering::Relaxed);
    let broken = breaking.await.expect("the count");
    println!(
        "broken {broken}, unknown {}, unavailable {}, found in the log {}",
        all.unknown, all.unavailable, all.committed
    );
    assert!(broken >= 20, "only {broken} connections were broken");
    assert!(all.unknown >= 10, "only {} were unknown", all.unknown);
    let commands = check_log(&*stores[0]).await;
    assert_eq!(
        commands.len() as u64,
        2 * BATCHES * COMMITS,
        "every command is in the log"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeat_returns_the_receipts_that_were_lost_after_the_commit() {
    let database = test_postgres::database().await;
    let proxy = DeafProxy::start(&database.url).await;
    let store = open(&proxy.url).await;
    let other = open(&database.url).await;
    for number in 0..20 {
        let batch = batch(1, number);
        // The log confirms every other batch as a whole; for the others each commit is validated in a second request.
        let request = 1 + number % 2;
        let before = if request == 1 {
            &batch[..0]
        } else {
            &batch[..1]
        };
        store.append(before).await.expect("append");
        // Both statements are prepared by now: preparing one is a request of its own. From here on only this connection
        // sends requests.
        let first = commit(
            command(2, 0),
            &stream("first"),
            ExpectedVersion::NoStream,
            "{}",
        );
        store.append(&[first]).await.expect("append or repeat");
        proxy.lose_answer(request);
        let error = store.append(&batch).await.expect_err("the answer is lost");
        assert!(
            matches!(error, StoreError::OutcomeUnknown { .. }),
            "{error:?}"
        );
        let receipts = other.append(&batch[1..]).await.expect("append elsewhere");
        let here = store.append(&batch[1..]).await.expect("append again");
        for (receipt, here) in receipts.iter().zip(&here) {
            let receipt = receipt.as_ref().expect("every commit is accepted");
            assert!(receipt.duplicate, "the commit was in the log");
            assert_eq!(Ok(receipt), here.as_ref());
        }
    }
    assert_eq!(check_log(&other).await.len() as u64, 20 * COMMITS + 1);
}

/// The output of a future that is dropped when it was woken for so many times, wherever it waits then: no timer is as fine.
async fn cancelled_after<F: Future>(polls: u64, future: F) -> Option<F::Output> {
    let mut future = std::pin::pin!(future);
    let mut left = polls;
    poll_fn(|context| match left.checked_sub(1) {
        None => Poll::Ready(None),
        Some(fewer) => {
            left = fewer;
            future.as_mut().poll(context).map(Some)
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_cancelled_append_is_whole_or_absent() {
    let database = test_postgres::database().await;
    let store = open(&database.url).await;
    let mut cancelled: usize = 0;
    for number in 0..200 {
        let batch = batch(1, number);
        let appended = cancelled_after(number % 20, store.append(&batch)).await;
        cancelled += usize::from(appended.is_none());
        let answers = match appended {
            Some(answers) => answers,
            None => store.append(&batch).await,
        };
        let answers = answers.expect("answers");
        let duplicates = answers
            .iter()
            .filter(|answer| answer.as_ref().expect("every commit is accepted").duplicate)
            .count();
        assert!(duplicates == 0 || duplicates == batch.len());
    }
    println!("cancelled {cancelled} of 200");
    assert!(cancelled >= 10, "only {cancelled} were cancelled");
    let commands = check_log(&store).await;
    assert_eq!(commands.len() as u64, 200 * COMMITS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_standing_does_not_show_is_not_written_later_by_an_append_that_was_left_alone() {
    let database = test_postgres::database().await;
    let store = open(&database.url).await;
    let mut other = connect(&database.url).await;
    let mut holding = other.begin().await.expect("begin");
    sqlx::query("SELECT FROM event_log_lock FOR UPDATE")
        .execute(&mut *holding)
        .await
        .expect("the log's lock");
    let batch = batch(1, 0);
    let timeout = Duration::from_millis(200);
    let waited = tokio::time::timeout(timeout, store.append(&batch)).await;
    assert!(waited.is_err(), "the log is locked");
    let standing = store.command_status(batch[0].command_id(), &[]).await;
    assert_eq!(standing.expect("the status").receipt, None);
    holding.rollback().await.expect("the lock is free");
    // The lock is granted in turn, so the cancelled append would commit before this one.
    let last = commit(command(2, 0), &stream("z"), ExpectedVersion::NoStream, "{}");
    open(&database.url)
        .await
        .append(&[last])
        .await
        .expect("append elsewhere");
    assert_eq!(check_log(&store).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_store_recovers_after_a_restart_of_its_server() {
    let cluster = test_postgres::Cluster::start().await;
    let database = cluster.database().await;
    let store = Arc::new(open(&database.url).await);
    store.append(&batch(1, 0)).await.expect("before the crash");
    let waiting = Arc::clone(&store);
    cluster.stop_immediately().await;
    let error = store.append(&batch(1, 1)).await.expect_err("no server");
    assert!(error.is_retryable(), "{error:?}");
    let error = store.head().await.expect_err("no server");
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    cluster.start_again().await;
    let waiter = tokio::spawn(async move {
        loop {
            match waiting
                .wait_for(event_sourcing::Position(4 * COMMITS))
                .await
            {
                Ok(head) => return head,
                Err(error) => assert!(error.is_retryable(), "{error:?}"),
            }
        }
    });
    store.append(&batch(1, 1)).await.expect("after the crash");
    within("the waiting reader", waiter).await.expect("a head");
    assert_eq!(check_log(&*store).await.len() as u64, 2 * COMMITS);
}

#[tokio::test]
async fn an_append_on_a_silent_connection_ends_and_a_repeat_finds_its_result() {
    let database = test_postgres::database().await;
    let linked = Link::to_postgres("the event store", &database.url).await;
    let (link, url) = linked.expect("a link");
    let settings = Settings {
        statement_timeout: Duration::from_secs(1),
        ..Settings::default()
    };
    let store = PostgresEventStore::connect(&url, settings).await;
    let store = store.expect("open the store");
    store.append(&batch(1, 0)).await.expect("an answer");
    link.freeze(&[Way::Back]);
    let silent = within("the silent append", store.append(&batch(1, 1))).await;
    let error = silent.expect_err("no answer");
    assert!(
        matches!(error, StoreError::OutcomeUnknown { .. }),
        "{error:?}"
    );
    link.mend();
    let repeated = within("the repeat", store.append(&batch(1, 1))).await;
    for answer in repeated.expect("the answer") {
        assert!(answer.expect("a receipt").duplicate);
    }
    assert_eq!(check_log(&store).await.len() as u64, 2 * COMMITS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_that_cannot_be_stored_fails_its_batch() {
    let database = test_postgres::database().await;
    let store = open(&database.url).await;
    let good = commit(command(1, 1), &stream("a"), ExpectedVersion::NoStream, "{}");
    for bad in [
        r#"{"name":"a\u0000b"}"#,
        "{\"name\":\"a\u{0}b\"}",
        "no json",
    ] {
        let bad = commit(command(1, 2), &stream("b"), ExpectedVersion::NoStream, bad);
        let error = store
            .append(&[good.clone(), bad])
            .await
            .expect_err("jsonb cannot store it");
        assert!(matches!(error, StoreError::Failed { .. }), "{error:?}");
        let source = std::error::Error::source(&error).expect("a cause");
        assert!(source.to_string().contains("U+0000"), "{source}");
    }
    assert!(check_log(&store).await.is_empty());
    let answers = store.append(&[good]).await.expect("the other commit alone");
    assert!(answers[0].is_ok());
}

#[tokio::test]
async fn the_appender_commits_the_rest_of_a_batch_with_an_invalid_text() {
    let database = test_postgres::database().await;
    let store = Arc::new(open(&database.url).await);
    let (appender, task) = Appender::start(store.clone(), AppenderConfig::default());
    let deadline = tokio::time::Instant::now() + TIMEOUT;
    let append = |number, data| {
        let stream = stream(format!("{number}"));
        appender.append(
            commit(command(1, number), &stream, ExpectedVersion::NoStream, data),
            deadline,
        )
    };
    // The test has one thread, so all three are queued before the appender takes the first.
    let (before, bad, after) =
        tokio::join!(append(1, "{}"), append(2, r#""\u0000""#), append(3, "{}"));
    before.expect("the commit before it");
    assert!(matches!(bad, Err(AppendError::Failed(_))), "{bad:?}");
    after.expect("the commit after it");
    drop(appender);
    task.await.expect("the appender ends");
    assert_eq!(check_log(&*store).await.len(), 2);
}
