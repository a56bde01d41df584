//! A log that was restored from an older copy, or replaced: the read model is built anew, in another generation.

use event_sourcing::projection::ProjectionStore;
use event_sourcing::{Position, Token};
use read_model_sql::SqlProjectionStore;

use crate::support::Counters;
use crate::test_read_model::{TestReadModel, memory, open_store};

#[tokio::test]
async fn a_log_that_is_shorter_than_the_checkpoint_is_noticed_while_running() {
    for world in TestReadModel::both().await {
        world.append(60).await;
        let mut process = world.start(0).await;
        process.reaches(Position(60)).await;
        world.log.restore(Position(25));
        let known = process.sees(|known| known.generation == 2).await;
        assert!(known.position <= Position(25));
        process.reaches(Position(25)).await;
        let known = process.sees(|known| known.caught_up).await;
        assert_eq!((known.generation, known.position), (2, Position(25)));
        let expected = world.expected().await;
        assert_eq!(process.rows("counters_g2").await, expected);
        process.shows(&[1, 2], 2).await;
        assert_eq!(process.rows("counters").await, expected);
        process.stop().await;
        // The superseded one is not read any more.
        world.append(1).await;
        let mut process = world.start(0).await;
        process.reaches(Position(26)).await;
        process.shows(&[2], 2).await;
        assert_eq!(process.rows("counters_g2").await, world.expected().await);
        process.stop().await;
    }
}

#[tokio::test]
async fn a_log_that_has_grown_since_or_is_another_one_is_noticed_at_the_start() {
    for is_other in [false, true] {
        for world in TestReadModel::both().await {
            world.append(60).await;
            let mut process = world.start(0).await;
            process.reaches(Position(60)).await;
            process.stop().await;
            if is_other {
                world.log.replace(memory());
            } else {
                world.log.restore(Position(25));
            }
            world.append(80).await;
            let head = world.head().await;
            let database = world.fresh.open().await;
            let _store = open_store(&database, &world).await;
            database.feed().refresh(&database).await.expect("read");
            let before = database.feed().follow(database.version_of::<Counters>());
            assert!(!before.borrow().caught_up, "its rows are of another log");
            let mut process = world.start(0).await;
            process.sees(|known| known.generation == 2).await;
            process.reaches(head).await;
            assert_eq!(process.rows("counters_g2").await, world.expected().await);
            process.shows(&[1, 2], 2).await;
            process.stop().await;
        }
    }
}

#[tokio::test]
async fn only_the_runner_that_began_last_supersedes_a_generation() {
    for world in TestReadModel::both().await {
        let database = world.fresh.open().await;
        let store = async || -> SqlProjectionStore<Counters> {
            SqlProjectionStore::open(database.clone())
                .await
                .expect("a generation")
        };
        let (late, present) = (store().await, store().await);
        late.begin(Token(1)).await.expect("answered").expect("ours");
        present
            .begin(Token(2))
            .await
            .expect("answered")
            .expect("ours");
        assert_eq!(late.restart(Token(1)).await.expect("answered"), None);
        let progress = present.restart(Token(2)).await.expect("restarted");
        let progress = progress.expect("ours");
        assert_eq!(progress.position, Position::START);
        assert!(!progress.caught_up);
        assert_eq!(late.begin(Token(1)).await.expect("answered"), None);
        assert_eq!(present.restart(Token(1)).await.expect("answered"), None);
        database.close().await;
    }
}
