//! How long a checkpoint write is delayed while no event matches, and how long events accumulate.

use super::*;

#[tokio::test(start_paused = true)]
async fn events_that_do_not_match_are_not_written_one_by_one() {
    let idle = RunnerConfig::new("").idle;
    let fixture = Fixture::new(Rows::default());
    let mut running = fixture.run("one");
    running.until(|state| state.active).await;
    let start = tokio::time::Instant::now();
    for _ in 0..100 {
        fixture.append_others(1).await;
        tokio::time::sleep(idle / 20).await;
    }
    let most = start.elapsed().as_millis() / idle.as_millis() + 1;
    // The checkpoint reaches the head although no reader waits for it.
    running.reaches(100).await;
    let writes = fixture.rows.table.lock().unwrap().writes as u128;
    assert!(writes <= most, "{writes} writes, but {most} are enough");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_requested_position_is_written_without_the_delay() {
    let fixture = Fixture::new(Rows::default());
    let mut running = fixture.run("one");
    running.until(|state| state.active).await;
    let start = tokio::time::Instant::now();
    // A requested position above the head does not cause a write, and does not hide a reachable one.
    fixture.rows.demand.send_replace(Position(1_000_000));
    fixture.append_others(3).await;
    fixture.rows.demand.send_replace(Position(2));
    running.reaches(2).await;
    assert_eq!(start.elapsed(), Duration::ZERO);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_matching_event_ends_the_delay_immediately() {
    let fixture = Fixture::new(Rows::default());
    let mut running = fixture.run("one");
    running.until(|state| state.active).await;
    let start = tokio::time::Instant::now();
    fixture.append_others(3).await;
    fixture.append("a", [5]).await;
    running.reaches(4).await;
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!(fixture.rows(), sums([("a", 5), ("all", 5)]));
    running.stop().await;
}

/// A runner that has just written a page of six events.
async fn after_six_events() -> (Fixture, Running, tokio::time::Instant) {
    let fixture = Fixture::new(Rows::default());
    let mut running = fixture.run("one");
    running.until(|state| state.active).await;
    fixture.append("a", 101..=106).await;
    running.reaches(6).await;
    (fixture, running, tokio::time::Instant::now())
}

#[tokio::test(start_paused = true)]
async fn events_accumulate_longer_the_more_the_log_has_grown() {
    let (fixture, mut running, start) = after_six_events().await;
    fixture.append("a", [5]).await;
    fixture.append("a", [6]).await;
    running.reaches(8).await;
    assert_eq!(start.elapsed(), Duration::from_millis(6));
    assert_eq!(fixture.rows.table.lock().unwrap().writes, 2);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn events_also_accumulate_after_events_that_do_not_match() {
    let fixture = Fixture::new(Rows::default());
    let mut running = fixture.run("one");
    running.until(|state| state.active).await;
    let start = tokio::time::Instant::now();
    fixture.append_others(6).await;
    // The runner has read them by now.
    tokio::time::sleep(Duration::from_millis(1)).await;
    fixture.append("a", [5]).await;
    running.reaches(7).await;
    assert_eq!(start.elapsed(), Duration::from_millis(6));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn accumulating_events_does_not_prolong_the_delay_of_a_checkpoint() {
    let idle = RunnerConfig::new("").idle;
    let fixture = Fixture::new(Rows::default());
    let mut running = fixture.run("one");
    running.until(|state| state.active).await;
    let start = tokio::time::Instant::now();
    for _ in 0..2 {
        fixture.append_others(20).await;
        tokio::time::sleep(idle / 5).await;
    }
    running.reaches(40).await;
    assert_eq!(start.elapsed(), idle);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_requested_position_is_written_without_accumulating_events() {
    let (fixture, mut running, start) = after_six_events().await;
    fixture.append("a", [5]).await;
    fixture.rows.demand.send_replace(Position(7));
    running.reaches(7).await;
    assert_eq!(start.elapsed(), Duration::ZERO);
    running.stop().await;
}
