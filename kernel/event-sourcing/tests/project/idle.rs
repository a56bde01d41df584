//! How long a checkpoint rests while nothing concerns its projection, and how long events gather.

use super::*;

#[tokio::test(start_paused = true)]
async fn events_that_concern_no_row_are_not_written_one_by_one() {
    let idle = RunnerConfig::new("").idle;
    let fixture = Fixture::new(Rows::default());
    let mut running = fixture.run("one");
    running.until(|state| state.active).await;
    let begun = tokio::time::Instant::now();
    for _ in 0..100 {
        fixture.append_others(1).await;
        tokio::time::sleep(idle / 20).await;
    }
    let most = begun.elapsed().as_millis() / idle.as_millis() + 1;
    // No reader waits for it, and still the checkpoint comes to the end.
    running.reaches(100).await;
    let writes = fixture.rows.table.lock().unwrap().writes as u128;
    assert!(writes <= most, "{writes} writes, and {most} would do");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_position_does_not_wait_for_the_end_of_the_rest() {
    let fixture = Fixture::new(Rows::default());
    let mut running = fixture.run("one");
    running.until(|state| state.active).await;
    let begun = tokio::time::Instant::now();
    // A position that never comes is no reason to write, and does not hide the one that came.
    fixture.rows.demand.send_replace(Position(1_000_000));
    fixture.append_others(3).await;
    fixture.rows.demand.send_replace(Position(2));
    running.reaches(2).await;
    assert_eq!(begun.elapsed(), Duration::ZERO);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_event_that_concerns_a_row_ends_the_rest_at_once() {
    let fixture = Fixture::new(Rows::default());
    let mut running = fixture.run("one");
    running.until(|state| state.active).await;
    let begun = tokio::time::Instant::now();
    fixture.append_others(3).await;
    fixture.append("a", [5]).await;
    running.reaches(4).await;
    assert_eq!(begun.elapsed(), Duration::ZERO);
    assert_eq!(fixture.rows(), sums([("a", 5), ("all", 5)]));
    running.stop().await;
}

/// A runner that has just written a page of six events.
async fn behind_six_events() -> (Fixture, Running, tokio::time::Instant) {
    let fixture = Fixture::new(Rows::default());
    let mut running = fixture.run("one");
    running.until(|state| state.active).await;
    fixture.append("a", 101..=106).await;
    running.reaches(6).await;
    (fixture, running, tokio::time::Instant::now())
}

#[tokio::test(start_paused = true)]
async fn events_gather_the_longer_the_more_the_log_has_grown() {
    let (fixture, mut running, begun) = behind_six_events().await;
    fixture.append("a", [5]).await;
    fixture.append("a", [6]).await;
    running.reaches(8).await;
    assert_eq!(begun.elapsed(), Duration::from_millis(6));
    assert_eq!(fixture.rows.table.lock().unwrap().writes, 2);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn events_gather_also_behind_those_that_concern_no_row() {
    let fixture = Fixture::new(Rows::default());
    let mut running = fixture.run("one");
    running.until(|state| state.active).await;
    let begun = tokio::time::Instant::now();
    fixture.append_others(6).await;
    // By now the runner has seen them.
    tokio::time::sleep(Duration::from_millis(1)).await;
    fixture.append("a", [5]).await;
    running.reaches(7).await;
    assert_eq!(begun.elapsed(), Duration::from_millis(6));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn events_that_gather_do_not_prolong_the_rest_of_a_checkpoint() {
    let idle = RunnerConfig::new("").idle;
    let fixture = Fixture::new(Rows::default());
    let mut running = fixture.run("one");
    running.until(|state| state.active).await;
    let begun = tokio::time::Instant::now();
    for _ in 0..2 {
        fixture.append_others(20).await;
        tokio::time::sleep(idle / 5).await;
    }
    running.reaches(40).await;
    assert_eq!(begun.elapsed(), idle);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_position_does_not_wait_until_events_have_gathered() {
    let (fixture, mut running, begun) = behind_six_events().await;
    fixture.append("a", [5]).await;
    fixture.rows.demand.send_replace(Position(7));
    running.reaches(7).await;
    assert_eq!(begun.elapsed(), Duration::ZERO);
    running.stop().await;
}
