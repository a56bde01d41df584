//! Order, repeats and the checkpoint.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use event_sourcing::handler::HandlerConfig;
use event_sourcing::testing::doc::Counter;
use event_sourcing::{Aggregate, EncodedEvent};

use super::support::{Fixture, Sending};

#[tokio::test(start_paused = true)]
async fn each_event_is_delivered_once_in_the_order_of_its_stream_and_not_again_after_a_restart() {
    let fixture = Fixture::new();
    for by in 101..=130 {
        fixture.append("a", [by]).await;
        fixture.append("b", [by + 100]).await;
    }
    let mut running = fixture.run();
    running.reaches(60).await;
    running.stop().await;
    let mut running = fixture.run();
    fixture.append("a", [131]).await;
    running.reaches(61).await;
    running.stop().await;
    assert_eq!(fixture.receiver.of("a"), (101..=131).collect::<Vec<_>>());
    assert_eq!(fixture.receiver.of("b"), (201..=230).collect::<Vec<_>>());
    assert_eq!(fixture.checkpoint().await, 61);
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_starts_now_gets_no_earlier_events_and_all_later_ones() {
    let fixture = Fixture::new();
    fixture.append("a", [1, 2, 3]).await;
    let run = || {
        let handler = Sending::<false>(Arc::clone(&fixture.receiver));
        fixture.run_handler(handler, Fixture::config())
    };
    let mut running = run();
    running.until(|state| state.active).await;
    running.stop().await;
    // Events appended while no process runs are not missed.
    fixture.append("a", [4]).await;
    let mut running = run();
    running.reaches(4).await;
    running.stop().await;
    assert_eq!(fixture.receiver.of("a"), [4]);
}

#[tokio::test(start_paused = true)]
async fn a_failed_event_is_retried_with_the_same_key_before_the_next_of_its_stream() {
    let fixture = Fixture::new();
    fixture.receiver.failures.store(3, Ordering::SeqCst);
    fixture.append("a", [1, 2]).await;
    let mut running = fixture.run();
    running.reaches(2).await;
    running.stop().await;
    let tries = fixture.receiver.tries.lock().unwrap();
    let numbers: Vec<_> = tries.iter().map(|(_, by, _)| *by).collect();
    assert_eq!(numbers, [1, 1, 1, 1, 2]);
    assert!(tries[..4].iter().all(|(.., key)| *key == tries[0].2));
    assert_ne!(tries[4].2, tries[0].2);
    assert!(tries[0].2.starts_with("sending/"), "{}", tries[0].2);
}

#[tokio::test(start_paused = true)]
async fn streams_are_delivered_concurrently_up_to_a_limit_and_a_waiting_retry_does_not_count() {
    let fixture = Fixture::new();
    fixture.append("retries", [7]).await;
    for stream in 0..20 {
        fixture.append(&format!("stream {stream}"), [1]).await;
    }
    let mut running = fixture.run_with(HandlerConfig {
        concurrency: 4,
        ..Fixture::config()
    });
    running.until(|state| state.retrying == 1).await;
    while fixture.receiver.handled.lock().unwrap().len() < 20 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(fixture.receiver.most_in_flight.load(Ordering::SeqCst), 4);
    // The checkpoint stays before the event that is not done.
    assert_eq!(fixture.checkpoint().await, 0);
    fixture.receiver.repair();
    running.reaches(21).await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn it_reads_no_more_than_its_limit_while_deliveries_are_blocked() {
    let fixture = Fixture::new();
    fixture.receiver.gate.forget_permits(usize::MAX);
    for stream in 0..60 {
        fixture.append(&format!("stream {stream}"), [1]).await;
    }
    let mut running = fixture.run_with(HandlerConfig {
        max_pending: 20,
        attempt_timeout: Duration::from_hours(2),
        ..Fixture::config()
    });
    running.until(|state| state.head.0 == 60).await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(fixture.receiver.in_flight.load(Ordering::SeqCst), 16);
    fixture.receiver.gate.add_permits(60);
    running.reaches(60).await;
    running.stop().await;
    assert_eq!(fixture.receiver.handled.lock().unwrap().len(), 60);
}

#[tokio::test(start_paused = true)]
async fn events_that_do_not_match_advance_the_checkpoint() {
    let fixture = Fixture::new();
    for _ in 0..30 {
        let renamed = EncodedEvent {
            event_type: "Renamed",
            schema_version: 1,
            data: "{}".to_owned(),
        };
        fixture.append_to(Counter::stream("a"), renamed).await;
    }
    let mut running = fixture.run();
    running.reaches(30).await;
    running.stop().await;
    assert_eq!(fixture.receiver.tries_of("a"), 0);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_times_out_is_retried() {
    let fixture = Fixture::new();
    fixture.receiver.gate.forget_permits(usize::MAX);
    fixture.append("a", [1]).await;
    let mut running = fixture.run();
    running.until(|state| state.retrying == 1).await;
    fixture.receiver.gate.add_permits(1);
    running.reaches(1).await;
    running.stop().await;
    assert_eq!(fixture.receiver.of("a"), [1]);
}
