//! Two schema versions of a projection run at the same time, each with its own table.

use event_sourcing::Position;
use read_model_sql::Statement;

use crate::support::Counters;
use crate::test_read_model::TestReadModel;

#[tokio::test]
async fn old_and_new_versions_run_together_after_an_upgrade_and_a_rollback() {
    for model in TestReadModel::both().await {
        model.append(45).await;
        let mut old = model.start(0).await;
        old.reaches(Position(45)).await;
        // An upgrade: the new version builds its own table while the old one follows the log.
        let mut new = model.start(1).await;
        for _ in 0..60 {
            model.append(1).await;
            // Waits for the database, so that both fold during this loop.
            new.generations().await;
        }
        let head = Position(105);
        old.reaches(head).await;
        new.reaches(head).await;
        let expected = model.expected().await;
        assert_eq!(old.rows("counters_g1").await, expected);
        assert_eq!(new.rows("counters_g2").await, expected);
        old.shows(&[1, 2], 2).await;

        // A rollback: the old version continues with its table.
        old.stop().await;
        model.append(25).await;
        let mut old = model.start(0).await;
        model.append(25).await;
        let head = Position(head.0 + 50);
        old.reaches(head).await;
        new.reaches(head).await;
        let expected = model.expected().await;
        assert_eq!(old.rows("counters_g1").await, expected);
        assert_eq!(new.rows("counters_g2").await, expected);
        assert_eq!(new.rows("counters").await, expected);
        new.shows(&[1, 2], 2).await;
        old.stop().await;
        new.stop().await;
    }
}

#[tokio::test]
async fn only_rows_that_have_caught_up_are_readable() {
    for model in TestReadModel::both().await {
        model.append(35).await;
        let mut old = model.start(0).await;
        old.reaches(Position(35)).await;
        let database = model.fresh.open().await.with_versions_raised_by(1);
        let store = crate::test_read_model::open_store(&database, &model).await;
        database
            .checkpoints()
            .refresh(&database)
            .await
            .expect("read");
        let new = database
            .checkpoints()
            .follow(database.version_of::<Counters>());
        assert_eq!(
            (new.borrow().generation, new.borrow().caught_up),
            (2, false)
        );
        let known = old.sees(|known| known.caught_up).await;
        assert_eq!((known.generation, known.position), (1, Position(35)));
        old.shows(&[1, 2], 1).await;
        drop(store);
        let mut building = model.start(1).await;
        building.sees(|known| known.caught_up).await;
        building.shows(&[1, 2], 2).await;
        building.stop().await;
        old.stop().await;
    }
}

#[tokio::test]
async fn a_killed_build_resumes_at_its_checkpoint() {
    for model in TestReadModel::both().await {
        model.append(200).await;
        let mut first = model.start(0).await;
        first.until(|state| state.position >= Position(20)).await;
        first.kill().await;
        let database = model.fresh.open().await;
        let at: Vec<(i64, i64)> = database
            .fetch_all(Statement::new(
                "test",
                "SELECT generation, position FROM read_model_generations",
            ))
            .await
            .expect("a generation");
        assert_eq!(at.len(), 1);
        assert!(at[0].1 >= 20, "folded rows are stored: {at:?}");
        database.close().await;
        let mut second = model.start(0).await;
        second.reaches(Position(200)).await;
        assert_eq!(second.rows("counters_g1").await, model.expected().await);
        second.shows(&[1], 1).await;
        second.stop().await;
    }
}

#[tokio::test]
async fn rows_of_a_stopped_service_are_not_readable_before_they_reach_the_head() {
    for model in TestReadModel::both().await {
        model.append(20).await;
        let mut first = model.start(0).await;
        first.reaches(Position(20)).await;
        first.stop().await;
        model.append(30).await;
        let database = model.fresh.open().await;
        let _store = crate::test_read_model::open_store(&database, &model).await;
        database
            .checkpoints()
            .refresh(&database)
            .await
            .expect("read");
        let checkpoint = database
            .checkpoints()
            .follow(database.version_of::<Counters>());
        assert_eq!(checkpoint.borrow().position, Position(20));
        assert!(!checkpoint.borrow().caught_up);
        let mut second = model.start(0).await;
        let known = second.sees(|known| known.caught_up).await;
        assert!(known.position >= Position(50));
        database
            .checkpoints()
            .refresh(&database)
            .await
            .expect("read");
        assert!(checkpoint.borrow().caught_up);
        second.stop().await;
    }
}

#[tokio::test]
async fn a_version_that_an_operator_deleted_is_rebuilt_when_needed() {
    for model in TestReadModel::both().await {
        model.append(30).await;
        for raised_by in [0, 1] {
            let mut process = model.start(raised_by).await;
            process.reaches(Position(30)).await;
            process
                .shows(&[1, 2][..=raised_by as usize], 1 + i64::from(raised_by))
                .await;
            process.stop().await;
        }
        let database = model.fresh.open().await;
        let mut transaction = database.begin().await.expect("a transaction");
        // The statements of docs/operations/projections.md.
        for statement in [
            "DROP TABLE counters_g1",
            "DELETE FROM read_model_versions WHERE projection = 'counters' AND schema_version = 1",
            "DELETE FROM read_model_generations WHERE projection = 'counters' AND schema_version = 1",
        ] {
            transaction
                .run_script("test", statement)
                .await
                .expect("run");
        }
        transaction.commit("test").await.expect("committed");
        database.close().await;
        let mut old = model.start(0).await;
        old.reaches(Position(30)).await;
        old.shows(&[2, 3], 2).await;
        assert_eq!(old.rows("counters_g3").await, model.expected().await);
        old.stop().await;
    }
}
