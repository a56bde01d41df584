//! What a process remembers of a stream, and what the stream is now.

use event_sourcing::Version;

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
    let (present, version) = here.load_latest::<Account>("a").await.unwrap();
    assert_eq!((present.cents, version.0), (3, 2));
    let (remembered, _) = here.load::<Account>("a").await.unwrap();
    assert_eq!(remembered.cents, 3);
}

#[tokio::test]
async fn the_present_state_of_a_stream_without_events_is_the_initial_one() {
    let (executor, _tasks) = executor(&memory());
    let (account, version) = executor.load_latest::<Account>("nobody").await.unwrap();
    assert_eq!((account.cents, version.0), (0, 0));
}

#[tokio::test]
async fn behind_an_event_that_was_read_no_older_state_is_remembered() {
    let store = memory();
    let (here, _tasks) = executor(&store);
    let (elsewhere, _others) = executor(&store);
    let one = here.execute(&deposit("a", 1), &context()).await;
    one.unwrap();
    let two = elsewhere.execute(&deposit("a", 2), &context()).await;
    two.unwrap();
    let (known, _) = here
        .load_at_least::<Account>("a", Version(1))
        .await
        .unwrap();
    assert_eq!(known.cents, 1, "what is remembered is new enough");
    let (read, version) = here
        .load_at_least::<Account>("a", Version(2))
        .await
        .unwrap();
    assert_eq!((read.cents, version), (3, Version(2)));
}
