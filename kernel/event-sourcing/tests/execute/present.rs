//! What a process remembers of a stream, and what the stream is now.

use super::support::{Account, context, deposit, executor, memory};

#[tokio::test]
async fn the_present_state_is_the_stores_whichever_process_wrote_it() {
    let store = memory();
    let (here, _tasks) = executor(&store);
    let (elsewhere, _others) = executor(&store);
    here.execute(&deposit("a", 1), &context()).await.unwrap();
    elsewhere
        .execute(&deposit("a", 2), &context())
        .await
        .unwrap();
    // What was remembered is the reason to ask.
    let (remembered, _) = here.load::<Account>("a").await.unwrap();
    assert_eq!(remembered.cents, 1);
    let (present, version) = here.present::<Account>("a").await.unwrap();
    assert_eq!((present.cents, version.0), (3, 2));
    let (remembered, _) = here.load::<Account>("a").await.unwrap();
    assert_eq!(remembered.cents, 3);
}

#[tokio::test]
async fn the_present_state_of_a_stream_without_events_is_the_initial_one() {
    let (executor, _tasks) = executor(&memory());
    let (account, version) = executor.present::<Account>("nobody").await.unwrap();
    assert_eq!((account.cents, version.0), (0, 0));
}
