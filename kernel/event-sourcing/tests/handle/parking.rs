//! Parked streams: what parks one, what continues, and how it resumes.

use std::sync::atomic::Ordering;
use std::time::Duration;

use event_sourcing::handler::HandlerConfig;
use event_sourcing::{EncodedEvent, Position};

use super::support::{Fixture, operator};

fn unknown() -> EncodedEvent {
    EncodedEvent {
        event_type: "Reset",
        schema_version: 1,
        data: "{}".to_owned(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_permanent_failure_parks_its_stream_and_all_others_continue() {
    let fixture = Fixture::new();
    fixture.append("a", [1, 13, 3]).await;
    fixture.append("b", [1, 2]).await;
    let mut running = fixture.run();
    running.reaches(5).await;
    fixture.append("a", [4]).await;
    fixture.append("b", [3]).await;
    running.reaches(7).await;
    assert_eq!(fixture.receiver.of("a"), [1]);
    assert_eq!(fixture.receiver.of("b"), [1, 2, 3]);
    let parked = fixture.parked().await;
    let row = &parked["a"];
    assert_eq!((row.position, row.version.0), (Position(2), 2));
    assert_eq!(row.reason, "13 is not taken");
    assert_eq!(row.event_type, "Incremented");
    assert_eq!(fixture.receiver.tries_of("a"), 2, "it is not retried");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_event_that_keeps_failing_is_parked_after_the_maximum_of_attempts() {
    let fixture = Fixture::new();
    fixture.append("a", [7, 8]).await;
    let mut running = fixture.run();
    running.until(|state| state.parked == 1).await;
    running.reaches(2).await;
    assert_eq!(fixture.receiver.tries_of("a"), 10);
    assert_eq!(fixture.parked().await["a"].reason, "7 is not taken now");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_unknown_or_unreadable_event_parks_its_stream() {
    let fixture = Fixture::new();
    fixture.append_one("a", unknown()).await;
    fixture.append("b", [1, 2]).await;
    fixture.append("c", [1]).await;
    let log = fixture.log.current();
    log.damage(Position(2), "its metadata cannot be read");
    let mut running = fixture.run();
    running.reaches(4).await;
    let parked = fixture.parked().await;
    assert!(parked["a"].reason.contains("Reset"), "{parked:?}");
    assert_eq!(parked["b"].reason, "its metadata cannot be read");
    assert_eq!(fixture.receiver.of("b"), [0; 0]);
    assert_eq!(fixture.receiver.of("c"), [1]);
    // A start of another binary retries it without an operator.
    running.stop().await;
    log.repair(Position(2));
    let mut running = fixture.run();
    running.until(|state| state.parked == 1).await;
    assert_eq!(fixture.receiver.of("b"), [1, 2]);
    running.stop().await;
    assert!(!fixture.parked().await.contains_key("b"));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_resumes_gets_all_its_events_in_order_and_then_the_new_ones() {
    let fixture = Fixture::new();
    fixture.append("a", [1, 13]).await;
    fixture.append("b", [1]).await;
    // More than one page of the stream.
    fixture.append("a", 100..350).await;
    let mut running = fixture.run();
    running.reaches(253).await;
    fixture.receiver.repair();
    fixture.resume_stream("a").await;
    fixture.append("a", 350..360).await;
    running
        .until(|state| state.parked == 0 && state.position.0 >= 264)
        .await;
    fixture.append("a", [360]).await;
    running.reaches(265).await;
    running.stop().await;
    let expected: Vec<_> = [1, 13].into_iter().chain(100..=360).collect();
    assert_eq!(fixture.receiver.of("a"), expected);
    assert!(fixture.parked().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_resumes_and_fails_again_is_parked_where_it_fails() {
    let fixture = Fixture::new();
    fixture.append("a", [1, 13, 2]).await;
    let mut running = fixture.run();
    running.reaches(3).await;
    fixture.resume_stream("a").await;
    running.reaches(4).await;
    fixture.skip("a", 2).await;
    fixture.append("a", [13, 3]).await;
    running.reaches(7).await;
    while fixture.parked().await["a"].position != Position(6) {
        running.state.changed().await.unwrap();
    }
    assert_eq!(fixture.receiver.of("a"), [1, 2]);
    fixture.receiver.repair();
    fixture.resume_stream("a").await;
    running.until(|state| state.parked == 0).await;
    running.stop().await;
    assert_eq!(fixture.receiver.of("a"), [1, 2, 13, 3]);
}

#[tokio::test(start_paused = true)]
async fn a_skipped_event_is_not_delivered_and_the_later_ones_are() {
    let fixture = Fixture::new();
    fixture.append("a", [1, 13, 2]).await;
    let mut running = fixture.run();
    running.reaches(3).await;
    fixture.skip("a", 2).await;
    running
        .until(|state| state.parked == 0 && state.position.0 >= 3)
        .await;
    running.stop().await;
    assert_eq!(fixture.receiver.of("a"), [1, 2]);
    // A handler that starts again without a checkpoint skips it too.
    let restarted = Fixture {
        store: std::sync::Arc::default(),
        ..fixture
    };
    let mut running = restarted.run();
    running.reaches(4).await;
    running.stop().await;
    assert_eq!(restarted.receiver.of("a"), [1, 2, 1, 2]);
}

#[tokio::test(start_paused = true)]
async fn with_too_many_parked_streams_it_stops_reading_until_they_are_resumed() {
    let fixture = Fixture::new();
    for stream in 0..4 {
        fixture.append(&format!("stream {stream}"), [13]).await;
    }
    let mut running = fixture.run_with(HandlerConfig {
        page: 4,
        max_parked: 3,
        ..Fixture::config()
    });
    running.until(|state| state.is_full).await;
    fixture.append("healthy", [1]).await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(fixture.receiver.tries_of("healthy"), 0);
    assert_eq!(running.state.borrow().parked, 4);
    fixture.receiver.is_broken.store(false, Ordering::SeqCst);
    fixture
        .decide(|control| control.resume("sending", operator()))
        .await;
    running
        .until(|state| state.parked == 0 && state.position.0 >= 6)
        .await;
    running.stop().await;
    assert_eq!(fixture.receiver.of("healthy"), [1]);
    assert_eq!(fixture.receiver.handled.lock().unwrap().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_skipped_during_its_last_attempt_does_not_park_its_stream() {
    let fixture = Fixture::new();
    fixture.append("a", [13, 2]).await;
    let mut running = fixture.run();
    running.until(|state| state.parked == 1).await;
    running.reaches(2).await;
    fixture.receiver.gate.forget_permits(usize::MAX);
    fixture.resume_stream("a").await;
    while fixture.receiver.in_flight.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    fixture.skip("a", 1).await;
    running.until(|state| state.head.0 == 4).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    fixture.receiver.gate.add_permits(10);
    running.until(|state| state.parked == 0).await;
    running.stop().await;
    assert_eq!(fixture.receiver.of("a"), [2]);
}
