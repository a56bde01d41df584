//! The same command id again.

use std::sync::Arc;

use event_sourcing::execute::{DecideError, States, UnitOfWork};
use event_sourcing::{Command, Context, ExecuteError, Filter, Position, Version};

use super::support::{Account, Moved, Overdrawn, context, deposit, executor, memory, transfer};

fn same(context: &Context) -> Context {
    context.clone()
}

#[tokio::test]
async fn a_repeat_gets_the_state_of_then() {
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
async fn a_repeat_that_would_be_refused_now_gets_the_first_answer() {
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
async fn a_repeat_in_another_process_gets_the_first_answer() {
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
async fn the_same_id_at_once_takes_effect_once() {
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
    // The lane is not left with what the refused command had put there.
    assert_eq!(executor.load::<Account>("b").await.unwrap().0.cents, 0);
}

#[tokio::test]
async fn a_refusal_leaves_the_id_free() {
    let store = memory();
    let (executor, _tasks) = executor(&store);
    let first = context();
    let refused = executor.execute(&transfer("a", "b", 5), &first).await;
    assert!(matches!(refused, Err(ExecuteError::Rejected(Overdrawn(0)))));
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

/// Takes a coin from the richer account, which is another one each time, and is written first.
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

/// What a commit begins with is nothing that a command declares: its repeat is known by the stored operation.
#[tokio::test]
async fn a_command_may_begin_its_commit_anywhere_and_its_repeat_is_known_all_the_same() {
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
async fn the_first_event_of_a_commit_and_no_other_has_the_operation() {
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
