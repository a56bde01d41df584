//! A notification from a provider makes the next try of one step due now, and changes nothing else.

use std::time::Duration;

use event_sourcing::Clock;
use sagas::{ActionRejected, SagaOutcome};
use tokio::time::Instant;

use crate::support::{Effect, TestCluster, step};
use crate::trip::{ErrandSaga, Purchase};

#[tokio::test(start_paused = true)]
async fn the_step_of_the_hint_is_tried_now() {
    let cluster = TestCluster::new();
    let node = cluster.node::<ErrandSaga>("one");
    cluster.provider.set("refund", Effect::Transient);
    cluster.begin::<ErrandSaga>("trip-1").await;
    // By now the pause is at least half a minute.
    cluster.tried::<ErrandSaga>("trip-1", "refund", 8).await;
    cluster.provider.set("refund", Effect::Good);
    let before = Instant::now();
    cluster
        .hint::<ErrandSaga>("trip-1", "trip-1/refund/0")
        .await
        .unwrap();
    assert_eq!(
        cluster.ended::<ErrandSaga>("trip-1").await,
        SagaOutcome::Completed
    );
    assert!(before.elapsed() < Duration::from_secs(1));
    let ended = cluster
        .hint::<ErrandSaga>("trip-1", "trip-1/refund/0")
        .await;
    assert_eq!(ended, Err(ActionRejected::Ended));
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn another_step_still_waits_for_its_own_retry_after() {
    let cluster = TestCluster::new();
    let node = cluster.node::<ErrandSaga>("one");
    cluster
        .provider
        .set("notify", Effect::Busy(Duration::from_mins(20)));
    cluster.provider.set("refund", Effect::Transient);
    cluster.begin::<ErrandSaga>("trip-1").await;
    let state = cluster.tried::<ErrandSaga>("trip-1", "notify", 1).await;
    let due = step(&state, "notify").retry_at.unwrap();
    cluster.tried::<ErrandSaga>("trip-1", "refund", 8).await;
    cluster.provider.set("notify", Effect::Good);
    cluster.provider.set("refund", Effect::Good);
    cluster
        .hint::<ErrandSaga>("trip-1", "trip-1/refund/0")
        .await
        .unwrap();
    assert_eq!(
        cluster.ended::<ErrandSaga>("trip-1").await,
        SagaOutcome::Completed
    );
    assert!(
        cluster.clock.now() >= due,
        "{} is before {due}",
        cluster.clock.now()
    );
    assert_eq!(cluster.provider.count("act trip-1/notify"), 2);
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_hint_about_a_step_that_does_not_wait_is_rejected() {
    let cluster = TestCluster::new();
    let node = cluster.node::<ErrandSaga>("one");
    cluster.provider.set("refund", Effect::Transient);
    cluster.begin::<ErrandSaga>("trip-1").await;
    cluster.tried::<ErrandSaga>("trip-1", "refund", 8).await;
    let before = cluster.recorded::<ErrandSaga>("trip-1").await;
    for key in ["trip-1/notify/0", "trip-1/refund/1", "trip-1/party/0", ""] {
        let rejected = cluster.hint::<ErrandSaga>("trip-1", key).await;
        assert_eq!(rejected, Err(ActionRejected::NothingWaits), "{key}");
    }
    let unknown = cluster
        .hint::<ErrandSaga>("missing", "missing/refund/0")
        .await;
    assert_eq!(unknown, Err(ActionRejected::Unknown));
    assert_eq!(cluster.recorded::<ErrandSaga>("trip-1").await, before);
    node.abort().await;
}

#[tokio::test(start_paused = true)]
async fn a_hint_does_not_resume_a_suspended_saga() {
    let cluster = TestCluster::new();
    let node = cluster.node::<Purchase>("one");
    cluster.provider.set("notify", Effect::Transient);
    cluster.begin::<Purchase>("trip-1").await;
    cluster.suspended::<Purchase>("trip-1").await;
    let tries = cluster.provider.count("act trip-1/notify");
    let rejected = cluster.hint::<Purchase>("trip-1", "trip-1/notify/0").await;
    assert_eq!(rejected, Err(ActionRejected::NothingWaits));
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert_eq!(cluster.provider.count("act trip-1/notify"), tries);
    node.stop().await;
}
