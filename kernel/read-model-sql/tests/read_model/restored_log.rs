//! After the log was restored from an older copy or replaced, the read model is rebuilt in a new generation.

use event_sourcing::projection::ProjectionStore;
use event_sourcing::{Position, Token};
use read_model_sql::SqlProjectionStore;

use crate::support::Counters;
use crate::test_read_model::{TestReadModel, memory, open_store};

#[tokio::test]
async fn a_log_that_ends_before_the_checkpoint_is_detected_while_running() {
    for model in TestReadModel::both().await {
        model.append(60).await;
        let mut process = model.start(0).await;
        process.reaches(Position(60)).await;
        model.log.restore(Position(25));
        let known = process.sees(|known| known.generation == 2).await;
        assert!(known.position <= Position(25));
        process.reaches(Position(25)).await;
        let known = process.sees(|known| known.caught_up).await;
        assert_eq!((known.generation, known.position), (2, Position(25)));
        let expected = model.expected().await;
        assert_eq!(process.rows("counters_g2").await, expected);
        process.shows(&[1, 2], 2).await;
        assert_eq!(process.rows("counters").await, expected);
        process.stop().await;
        // The superseded generation is not read any more.
        model.append(1).await;
        let mut process = model.start(0).await;
        process.reaches(Position(26)).await;
        process.shows(&[2], 2).await;
        assert_eq!(process.rows("counters_g2").await, model.expected().await);
        process.stop().await;
    }
}

#[tokio::test]
async fn a_restored_and_longer_log_or_another_one_is_detected_at_start() {
    for is_other in [false, true] {
        for model in TestReadModel::both().await {
            model.append(60).await;
            let mut process = model.start(0).await;
            process.reaches(Position(60)).await;
            process.stop().await;
            if is_other {
                model.log.replace(memory());
            } else {
                model.log.restore(Position(25));
            }
            model.append(80).await;
            let head = model.head().await;
            let database = model.fresh.open().await;
            let _store = open_store(&database, &model).await;
            database
                .checkpoints()
                .refresh(&database)
                .await
                .expect("read");
            let before = database
                .checkpoints()
                .follow(database.version_of::<Counters>());
            assert!(!before.borrow().caught_up, "its rows are of another log");
            let mut process = model.start(0).await;
            process.sees(|known| known.generation == 2).await;
            process.reaches(head).await;
            assert_eq!(process.rows("counters_g2").await, model.expected().await);
            process.shows(&[1, 2], 2).await;
            process.stop().await;
        }
    }
}

#[tokio::test]
async fn only_the_last_started_runner_supersedes_a_generation() {
    for model in TestReadModel::both().await {
        let database = model.fresh.open().await;
        let store = async || -> SqlProjectionStore<Counters> {
            SqlProjectionStore::open(database.clone())
                .await
                .expect("a generation")
        };
        let (late, present) = (store().await, store().await);
        late.begin(Token(1)).await.expect("a result").expect("ours");
        present
            .begin(Token(2))
            .await
            .expect("a result")
            .expect("ours");
        assert_eq!(late.restart(Token(1)).await.expect("a result"), None);
        let progress = present.restart(Token(2)).await.expect("restarted");
        let progress = progress.expect("ours");
        assert_eq!(progress.position, Position::START);
        assert!(!progress.caught_up);
        assert_eq!(late.begin(Token(1)).await.expect("a result"), None);
        assert_eq!(present.restart(Token(1)).await.expect("a result"), None);
        database.close().await;
    }
}
