//! A parked projection: what parks it, and how it resumes.

use super::*;

/// Longer than any polling interval.
const LONG: Duration = Duration::from_mins(10);

impl Running {
    async fn parks_at(&mut self, position: u64) -> String {
        self.until(|state| state.parked.is_some()).await;
        let parked = self.state.borrow().parked.clone().unwrap();
        assert_eq!(parked.position, Position(position));
        parked.reason
    }
}

impl Fixture {
    /// The same log with another query database.
    fn with_other_rows(&self) -> Self {
        Self {
            log: Arc::clone(&self.log),
            leases: Arc::clone(&self.leases),
            epoch: self.epoch,
            rows: Arc::default(),
        }
    }

    fn calls(&self) -> usize {
        self.rows.calls.load(Ordering::Relaxed)
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_event_type_in_a_followed_stream_parks_it() {
    let fixture = Fixture::new(Rows::default());
    fixture.append("a", [1, 2]).await;
    let unknown = EncodedEvent {
        event_type: "Reset",
        schema_version: 1,
        data: "{}".to_owned(),
    };
    fixture.append_others(1).await;
    fixture.append_one("a", unknown).await;
    fixture.append("a", [4]).await;
    let mut running = fixture.run("one");
    let reason = running.parks_at(4).await;
    assert!(reason.contains("Reset"), "{reason}");
    assert_eq!(fixture.rows(), sums([("a", 3), ("all", 3)]));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_event_parks_it_only_if_it_matches() {
    let fixture = Fixture::new(Rows::default());
    fixture.append_others(1).await;
    fixture.append("a", [1, 2, 4]).await;
    for position in [1, 3] {
        fixture
            .log
            .current()
            .damage(Position(position), "its metadata cannot be read");
    }
    let mut running = fixture.run("one");
    let reason = running.parks_at(3).await;
    assert_eq!(reason, "its metadata cannot be read");
    assert_eq!(fixture.rows(), sums([("a", 1), ("all", 1)]));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn it_retries_at_each_start_and_on_request_and_not_by_itself() {
    let fixture = Fixture::new(Rows::default());
    fixture.append("a", [1, 2, 4]).await;
    fixture.log.current().damage(Position(2), "damaged");
    let mut running = fixture.run("one");
    running.parks_at(2).await;
    let tries = fixture.calls();
    fixture.log.current().repair(Position(2));
    tokio::time::sleep(LONG).await;
    // The log grows, and another projection is resumed: neither causes a retry.
    fixture.append("a", [8]).await;
    fixture
        .append_to(
            ProjectionControl::stream("another"),
            ControlEvent::Resumed(ProjectionResumed {
                projection: "another".to_owned(),
                actor: operator(),
            })
            .encode(),
        )
        .await;
    tokio::time::sleep(LONG).await;
    assert_eq!(
        (fixture.calls(), fixture.rows.table.lock().unwrap().position),
        (tries, Position(1))
    );
    fixture.resume().await;
    running.reaches(6).await;
    assert_eq!(running.state.borrow().parked, None);
    assert_eq!(fixture.rows(), sums([("a", 15), ("all", 15)]));
    running.stop().await;

    // The same after a restart.
    let other = fixture.with_other_rows();
    fixture.log.current().damage(Position(2), "damaged");
    let mut running = other.run("one");
    running.parks_at(2).await;
    running.stop().await;
    fixture.log.current().repair(Position(2));
    let mut running = other.run("one");
    running.reaches(6).await;
    assert_eq!(other.rows(), sums([("a", 15), ("all", 15)]));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_resumed_projection_that_still_cannot_read_the_event_is_parked_again() {
    let fixture = Fixture::new(Rows::default());
    fixture.append("a", [1, 13, 4]).await;
    let mut running = fixture.run("one");
    running.parks_at(2).await;
    let tries = fixture.calls();
    for request in 1..=3 {
        fixture.resume().await;
        tokio::time::sleep(LONG).await;
        assert_eq!(fixture.calls(), tries + request);
        running.parks_at(2).await;
    }
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_skip_applies_to_every_database_and_every_rebuild() {
    let fixture = Fixture::new(Rows::default());
    fixture.append("a", [1, 13, 4, 13, 8]).await;
    let mut running = fixture.run("one");
    running.parks_at(2).await;
    fixture.skip(2).await;
    running.until(|state| state.position >= Position(3)).await;
    running.parks_at(4).await;
    fixture.skip(4).await;
    running.reaches(5).await;
    assert_eq!(fixture.rows(), sums([("a", 13), ("all", 13)]));
    running.stop().await;
    // A newer binary could fold them, and skips them too.
    for is_newer in [false, true] {
        let rebuilt = fixture.with_other_rows();
        let mut running = if is_newer {
            rebuilt.run_binary::<true>("one")
        } else {
            rebuilt.run("one")
        };
        running.reaches(5).await;
        assert_eq!(rebuilt.rows(), fixture.rows());
        running.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_skip_applies_to_a_runner_that_reaches_the_event_later() {
    let fixture = Fixture::new(Rows::default());
    let mut running = fixture.run_binary::<true>("one");
    running.until(|state| state.active).await;
    // The operator skipped an event that another database is parked at; this one has not reached it yet.
    fixture.append("a", [1]).await;
    running.reaches(1).await;
    fixture.skip(3).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    fixture.append("a", [13]).await;
    running.reaches(3).await;
    assert_eq!(fixture.rows(), sums([("a", 1), ("all", 1)]));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn another_binary_takes_the_lease_of_a_parked_runner() {
    let fixture = Fixture::new(Rows::default());
    fixture.append("a", [1, 13, 4]).await;
    let mut old = fixture.run("old");
    old.parks_at(2).await;
    let mut new = fixture.run_binary::<true>("new");
    new.reaches(3).await;
    assert_eq!(fixture.rows(), sums([("a", 18), ("all", 18)]));
    // The old one detects it, and waits for the lease like any other.
    old.until(|state| state.parked.is_none()).await;
    assert!(!old.state.borrow().active);
    new.stop().await;
    fixture.append("a", [8]).await;
    old.reaches(4).await;
    assert_eq!(fixture.rows(), sums([("a", 26), ("all", 26)]));
    fixture.append("a", [13]).await;
    old.parks_at(5).await;
    old.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_decision_is_skipped_and_the_next_one_takes_effect() {
    let fixture = Fixture::new(Rows::default());
    fixture.append("a", [1, 13]).await;
    let mut running = fixture.run("one");
    running.parks_at(2).await;
    fixture.log.current().damage(Position(3), "damaged");
    fixture.skip(2).await;
    tokio::time::sleep(LONG).await;
    running.parks_at(2).await;
    let unknown = EncodedEvent {
        event_type: "ProjectionOfNextYear",
        schema_version: 1,
        data: "{}".to_owned(),
    };
    fixture
        .append_to(ProjectionControl::stream(Old::NAME), unknown)
        .await;
    fixture.skip(2).await;
    running.reaches(2).await;
    running.stop().await;
}
