//! A process that has lost its lease writes to no generation, before and after a swap.

use event_sourcing::projection::{PageWrite, ProjectionStore};
use event_sourcing::{Position, Token};
use read_model_sql::SqlProjectionStore;
use read_model_sql::rebuild::{RebuildRows, RebuildState};

use crate::support::{Counter, Counters, mark};
use crate::test_read_model::{TestReadModel, open_store};

fn page(token: u64, from: u64, log: &event_sourcing::LogMark) -> PageWrite<Counter> {
    PageWrite {
        token: Token(token),
        from: Position(from),
        read_up_to: Position(from + 1),
        mark: event_sourcing::LogMark {
            log: log.log,
            ..mark(from + 1)
        },
        caught_up: true,
        changes: vec![("zombie".to_owned(), Some(Counter::new("zombie", 1)))],
        parked: None,
    }
}

#[tokio::test]
async fn a_live_runner_of_before_the_swap_is_fenced() {
    for model in TestReadModel::both().await {
        model.append(20).await;
        let mut process = model.start(0).await;
        process.reaches(Position(20)).await;
        process.stop().await;
        let database = model.fresh.open().await;
        let live: SqlProjectionStore<Counters> = open_store(&database, &model).await;
        // A token that is as good as any: only the swap makes its pages invalid.
        let progress = live.begin(Token(9)).await.expect("read").expect("ours");
        let log = progress.mark.expect("a mark");
        let rebuild = model.start_rebuilding().await;
        rebuild.start(true).await;
        rebuild.becomes(RebuildState::Swapped).await;

        assert!(!live.write(page(9, 20, &log)).await.expect("an answer"));
        // It starts again on the new generation, with the lease that it still holds; an earlier holder cannot.
        assert_eq!(live.begin(Token(8)).await.expect("read"), None);
        let progress = live.begin(Token(9)).await.expect("read").expect("ours");
        assert_eq!(progress.position, Position(20));
        assert!(live.write(page(9, 20, &log)).await.expect("an answer"));
        let kept: Vec<(i64, i64)> = database
            .fetch_all(read_model_sql::Statement::new(
                "test",
                "SELECT generation, position FROM read_model_generations ORDER BY generation",
            ))
            .await
            .expect("generations");
        assert_eq!(kept, [(1, 20), (2, 21)]);
        rebuild.stop().await;
        database.close().await;
    }
}

#[tokio::test]
async fn an_earlier_holder_of_the_rebuild_is_fenced() {
    for model in TestReadModel::both().await {
        model.append(20).await;
        let mut process = model.start(0).await;
        process.reaches(Position(20)).await;
        let rebuild = model.start_rebuilding().await;
        // Without a task that works: the log is unreadable from the first event.
        model.log.current().damage(Position(1), "damaged");
        rebuild.start(false).await;
        rebuild.becomes(RebuildState::Failed).await;
        rebuild.stop().await;

        let rebuild = model.fresh.open().await;
        let control = read_model_sql::RebuildControl::of::<Counters>(&rebuild);
        control
            .start(&crate::test_read_model::request(false))
            .await
            .expect("continued");
        let rows = || RebuildRows::<Counters>::new(control.clone());
        let (zombie, present) = (rows(), rows());
        let log = process.state.borrow().position;
        assert_eq!(log, Position(20));
        let mark = mark(1);
        zombie.begin(Token(100)).await.expect("read").expect("ours");
        present
            .begin(Token(101))
            .await
            .expect("read")
            .expect("ours");
        assert!(!zombie.write(page(100, 0, &mark)).await.expect("an answer"));
        assert_eq!(zombie.begin(Token(100)).await.expect("read"), None);
        assert_eq!(zombie.restart(Token(100)).await.expect("read"), None);
        assert!(present.write(page(101, 0, &mark)).await.expect("an answer"));
        // Nor can it write after the generation was dropped.
        control.abort().await.expect("aborted");
        assert!(!present.write(page(101, 1, &mark)).await.expect("an answer"));
        assert_eq!(present.begin(Token(101)).await.expect("read"), None);
        process.stop().await;
        rebuild.close().await;
    }
}
