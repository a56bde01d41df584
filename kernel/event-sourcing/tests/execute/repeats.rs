//! The same command id again.

use std::sync::Arc;

use event_sourcing::{Context, ExecuteError, Position, Version};

use super::support::{Account, Overdrawn, context, deposit, executor, memory, transfer};

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
