//! A log that was restored from an older copy, or replaced, is detected, and the read model is rebuilt.

use event_sourcing::{EventStore, Position, Tail};

use super::*;

impl Fixture {
    /// Restores the log to `position`; later events differ from those before.
    fn restore(&mut self, position: u64) {
        self.log.restore(Position(position));
        self.epoch += 1;
    }

    fn restarts(&self) -> usize {
        self.rows.table.lock().unwrap().restarts
    }

    /// Waits until the runner has rebuilt the rows from the current log.
    async fn is_rebuilt(&self, running: &mut Running) {
        let head = self.log.head().await.unwrap();
        running
            .until(|state| self.restarts() > 0 && state.caught_up && state.position == head)
            .await;
        assert_eq!(self.restarts(), 1);
    }
}

async fn at_ten() -> (Fixture, Running) {
    let fixture = Fixture::new(Rows::default());
    fixture.append("a", 101..=110).await;
    let mut running = fixture.run("one");
    running.reaches(10).await;
    (fixture, running)
}

#[tokio::test(start_paused = true)]
async fn a_shorter_log_is_detected_while_idle() {
    let (mut fixture, mut running) = at_ten().await;
    fixture.restore(4);
    fixture.is_rebuilt(&mut running).await;
    assert_eq!(fixture.rows(), sums([("a", 410), ("all", 410)]));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_restored_log_that_has_grown_is_detected_by_its_events() {
    let (mut fixture, mut running) = at_ten().await;
    fixture.restore(4);
    fixture.append("b", 201..=220).await;
    fixture.is_rebuilt(&mut running).await;
    assert_eq!(
        fixture.rows(),
        sums([("a", 410), ("b", 4_210), ("all", 4_620)])
    );
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_log_restored_while_no_process_ran_is_detected_at_the_start() {
    let (mut fixture, running) = at_ten().await;
    running.stop().await;
    fixture.restore(4);
    fixture.append("b", 201..=220).await;
    let mut running = fixture.run("one");
    fixture.is_rebuilt(&mut running).await;
    assert_eq!(
        fixture.rows(),
        sums([("a", 410), ("b", 4_210), ("all", 4_620)])
    );
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn another_log_is_detected_by_its_id() {
    let (fixture, mut running) = at_ten().await;
    fixture.log.replace(memory());
    // The same events: only the log's id differs.
    fixture.append("a", 101..=110).await;
    fixture.is_rebuilt(&mut running).await;
    assert_eq!(fixture.rows(), sums([("a", 1_055), ("all", 1_055)]));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn events_of_the_old_log_buffered_in_a_tail_are_not_folded() {
    let mut fixture = Fixture::new(Rows::default());
    fixture.append("a", 101..=110).await;
    let log = Arc::clone(&fixture.log) as Arc<dyn EventStore>;
    let tail: Arc<dyn EventStore> = Arc::new(Tail::new(log, Filter::ALL));
    let mut running = fixture.run_on::<false>(tail, "one");
    running.reaches(10).await;
    fixture.restore(4);
    fixture.append("b", 201..=220).await;
    fixture.is_rebuilt(&mut running).await;
    assert_eq!(
        fixture.rows(),
        sums([("a", 410), ("b", 4_210), ("all", 4_620)])
    );
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_build_of_an_empty_log_has_caught_up_immediately() {
    let fixture = Fixture::new(Rows::building());
    let mut running = fixture.run("one");
    running.until(|state| state.caught_up).await;
    assert_eq!(running.state.borrow().position, Position::START);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_build_has_caught_up_after_the_page_that_ends_at_the_head() {
    let fixture = Fixture::new(Rows {
        writing: Duration::from_millis(10),
        ..Rows::building()
    });
    fixture.append("a", 101..=120).await;
    let mut running = fixture.run("one");
    running.until(|state| state.position == Position(7)).await;
    assert!(!running.state.borrow().caught_up);
    // Stopped during the build; another process continues.
    running.stop().await;
    let mut running = fixture.run("two");
    running.until(|state| state.caught_up).await;
    assert_eq!(running.state.borrow().position, Position(20));
    assert_eq!(fixture.restarts(), 0);
    assert_eq!(fixture.rows(), sums([("a", 2_210), ("all", 2_210)]));
    running.stop().await;
}
