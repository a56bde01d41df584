//! What a provider says by itself brings the next try of one step forward, and nothing else.

use std::time::Duration;

use event_sourcing::Clock;
use sagas::{ActRefused, Outcome};
use tokio::time::Instant;

use crate::support::{Deed, Town, step};
use crate::trip::{Errands, Purchase};

#[tokio::test(start_paused = true)]
async fn the_step_of_the_hint_is_tried_now() {
    let town = Town::new();
    let node = town.node::<Errands>("one");
    town.desk.set("refund", Deed::NotDone);
    town.begin::<Errands>("trip-1").await;
    // By now the pause is at least half a minute.
    town.tried::<Errands>("trip-1", "refund", 8).await;
    town.desk.set("refund", Deed::Good);
    let before = Instant::now();
    town.hint::<Errands>("trip-1", "trip-1/refund/0")
        .await
        .unwrap();
    assert_eq!(town.ended::<Errands>("trip-1").await, Outcome::Completed);
    assert!(before.elapsed() < Duration::from_secs(1));
    let ended = town.hint::<Errands>("trip-1", "trip-1/refund/0").await;
    assert_eq!(ended, Err(ActRefused::Ended));
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_step_beside_it_waits_for_as_long_as_its_own_provider_asked_for() {
    let town = Town::new();
    let node = town.node::<Errands>("one");
    town.desk.set("notify", Deed::Busy(Duration::from_mins(20)));
    town.desk.set("refund", Deed::NotDone);
    town.begin::<Errands>("trip-1").await;
    let state = town.tried::<Errands>("trip-1", "notify", 1).await;
    let due = step(&state, "notify").retry_at.unwrap();
    town.tried::<Errands>("trip-1", "refund", 8).await;
    town.desk.set("notify", Deed::Good);
    town.desk.set("refund", Deed::Good);
    town.hint::<Errands>("trip-1", "trip-1/refund/0")
        .await
        .unwrap();
    assert_eq!(town.ended::<Errands>("trip-1").await, Outcome::Completed);
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
    let town = Town::new();
    let node = town.node::<Errands>("one");
    town.desk.set("refund", Deed::NotDone);
    town.begin::<Errands>("trip-1").await;
    town.tried::<Errands>("trip-1", "refund", 8).await;
    let before = town.told::<Errands>("trip-1").await;
    for key in ["trip-1/notify/0", "trip-1/refund/1", "trip-1/party/0", ""] {
        let refused = town.hint::<Errands>("trip-1", key).await;
        assert_eq!(refused, Err(ActRefused::NothingWaits), "{key}");
    }
    let unknown = town.hint::<Errands>("nobody", "nobody/refund/0").await;
    assert_eq!(unknown, Err(ActRefused::Unknown));
    assert_eq!(town.told::<Errands>("trip-1").await, before);
    node.abort().await;
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_person_is_not_hurried() {
    let town = Town::new();
    let node = town.node::<Purchase>("one");
    town.desk.set("notify", Deed::NotDone);
    town.begin::<Purchase>("trip-1").await;
    town.suspended::<Purchase>("trip-1").await;
    let tries = town.desk.count("act trip-1/notify");
    let refused = town.hint::<Purchase>("trip-1", "trip-1/notify/0").await;
    assert_eq!(refused, Err(ActRefused::NothingWaits));
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert_eq!(town.desk.count("act trip-1/notify"), tries);
    node.stop().await;
}
