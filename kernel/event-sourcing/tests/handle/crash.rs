//! Processes that stop or crash at any moment.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::support::{Fixture, Sending};

#[tokio::test(start_paused = true)]
async fn a_delivery_in_progress_at_a_stop_finishes_and_is_not_repeated() {
    let fixture = Fixture::new();
    fixture.receiver.gate.forget_permits(usize::MAX);
    fixture.append("a", [1, 2]).await;
    let running = fixture.run();
    while fixture.receiver.in_flight.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let stopping = tokio::spawn(running.stop());
    tokio::time::sleep(Duration::from_secs(1)).await;
    fixture.receiver.gate.add_permits(10);
    stopping.await.unwrap();
    assert_eq!(fixture.checkpoint().await, 1);
    let mut running = fixture.run();
    running.reaches(2).await;
    running.stop().await;
    assert_eq!(fixture.receiver.of("a"), [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn the_first_start_is_recorded_before_an_event_is_delivered() {
    let fixture = Fixture::new();
    fixture.append("a", [1]).await;
    fixture.receiver.gate.forget_permits(usize::MAX);
    let run = || {
        let handler = Sending::<false>(Arc::clone(&fixture.receiver));
        fixture.run_handler(handler, Fixture::config())
    };
    let mut running = run();
    running.until(|state| state.active).await;
    fixture.append("a", [2]).await;
    while fixture.receiver.in_flight.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    running.kill().await;
    fixture.receiver.gate.add_permits(10);
    let mut running = run();
    running.reaches(2).await;
    running.stop().await;
    assert_eq!(fixture.receiver.of("a"), [2]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_only_for_the_grace_period_for_an_unresponsive_receiver() {
    let fixture = Fixture::new();
    fixture.receiver.gate.forget_permits(usize::MAX);
    fixture.append("a", [1]).await;
    let running = fixture.run();
    while fixture.receiver.in_flight.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let stopped = tokio::time::timeout(Duration::from_secs(5), running.stop());
    stopped.await.expect("a stop in time");
    fixture.receiver.gate.add_permits(10);
    let mut running = fixture.run();
    running.reaches(1).await;
    running.stop().await;
    assert_eq!(fixture.receiver.of("a"), [1]);
}

/// A random number generator whose seed reproduces a failure.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % limit
    }
}

/// Events, permanent and transient failures, decisions and crashes in any order: no event is lost, and the events of
/// each stream are first delivered in order.
#[tokio::test(start_paused = true)]
async fn whatever_happens_every_event_is_delivered_in_the_order_of_its_stream() {
    for seed in 0..60 {
        let mut random = Random(seed);
        let fixture = Fixture::new();
        let mut expected = vec![Vec::new(); 4];
        let mut running = fixture.run();
        for number in 0..120 {
            let stream = random.below(4);
            // From 1,000 on, so that these numbers differ from 7 and 13, which fail.
            let by = match random.below(15) {
                0 if !expected[index(stream)].contains(&13) => 13,
                1 if !expected[index(stream)].contains(&7) => 7,
                _ => 1_000 + number,
            };
            expected[index(stream)].push(by);
            fixture.append(&stream.to_string(), [by]).await;
            match random.below(12) {
                0 => {
                    running.kill().await;
                    running = fixture.run();
                }
                1 => {
                    running.stop().await;
                    running = fixture.run();
                }
                2 => fixture
                    .receiver
                    .failures
                    .store(random.below(4), Ordering::SeqCst),
                3 => fixture.resume_stream(&random.below(4).to_string()).await,
                4 => {
                    let is_broken = random.below(2) == 0;
                    fixture
                        .receiver
                        .is_broken
                        .store(is_broken, Ordering::SeqCst);
                }
                _ => tokio::time::sleep(Duration::from_millis(random.below(3_000))).await,
            }
        }
        fixture.receiver.repair();
        fixture.receiver.failures.store(0, Ordering::SeqCst);
        running.stop().await;
        // A start retries all parked streams.
        let mut running = fixture.run();
        running
            .until(|state| state.active && state.parked == 0)
            .await;
        let head = running.state.borrow().head.0;
        running.reaches(head.max(120)).await;
        running.until(|state| state.parked == 0).await;
        running.stop().await;
        for (stream, expected) in expected.iter().enumerate() {
            let first = fixture.receiver.first_of(&stream.to_string());
            assert_eq!(first, *expected, "seed {seed}, stream {stream}");
        }
        assert!(fixture.parked().await.is_empty(), "seed {seed}");
    }
}

fn index(stream: u64) -> usize {
    usize::try_from(stream).unwrap()
}
