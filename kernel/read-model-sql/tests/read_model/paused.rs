//! A paused projection keeps its rows, and readers do not wait for it.

use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use event_sourcing::projection::{Actor, ControlEvent, ProjectionControl};
use event_sourcing::{
    Aggregate, CommandId, Commit, DomainEvent, EventStore, ExpectedVersion, Metadata, NewEvent,
    Position, Write,
};
use read_model_sql::{ReadBarrier, ReadError, ReadOptions};
use tokio::time::Instant;

use crate::support::Counters;
use crate::test_read_model::TestReadModel;

async fn decide(model: &TestReadModel, events: Vec<ControlEvent>) {
    let number = model.head().await.0;
    let write = Write {
        stream: ProjectionControl::stream("counters"),
        expected: ExpectedVersion::Any,
        events: events
            .iter()
            .map(|event| NewEvent {
                event: event.encode(),
                metadata: Metadata::default(),
            })
            .collect(),
    };
    let mut random = [9; 10];
    random[2..].copy_from_slice(&number.to_be_bytes());
    let id = CommandId::from_parts(DateTime::UNIX_EPOCH, random);
    let commit = Commit::try_new(id, DateTime::UNIX_EPOCH, vec![write], None);
    let answers = model.log.append(&[commit.expect("a commit")]).await;
    assert!(answers.expect("appended")[0].is_ok());
}

#[tokio::test]
async fn reads_of_a_paused_projection_that_need_a_later_position_fail_at_once() {
    for model in TestReadModel::both().await {
        model.append(20).await;
        let mut process = model.start(0).await;
        process.reaches(Position(20)).await;
        let actor = Actor {
            id: "grace".to_owned(),
            reason: "a test".to_owned(),
        };
        let control = ProjectionControl::default();
        decide(&model, control.pause("counters", actor.clone())).await;
        process.sees(|known| known.is_paused).await;
        process
            .until(|state| state.is_paused && !state.active)
            .await;
        let at = process.sees(|known| known.caught_up).await.position;
        model.append(5).await;

        let database = process.database.clone();
        let version = database.version_of::<Counters>();
        let log = Arc::clone(&model.log) as Arc<dyn EventStore>;
        let barrier = ReadBarrier::new(version, database, log);
        let read = async |min| {
            let deadline = Instant::now() + Duration::from_hours(1);
            let read = barrier.reach(ReadOptions { min, deadline });
            tokio::time::timeout(Duration::from_secs(20), read)
                .await
                .expect("at once")
        };
        assert_eq!(read(Position(20)).await.expect("read").position, at);
        let head = model.head().await;
        let stalled = read(head).await.expect_err("paused");
        assert!(matches!(stalled, ReadError::Stalled { .. }), "{stalled}");

        // A start while it is paused serves the rows as they are.
        process.stop().await;
        let mut process = model.start(0).await;
        let known = process
            .sees(|known| known.is_paused && known.caught_up)
            .await;
        assert_eq!(known.position, at);
        decide(&model, control.resume("counters", actor)).await;
        process
            .sees(|known| !known.is_paused && known.position >= head)
            .await;
        process.until(|state| !state.is_paused).await;
        process.stop().await;
    }
}
