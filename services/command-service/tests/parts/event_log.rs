//! The command database belongs to one log. After a restore, a start fails until an operator accepts the log.

use std::sync::Arc;

use command_database::CommandDatabase;
use command_service::event_log::{check, watch};
use event_sourcing::testing::ReplaceableStore;
use event_sourcing::{CommandId, EventStore, ForeignLog, MemoryEventStore, Position, SystemClock};
use idempotency_sql::{Claim, KeyedRequest, Requests};
use uuid::Uuid;

use crate::notifications::{Post, append, confirmed, created, log};
use crate::support::{key_clock, on_both_engines, soon};

const TOKEN: &str = "token";

/// The start fails, its error names the value that accepts the log, and no other value does.
async fn rejected(database: &CommandDatabase, store: &MemoryEventStore) -> String {
    let identity = store.identify(&[]).await.expect("a log");
    let accepts = format!("{}@{}", identity.head.log, identity.head.position);
    let elsewhere = format!("{}@{}", identity.head.log, identity.head.position.0 + 1);
    for accepted in [None, Some(elsewhere.as_str()), Some("true")] {
        let rejected = check(database, store, &key_clock(database).await, accepted).await;
        let rejected = rejected.expect_err("another log").to_string();
        let accepting = format!("ACCEPT_LOG={accepts}");
        assert!(
            rejected.contains(&accepting),
            "{rejected} does not contain {accepting}"
        );
    }
    accepts
}

async fn accepted(database: &CommandDatabase, store: &MemoryEventStore, accepts: Option<&str>) {
    let head = store.head().await.expect("a head");
    let found = check(database, store, &key_clock(database).await, accepts).await;
    assert_eq!(found.expect("accepted").position, head);
}

#[tokio::test]
async fn a_checkpoint_beyond_the_log_fails_the_start_and_continues_at_the_head_when_accepted() {
    on_both_engines(async |home| {
        let mut post = Post::open(home, &log(), 0).await;
        post.first().await;
        let store = post.close().await;
        let database = home.database().await;
        accepted(&database, &store, None).await;

        let restored = Arc::new(store.restored_to(Position(1)));
        let accepts = rejected(&database, &restored).await;
        accepted(&database, &restored, Some(&accepts)).await;
        accepted(&database, &restored, None).await;
        // Events at positions that lost events had before are handled.
        append(&restored, "n", &[created("n"), confirmed("n")]).await;
        let mut post = Post::open(home, &restored, 0).await;
        let (_, notice) = post.next().await;
        assert_eq!(notice.order_id.as_str(), "n");
        post.close().await;

        let other = log();
        append(&other, "o", &[created("o")]).await;
        rejected(&database, &other).await;
    })
    .await;
}

struct Answers {
    requests: Requests,
}

impl Answers {
    async fn of(database: &CommandDatabase, store: &Arc<MemoryEventStore>) -> Self {
        let clock = key_clock(database).await;
        let store = Arc::clone(store) as Arc<dyn EventStore>;
        Self {
            requests: Requests::new(database.requests().clone(), store, clock),
        }
    }

    async fn begin(&self, key: &str) -> Claim {
        let seed = CommandId(Uuid::from_u128(1));
        let claimed = self.requests.begin(&keyed(key), [0; 32], seed, TOKEN).await;
        claimed.expect("claimed")
    }

    async fn keep(&self, key: &str) {
        self.begin(key).await;
        let request = keyed(key);
        let stored = self.requests.finish(&request, TOKEN, Some(b"answer"));
        assert!(stored.await.expect("stored"));
    }

    /// Expects that a repeat is executed with the command ids of the first time: its events may be in the log, and only the
    /// answer came later.
    async fn is_reopened(&self, key: &str) {
        let other = CommandId(Uuid::from_u128(2));
        let again = self
            .requests
            .begin(&keyed(key), [0; 32], other, TOKEN)
            .await;
        let seed = CommandId(Uuid::from_u128(1));
        assert_eq!(again.expect("claimed"), Claim::Fresh { seed }, "{key}");
    }

