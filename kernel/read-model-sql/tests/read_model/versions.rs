//! Two schema versions of a projection run together, each on its own table.

use event_sourcing::Position;
use read_model_sql::Statement;

use crate::support::Counters;
use crate::test_read_model::TestReadModel;

#[tokio::test]
async fn old_and_new_fold_next_to_each_other_in_both_directions() {
    for world in TestReadModel::both().await {
        world.append(45).await;
        let mut old = world.start(0).await;
        old.reaches(Position(45)).await;
        // An upgrade: the new version builds its own table while the old one follows the log.
        let mut new = world.start(1).await;
        for _ in 0..60 {
            world.append(1).await;
            // At the pace of a database, so that both fold meanwhile.
            new.generations().await;
        }
        let head = Position(105);
        old.reaches(head).await;
        new.reaches(head).await;
        let expected = world.expected().await;
        assert_eq!(old.rows("counters_g1").await, expected);
        assert_eq!(new.rows("counters_g2").await, expected);
        old.shows(&[1, 2], 2).await;

        // A rollback: the old version continues on the table that it left.
        old.stop().await;
        world.append(25).await;
        let mut old = world.start(0).await;
        world.append(25).await;
        let head = Position(head.0 + 50);
        old.reaches(head).await;
        new.reaches(head).await;
        let expected = world.expected().await;
        assert_eq!(old.rows("counters_g1").await, expected);
        assert_eq!(new.rows("counters_g2").await, expected);
        assert_eq!(new.rows("counters").await, expected);
        new.shows(&[1, 2], 2).await;
        old.stop().await;
        new.stop().await;
    }
}

#[tokio::test]
async fn rows_are_not_read_before_they_have_caught_up_and_the_others_are() {
    for world in TestReadModel::both().await {
        world.append(35).await;
        let mut old = world.start(0).await;
        old.reaches(Position(35)).await;
        let database = world.fresh.open().await.with_versions_raised_by(1);
        let store = crate::test_read_model::open_store(&database, &world).await;
        database.feed().refresh(&database).await.expect("read");
        let new = database.feed().follow(database.version_of::<Counters>());
        assert_eq!(
            (new.borrow().generation, new.borrow().caught_up),
            (2, false)
        );
        let known = old.sees(|known| known.caught_up).await;
        assert_eq!((known.generation, known.position), (1, Position(35)));
        old.shows(&[1, 2], 1).await;
        drop(store);
        let mut building = world.start(1).await;
        building.sees(|known| known.caught_up).await;
        building.shows(&[1, 2], 2).await;
        building.stop().await;
        old.stop().await;
    }
}

#[tokio::test]
async fn a_build_that_was_killed_half_way_continues() {
    for world in TestReadModel::both().await {
        world.append(200).await;
        let mut first = world.start(0).await;
        first.until(|state| state.position >= Position(20)).await;
        first.kill().await;
        let database = world.fresh.open().await;
        let at: Vec<(i64, i64)> = database
            .fetch_all(Statement::new(
                "test",
                "SELECT generation, position FROM read_model_generations",
            ))
            .await
            .expect("a generation");
        assert_eq!(at.len(), 1);
        assert!(at[0].1 >= 20, "what was folded is kept: {at:?}");
        database.close().await;
        let mut second = world.start(0).await;
        second.reaches(Position(200)).await;
        assert_eq!(second.rows("counters_g1").await, world.expected().await);
        second.shows(&[1], 1).await;
        second.stop().await;
    }
}

#[tokio::test]
async fn rows_that_a_stopped_service_left_are_not_read_before_they_reach_the_head() {
    for world in TestReadModel::both().await {
        world.append(20).await;
        let mut first = world.start(0).await;
        first.reaches(Position(20)).await;
        first.stop().await;
        world.append(30).await;
        let database = world.fresh.open().await;
        let _store = crate::test_read_model::open_store(&database, &world).await;
        database.feed().refresh(&database).await.expect("read");
        let checkpoint = database.feed().follow(database.version_of::<Counters>());
        assert_eq!(checkpoint.borrow().position, Position(20));
        assert!(!checkpoint.borrow().caught_up);
        let mut second = world.start(0).await;
        let known = second.sees(|known| known.caught_up).await;
        assert!(known.position >= Position(50));
        database.feed().refresh(&database).await.expect("read");
        assert!(checkpoint.borrow().caught_up);
        second.stop().await;
    }
}

#[tokio::test]
async fn a_version_that_an_operator_dropped_is_built_anew_when_it_is_needed_again() {
    for world in TestReadModel::both().await {
        world.append(30).await;
        for raised_by in [0, 1] {
            let mut process = world.start(raised_by).await;
            process.reaches(Position(30)).await;
            process
                .shows(&[1, 2][..=raised_by as usize], 1 + i64::from(raised_by))
                .await;
            process.stop().await;
        }
        let database = world.fresh.open().await;
        let mut transaction = database.begin().await.expect("a transaction");
        // As docs/operations.md says it.
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
        let mut old = world.start(0).await;
        old.reaches(Position(30)).await;
        old.shows(&[2, 3], 2).await;
        assert_eq!(old.rows("counters_g3").await, world.expected().await);
        old.stop().await;
    }
}
