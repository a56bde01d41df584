//! The cached state of a stream and the latest one.

use std::error::Error;

use event_sourcing::Version;

use super::support::{Account, context, deposit, executor, memory};

#[tokio::test]
async fn the_latest_state_is_read_from_the_store_whichever_process_wrote_it() {
    let store = memory();
    let (here, _tasks) = executor(&store);
    let (elsewhere, _others) = executor(&store);
    here.execute(&deposit("a", 1), &context()).await.unwrap();
    elsewhere
        .execute(&deposit("a", 2), &context())
        .await
        .unwrap();
    // The cached state is stale, which `load_latest` must detect.
    let (cached, _) = here.load::<Account>("a").await.unwrap();
    assert_eq!(cached.cents, 1);
    let (latest, version) = here.load_latest::<Account>("a").await.unwrap();
    assert_eq!((latest.cents, version.0), (3, 2));
    let (cached, _) = here.load::<Account>("a").await.unwrap();
    assert_eq!(cached.cents, 3);
}

#[tokio::test]
async fn the_latest_state_of_an_empty_stream_is_the_initial_one() {
    let (executor, _tasks) = executor(&memory());
    let (account, version) = executor.load_latest::<Account>("unknown").await.unwrap();
    assert_eq!((account.cents, version.0), (0, 0));
}

#[tokio::test]
async fn a_state_older_than_the_required_version_is_read_again() {
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
    assert_eq!(known.cents, 1, "the cached state is new enough");
    let (read, version) = here
        .load_at_least::<Account>("a", Version(2))
        .await
        .unwrap();
    assert_eq!((read.cents, version), (3, Version(2)));
}

#[tokio::test]
async fn a_version_that_the_store_does_not_have_is_a_retryable_error() {
    let (executor, _tasks) = executor(&memory());
    let one = executor.execute(&deposit("a", 1), &context()).await;
    one.unwrap();
    let missing = executor.load_at_least::<Account>("a", Version(7)).await;
    let error = missing.expect_err("an error");
    assert!(error.is_retryable());
    assert_eq!(
        error.source().unwrap().to_string(),
        "stream account/a is at version 1, expected at least 7"
    );
    let (known, _) = executor.load::<Account>("a").await.unwrap();
    assert_eq!(known.cents, 1, "the stream can still be used");
}
