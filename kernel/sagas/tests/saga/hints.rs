//! What a provider says by itself brings the next try of one step forward, and nothing else.

use std::time::Duration;

use event_sourcing::Clock;
use sagas::{ActionRejected, SagaOutcome};
use tokio::time::Instant;

use crate::support::{Effect, TestCluster, step};
use crate::trip::{ErrandSaga, Purchase};

#[tokio::test(start_paused = true)]
async fn the_step_of_the_hint_is_tried_now() {
    let town = TestCluster::new();
    let node = town.node::<ErrandSaga>("one");
    town.desk.set("refund", Effect::Transient);
    town.begin::<ErrandSaga>("trip-1").await;
    // By now the pause is at least half a minute.
    town.tried::<ErrandSaga>("trip-1", "refund", 8).await;
    town.desk.set("refund", Effect::Good);
    let before = Instant::now();
    town.hint::<ErrandSaga>("trip-1", "trip-1/refund/0")
        .await
        .unwrap();
    assert_eq!(
        town.ended::<ErrandSaga>("trip-1").await,
        SagaOutcome::Completed
    );
    assert!(before.elapsed() < Duration::from_secs(1));
    let ended = town.hint::<ErrandSaga>("trip-1", "trip-1/refund/0").await;
    assert_eq!(ended, Err(ActionRejected::Ended));
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_step_beside_it_waits_for_as_long_as_its_own_provider_asked_for() {
    let town = TestCluster::new();
    let node = town.node::<ErrandSaga>("one");
    town.desk
        .set("notify", Effect::Busy(Duration::from_mins(20)));
    town.desk.set("refund", Effect::Transient);
    town.begin::<ErrandSaga>("trip-1").await;
    let state = town.tried::<ErrandSaga>("trip-1", "notify", 1).await;
    let due = step(&state, "notify").retry_at.unwrap();
    town.tried::<ErrandSaga>("trip-1", "refund", 8).await;
    town.desk.set("notify", Effect::Good);
    town.desk.set("refund", Effect::Good);
    town.hint::<ErrandSaga>("trip-1", "trip-1/refund/0")
        .await
        .unwrap();
    assert_eq!(
        town.ended::<ErrandSaga>("trip-1").await,
        SagaOutcome::Completed
    );
    assert!(
        town.clock.now() >= due,
        "{} is before {due}",
        town.clock.now()
    );
    assert_eq!(town.desk.count("act trip-1/notify"), 2);
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_hint_about_what_does_not_wait_comes_to_nothing() {
    let town = TestCluster::new();
    let node = town.node::<ErrandSaga>("one");
    town.desk.set("refund", Effect::Transient);
    town.begin::<ErrandSaga>("trip-1").await;
    town.tried::<ErrandSaga>("trip-1", "refund", 8).await;
    let before = town.recorded::<ErrandSaga>("trip-1").await;
    for key in ["trip-1/notify/0", "trip-1/refund/1", "trip-1/party/0", ""] {
        let refused = town.hint::<ErrandSaga>("trip-1", key).await;
        assert_eq!(refused, Err(ActionRejected::NothingWaits), "{key}");
    }
    let unknown = town.hint::<ErrandSaga>("nobody", "nobody/refund/0").await;
    assert_eq!(unknown, Err(ActionRejected::Unknown));
    assert_eq!(town.recorded::<ErrandSaga>("trip-1").await, before);
    node.abort().await;
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_person_is_not_hurried() {
    let town = TestCluster::new();
    let node = town.node::<Purchase>("one");
    town.desk.set("notify", Effect::Transient);
    town.begin::<Purchase>("trip-1").await;
    town.suspended::<Purchase>("trip-1").await;
    let tries = town.desk.count("act trip-1/notify");
    let refused = town.hint::<Purchase>("trip-1", "trip-1/notify/0").await;
    assert_eq!(refused, Err(ActionRejected::NothingWaits));
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert_eq!(town.desk.count("act trip-1/notify"), tries);
    node.stop().await;
}
