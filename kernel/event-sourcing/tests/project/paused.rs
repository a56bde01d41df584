//! A paused projection: it stops within a short time, keeps its checkpoint, and resumes.

use super::*;

use event_sourcing::projection::control::ProjectionPaused;

/// Longer than any polling interval.
const LONG: Duration = Duration::from_mins(10);

impl Fixture {
    async fn pause(&self) {
        self.decide(ControlEvent::Paused(ProjectionPaused {
            projection: Old::NAME.to_owned(),
            actor: operator(),
        }))
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_projection_pauses_keeps_its_checkpoint_and_resumes() {
    let fixture = Fixture::new(Rows::default());
    fixture.append("a", [1, 2]).await;
    let mut running = fixture.run("one");
    running.reaches(2).await;
    let started = tokio::time::Instant::now();
    fixture.pause().await;
    running.until(|state| state.is_paused).await;
    assert!(started.elapsed() <= Duration::from_secs(2));
    assert!(!running.state.borrow().active);
    let stored = fixture.rows.table.lock().unwrap().position;
    fixture.append("a", [4]).await;
    tokio::time::sleep(LONG).await;
    assert_eq!(fixture.rows.table.lock().unwrap().position, stored);
    assert_eq!(fixture.rows(), sums([("a", 3), ("all", 3)]));
    fixture.resume().await;
    running.reaches(5).await;
    assert!(!running.state.borrow().is_paused);
    assert_eq!(fixture.rows(), sums([("a", 7), ("all", 7)]));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_projection_that_is_paused_at_its_start_folds_nothing_in_any_process() {
    let fixture = Fixture::new(Rows::default());
    fixture.append("a", [1, 2]).await;
    fixture.pause().await;
    let (mut one, mut two) = (fixture.run("one"), fixture.run("two"));
    one.until(|state| state.is_paused).await;
    two.until(|state| state.is_paused).await;
    tokio::time::sleep(LONG).await;
    assert_eq!(fixture.rows(), sums([]));
    fixture.resume().await;
    tokio::time::timeout(LONG, async {
        while fixture.rows.table.lock().unwrap().position < Position(4) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .expect("one of them resumes");
    assert_eq!(fixture.rows(), sums([("a", 3), ("all", 3)]));
    one.stop().await;
    two.stop().await;
}
