//! Repeated command ids.

use std::sync::Arc;

use event_sourcing::execute::{DecideError, States, UnitOfWork};
use event_sourcing::{Command, Context, ExecuteError, Filter, Position, Version};

use super::support::{Account, Moved, Overdrawn, context, deposit, executor, memory, transfer};

fn same(context: &Context) -> Context {
    context.clone()
}

#[tokio::test]
async fn a_repeat_returns_the_state_after_its_first_execution() {
    let store = memory();
    let (executor, _tasks) = executor(&store);
    let first = context();
    executor.execute(&deposit("a", 5), &first).await.unwrap();
    executor
        .execute(&deposit("a", 7), &context())
        .await
        .unwrap();
    let again = executor
        .execute(&deposit("a", 5), &same(&first))
        .await
        .unwrap();
    assert!(again.duplicate);
    assert_eq!(again.reply, (5, Version(1)));
    assert_eq!(again.position, Position(1));
    assert_eq!(executor.load::<Account>("a").await.unwrap().0.cents, 12);
}

#[tokio::test]
async fn a_repeat_that_would_be_rejected_now_returns_the_first_reply() {
    let store = memory();
    let (executor, _tasks) = executor(&store);
    executor
        .execute(&deposit("a", 5), &context())
        .await
        .unwrap();
    let first = context();
    executor
        .execute(&transfer("a", "b", 5), &first)
        .await
        .unwrap();
    let again = executor
        .execute(&transfer("a", "b", 5), &same(&first))
        .await
        .unwrap();
    assert!(again.duplicate);
    assert_eq!(again.reply, (5, Version(1)));
}

#[tokio::test]
async fn a_repeat_in_another_process_returns_the_first_reply() {
    let store = memory();
    let (here, _tasks) = executor(&store);
    let (there, _tasks) = executor(&store);
    let first = context();
    here.execute(&deposit("a", 5), &first).await.unwrap();
    here.execute(&deposit("a", 5), &context()).await.unwrap();
    let again = there
        .execute(&deposit("a", 5), &same(&first))
        .await
        .unwrap();
    assert_eq!(again.reply, (5, Version(1)));
}

#[tokio::test]
async fn concurrent_commands_with_one_id_take_effect_once() {
    let store = memory();
    let (executor, _tasks) = executor(&store);
    let first = context();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (executor, context) = (Arc::clone(&executor), same(&first));
        tasks.spawn(async move { executor.execute(&deposit("a", 5), &context).await.unwrap() });
    }
    let done = tasks.join_all().await;
    assert!(
        done.iter().all(|done| done.reply == (5, Version(1))),
        "{done:?}"
    );
    assert_eq!(done.iter().filter(|done| !done.duplicate).count(), 1);
    assert_eq!(store.head().await.unwrap(), Position(1));
}

#[tokio::test]
async fn an_id_that_was_used_on_another_stream_is_reported() {
    let store = memory();
    let (executor, _tasks) = executor(&store);
    let first = context();
    executor.execute(&deposit("a", 5), &first).await.unwrap();
    let other = executor.execute(&deposit("b", 5), &same(&first)).await;
    assert!(matches!(other, Err(ExecuteError::Reused)), "{other:?}");
    assert_eq!(store.head().await.unwrap(), Position(1));
    // The pending state of the rejected command was invalidated.
    assert_eq!(executor.load::<Account>("b").await.unwrap().0.cents, 0);
}

#[tokio::test]
async fn a_rejection_has_the_position_that_it_was_decided_at() {
    let store = memory();
    let (executor, _tasks) = executor(&store);
    for account in ["a", "b"] {
        executor
            .execute(&deposit(account, 5), &context())
            .await
            .unwrap();
    }
    let rejected = executor.execute(&transfer("a", "b", 9), &context()).await;
    let Err(ExecuteError::Rejected { position, .. }) = rejected else {
        panic!("{rejected:?}");
    };
    assert_eq!(position, store.head().await.unwrap());
    assert_eq!(position, Position(2));
}

#[tokio::test]
async fn a_rejected_command_id_can_be_used_again() {
    let store = memory();
    let (executor, _tasks) = executor(&store);
    let first = context();
    let rejected = executor.execute(&transfer("a", "b", 5), &first).await;
    assert!(matches!(
        rejected,
        Err(ExecuteError::Rejected {
            rejection: Overdrawn(0),
            ..
        })
    ));
    executor
        .execute(&deposit("a", 5), &context())
        .await
        .unwrap();
    let done = executor
        .execute(&transfer("a", "b", 5), &same(&first))
        .await
        .unwrap();
    assert!(!done.duplicate);
}

/// Moves one cent from the richer account to the other. The richer one, which is written first, alternates.
struct Level;

impl Command for Level {
    const NAME: &'static str = "level";
    type Rejection = Overdrawn;
    type Reply = (i64, i64);

    fn decide(&self, work: &mut UnitOfWork<'_, Overdrawn>) -> Result<(), DecideError<Overdrawn>> {
        let (a, b) = (work.state::<Account>("a")?, work.state::<Account>("b")?);
        let (richer, poorer) = if a.cents > b.cents {
            ("a", "b")
        } else {
            ("b", "a")
        };
        work.append::<Account>(richer, &[Moved { by: -1 }])?;
        work.append::<Account>(poorer, &[Moved { by: 1 }])
    }

    fn reply(&self, states: &States) -> Option<(i64, i64)> {
        let (a, b) = (states.get::<Account>("a")?, states.get::<Account>("b")?);
        Some((a.0.cents, b.0.cents))
    }
}

/// A command does not declare its first stream: its repeat is recognized by the stored operation.
#[tokio::test]
async fn a_repeat_is_recognized_whichever_stream_its_commit_starts_with() {
    let store = memory();
    let (executor, _tasks) = executor(&store);
    executor
        .execute(&deposit("a", 1), &context())
        .await
        .unwrap();
    let mut firsts = Vec::new();
    for expected in [(0, 1), (1, 0), (0, 1)] {
        let first = context();
        let done = executor.execute(&Level, &first).await.unwrap();
        assert_eq!(done.reply, expected);
        firsts.push((first, expected));
    }
    let head = store.head().await.unwrap();
    for (first, expected) in firsts {
        let again = executor.execute(&Level, &same(&first)).await.unwrap();
        assert!(again.duplicate);
        assert_eq!(again.reply, expected);
        let other = executor.execute(&transfer("a", "b", 1), &first).await;
        assert!(matches!(other, Err(ExecuteError::Reused)), "{other:?}");
    }
    assert_eq!(store.head().await.unwrap(), head);
}

#[tokio::test]
async fn only_the_first_event_of_a_commit_has_the_operation() {
    let store = memory();
    let (executor, _tasks) = executor(&store);
    executor
        .execute(&deposit("a", 1), &context())
        .await
        .unwrap();
    executor.execute(&Level, &context()).await.unwrap();
    let page = store.read_all(Position::START, &Filter::ALL, 10).await;
    let page = page.unwrap();
    let operations = page
        .events()
        .map(|event| event.metadata.operation.as_deref());
    let operations: Vec<_> = operations.collect();
    assert_eq!(operations, [Some("transfer"), Some("level"), None]);
}
