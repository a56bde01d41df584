//! Operators' decisions, and leases of handlers.

use std::time::Duration;

use event_sourcing::handler::{HandlerConfig, HandlerStore, handler_decisions};
use event_sourcing::{Position, Token};

use super::support::{Fixture, memory, operator};

#[tokio::test(start_paused = true)]
async fn a_paused_handler_delivers_nothing_until_it_is_resumed() {
    let fixture = Fixture::new();
    fixture
        .decide(|control| control.pause("sending", operator()))
        .await;
    fixture.append("a", [1, 2]).await;
    let mut running = fixture.run();
    running.until(|state| state.is_paused).await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(fixture.receiver.tries_of("a"), 0);
    fixture
        .decide(|control| control.resume("sending", operator()))
        .await;
    running.reaches(4).await;
    assert_eq!(fixture.receiver.of("a"), [1, 2]);

    fixture
        .decide(|control| control.pause("sending", operator()))
        .await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    fixture.append("a", [3]).await;
    running.until(|state| state.is_paused).await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(fixture.receiver.of("a"), [1, 2]);
    running.stop().await;
    let decisions = handler_decisions(&*fixture.log, "sending").await.unwrap();
    assert_eq!(decisions.len(), 3);
    assert_eq!(decisions[1].position, Position(4));
}

#[tokio::test(start_paused = true)]
async fn one_process_works_and_another_takes_over_when_it_stops() {
    let fixture = Fixture::new();
    let mut first = fixture.run();
    first.until(|state| state.active).await;
    let mut second = fixture.run_with(HandlerConfig {
        owner: "two".to_owned(),
        ..Fixture::config()
    });
    fixture.append("a", [1]).await;
    first.reaches(1).await;
    assert!(!second.state.borrow().active);
    first.stop().await;
    fixture.append("a", [2]).await;
    second.reaches(2).await;
    second.stop().await;
    assert_eq!(fixture.receiver.of("a"), [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_process_with_an_old_token_writes_no_checkpoint() {
    let fixture = Fixture::new();
    let mut zombie = fixture.run();
    zombie.until(|state| state.active).await;
    // Another process has started with the next token; this one still considers its lease valid.
    let started = fixture.store.begin("sending", Token(2)).await.unwrap();
    assert!(started.is_some());
    fixture.append("a", [1]).await;
    zombie.until(|state| !state.active).await;
    assert_eq!(fixture.checkpoint().await, 0);
    zombie.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_replaced_log_is_detected_and_reported() {
    let fixture = Fixture::new();
    fixture.append("a", [1, 2]).await;
    let mut running = fixture.run();
    running.reaches(2).await;
    fixture.log.replace(memory());
    running.until(|state| state.failing.is_some()).await;
    let shown = running.state.borrow().failing.clone().unwrap();
    assert!(shown.contains("log"), "{shown}");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn leases_restored_from_an_older_copy_do_not_block_the_handler() {
    let fixture = Fixture::new();
    // Before the restore the lease had reached token 8.
    let started = fixture.store.begin("sending", Token(8)).await.unwrap();
    assert!(started.is_some());
    let mut running = fixture.run();
    fixture.append("a", [1]).await;
    running.reaches(1).await;
    running.stop().await;
    assert_eq!(fixture.receiver.of("a"), [1]);
}

#[tokio::test(start_paused = true)]
async fn a_pause_takes_effect_within_a_second_even_right_after_a_read() {
    let fixture = Fixture::new();
    let mut running = fixture.run();
    running.until(|state| state.active).await;
    // The event is read together with fresh decisions; the pause is recorded directly after that.
    fixture.append("a", [1]).await;
    running.reaches(1).await;
    fixture
        .decide(|control| control.pause("sending", operator()))
        .await;
    tokio::time::timeout(
        Duration::from_secs(2),
        running.state.wait_for(|state| state.is_paused),
    )
    .await
    .expect("paused in time")
    .unwrap();
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_process_that_lost_the_handler_resets_its_state() {
    let fixture = Fixture::new();
    fixture.append("a", [13]).await;
    let mut running = fixture.run();
    running.until(|state| state.parked == 1).await;
    let started = fixture.store.begin("sending", Token(2)).await.unwrap();
    assert!(started.is_some());
    fixture.append("b", [1]).await;
    running.until(|state| !state.active).await;
    assert_eq!(running.state.borrow().parked, 0);
    running.stop().await;
}