    async fn repeats(&self, key: &str) -> bool {
        matches!(self.begin(key).await, Claim::Answered { .. })
    }
}

fn keyed(key: &str) -> KeyedRequest {
    KeyedRequest {
        principal: "anna".to_owned(),
        key: key.to_owned(),
    }
}

/// A log of six events, with an answer stored after every second one.
async fn three_answers(database: &CommandDatabase) -> Arc<MemoryEventStore> {
    let store = log();
    let answers = Answers::of(database, &store).await;
    for key in ["two", "four", "six"] {
        append(&store, key, &[created(key), confirmed(key)]).await;
        answers.keep(key).await;
    }
    accepted(database, &store, None).await;
    store
}

#[tokio::test]
async fn an_aligned_database_fits_the_log_and_keeps_the_command_ids_of_its_requests() {
    on_both_engines(async |home| {
        let database = home.database().await;
        let store = three_answers(&database).await;
        let restored = Arc::new(store.restored_to(Position(4)));
        let head = restored.identify(&[]).await.expect("a log").head;
        assert_eq!(database.align(head).await.expect("aligned"), 1);
        accepted(&database, &restored, None).await;
        let answers = Answers::of(&database, &restored).await;
        assert!(answers.repeats("two").await);
        assert!(answers.repeats("four").await);
        answers.is_reopened("six").await;
    })
    .await;
}

#[tokio::test]
async fn answers_of_lost_commands_fail_the_start_and_are_removed_when_accepted() {
    for grown in [false, true] {
        on_both_engines(async |home| {
            let database = home.database().await;
            let store = three_answers(&database).await;
            let restored = Arc::new(store.restored_to(Position(4)));
            if grown {
                for order in ["a", "b", "c"] {
                    append(&restored, order, &[created(order), confirmed(order)]).await;
                }
            }
            let accepts = rejected(&database, &restored).await;
            accepted(&database, &restored, Some(&accepts)).await;
            accepted(&database, &restored, None).await;
            let answers = Answers::of(&database, &restored).await;
            assert!(answers.repeats("two").await);
            assert!(answers.repeats("four").await);
            answers.is_reopened("six").await;
        })
        .await;
    }
}

#[tokio::test]
async fn answers_of_another_log_fail_the_start_and_are_all_removed_when_accepted() {
    on_both_engines(async |home| {
        let database = home.database().await;
        three_answers(&database).await;
        let other = log();
        for order in ["a", "b", "c", "d"] {
            append(&other, order, &[created(order), confirmed(order)]).await;
        }
        let accepts = rejected(&database, &other).await;
        accepted(&database, &other, Some(&accepts)).await;
        let answers = Answers::of(&database, &other).await;
        for key in ["two", "four", "six"] {
            answers.is_reopened(key).await;
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_log_that_is_replaced_while_a_process_runs_is_detected() {
    let memory = MemoryEventStore::new(Arc::new(SystemClock));
    let store = Arc::new(ReplaceableStore::new(memory));
    for order in ["a", "b"] {
        append(&store.current(), order, &[created(order)]).await;
    }
    let head = store.identify(&[]).await.expect("a log").head;
    let watching = tokio::spawn(watch(Arc::clone(&store) as Arc<dyn EventStore>, head));
    append(&store.current(), "c", &[created("c")]).await;
    tokio::time::sleep(std::time::Duration::from_mins(1)).await;
    assert!(
        !watching.is_finished(),
        "an extended log is still the same log"
    );
    store.restore(Position(1));
    let noticed = soon("the detection", watching).await.expect("no panic");
    let shorter = ForeignLog::Shorter {
        position: Position(3),
        head: Position(1),
    };
    assert_eq!(noticed, shorter);
}
