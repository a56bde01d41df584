//! A rebuild next to the live rows: the comparison, the swap, and the way back.

use std::time::Duration;

use event_sourcing::Position;
use read_model_sql::MAX_AGE;
use read_model_sql::rebuild::{Difference, RebuildRejection, RebuildState};

use crate::support::Counters;
use crate::test_read_model::{Process, RebuildProcess, TestReadModel};

const GENERATION_1: &str = "counters_g1";
const GENERATION_2: &str = "counters_g2";

/// A model of 60 events that one process has folded, and another rebuilds.
async fn folded(model: &TestReadModel) -> (Process, RebuildProcess) {
    model.append(60).await;
    let mut live = model.start(0).await;
    live.reaches(Position(60)).await;
    (live, model.start_rebuilding().await)
}

async fn stop(live: Process, rebuild: RebuildProcess) {
    rebuild.stop().await;
    live.stop().await;
}

#[tokio::test]
async fn a_rebuild_equals_the_live_rows_is_swapped_reverted_and_dropped() {
    for model in TestReadModel::both().await {
        let (mut live, rebuild) = folded(&model).await;
        rebuild.start(false).await;
        let ready = rebuild.becomes(RebuildState::Ready).await;
        let report = ready.report.expect("a report");
        assert_eq!(report.differences(), 0, "{report:?}");
        assert_eq!((report.live_rows, report.rebuilt_rows), (7, 7));
        assert_eq!(report.position, Position(60));
        live.shows(&[1, 2], 1).await;

        model.append(13).await;
        live.reaches(Position(73)).await;
        rebuild.control.swap().await.expect("requested");
        rebuild.becomes(RebuildState::Swapped).await;
        live.shows(&[1, 2], 2).await;
        live.sees(|known| known.generation == 2 && known.position == Position(73))
            .await;
        // The live runner continues with the new generation, and the old one stays as it was.
        let before = live.rows(GENERATION_1).await;
        model.append(5).await;
        live.sees(|known| known.generation == 2 && known.position == Position(78))
            .await;
        assert_eq!(live.rows(GENERATION_2).await, model.expected().await);
        assert_eq!(live.rows("counters").await, model.expected().await);
        assert_eq!(live.rows(GENERATION_1).await, before);
        // A start drops superseded generations, but not the kept one.
        live.stop().await;
        let mut live = model.start(0).await;
        model.append(1).await;
        live.reaches(Position(79)).await;
        live.shows(&[1, 2], 2).await;

        rebuild.control.revert().await.expect("requested");
        rebuild.becomes(RebuildState::Reverted).await;
        live.sees(|known| known.generation == 1 && known.position == Position(79))
            .await;
        model.append(5).await;
        live.sees(|known| known.generation == 1 && known.position == Position(84))
            .await;
        assert_eq!(live.rows(GENERATION_1).await, model.expected().await);
        live.shows(&[1, 2], 1).await;
        rebuild.control.drop_kept().await.expect("dropped");
        live.shows(&[1], 1).await;
        // The next one does not use the number of the dropped generation.
        rebuild.start(true).await;
        rebuild.becomes(RebuildState::Swapped).await;
        live.shows(&[1, 3], 3).await;
        stop(live, rebuild).await;
    }
}

#[tokio::test]
async fn planted_differences_are_reported_by_column_with_samples() {
    for model in TestReadModel::both().await {
        let (live, rebuild) = folded(&model).await;
        live.execute("UPDATE counters_g1 SET count = 4711 WHERE name = 'c3'")
            .await;
        live.execute("UPDATE counters_g1 SET note = 'damaged', count = 1 WHERE name = 'c4'")
            .await;
        live.execute("DELETE FROM counters_g1 WHERE name = 'c5'")
            .await;
        live.execute("INSERT INTO counters_g1 (name, count) VALUES ('c0a', 1)")
            .await;
        rebuild.start(false).await;
        let ready = rebuild.becomes(RebuildState::Ready).await;
        let report = ready.report.expect("a report");
        assert_eq!((report.live_rows, report.rebuilt_rows), (7, 7));
        assert_eq!(
            (report.only_live, report.only_rebuilt, report.changed),
            (1, 1, 2)
        );
        let columns: Vec<_> = report
            .columns
            .iter()
            .map(|column| (column.name.as_str(), column.rows))
            .collect();
        assert_eq!(columns, [("count", 2), ("note", 1)]);
        let samples: Vec<_> = report
            .samples
            .iter()
            .map(|sample| {
                let values = (sample.live.as_deref(), sample.rebuilt.as_deref());
                (
                    sample.key.as_str(),
                    sample.difference,
                    sample.column.as_deref(),
                    values,
                )
            })
            .collect();
        let changed = Difference::Changed;
        assert_eq!(
            samples,
            [
                ("c0a", Difference::OnlyLive, None, (None, None)),
                ("c3", changed, Some("count"), (Some("4711"), Some("9"))),
                ("c4", changed, Some("note"), (Some("damaged"), None)),
                ("c4", changed, Some("count"), (Some("1"), Some("9"))),
                ("c5", Difference::OnlyRebuilt, None, (None, None)),
            ]
        );
        rebuild.control.swap().await.expect("requested");
        rebuild.becomes(RebuildState::Swapped).await;
        assert_eq!(live.rows("counters").await, model.expected().await);
        stop(live, rebuild).await;
    }
}

#[tokio::test]
async fn a_rebuild_while_events_are_folded_equals_the_live_rows_and_no_position_decreases() {
    for model in TestReadModel::both().await {
        let (mut live, rebuild) = folded(&model).await;
        live.sees(|known| known.caught_up).await;
        let mut checkpoint = live.checkpoint.clone();
        let watching = async {
            let mut highest = Position::START;
            loop {
                let known = checkpoint.borrow_and_update().clone();
                assert!(known.position >= highest, "{known:?} after {highest}");
                assert!(known.caught_up, "{known:?}");
                highest = known.position;
                checkpoint.changed().await.expect("a watcher");
            }
        };
        let rebuilding = async {
            for generation in 2..=6 {
                rebuild.start(true).await;
                let swapped = rebuild.becomes(RebuildState::Swapped).await;
                assert_eq!(swapped.generation, generation);
                let report = swapped.report.expect("a report");
                assert_eq!(report.differences(), 0, "{report:?}");
                rebuild.control.drop_kept().await.expect("dropped");
            }
        };
        let mut folding = live.checkpoint.clone();
        let appending = async {
            loop {
                model.append(7).await;
                let head = model.head().await;
                let folded = folding.wait_for(|known| known.position >= head).await;
                drop(folded.expect("a watcher"));
            }
        };
        // Without readers, checkpoints are polled seldom.
        let (read, version) = (
            live.database.clone(),
            live.database.version_of::<Counters>(),
        );
        let reading = async {
            let mut ticks = tokio::time::interval(Duration::from_millis(10));
            loop {
                ticks.tick().await;
                let fresh = read.checkpoints().ensure_fresh(&read, version, MAX_AGE);
                fresh.await.expect("read");
            }
        };
        tokio::select! {
            () = reading => {}
            () = rebuilding => {}
            () = appending => {}
            () = watching => {}
        }
        let head = model.head().await;
        assert!(head > Position(200), "{head}");
        live.reaches(head).await;
        assert_eq!(live.rows("counters").await, model.expected().await);
        live.shows(&[6], 6).await;
        stop(live, rebuild).await;
    }
}

#[tokio::test]
async fn a_rebuild_that_is_killed_at_any_time_is_continued() {
    for model in TestReadModel::both().await {
        let (live, rebuild) = folded(&model).await;
        model.append(3_000).await;
        rebuild.start(true).await;
        let mut last = rebuild.status().await;
        rebuild.kill().await;
        let mut kills = 0;
        // Longer each time, so that it is killed in each step and yet ends.
        while last.state != RebuildState::Swapped {
            let rebuild = model.start_rebuilding().await;
            tokio::time::sleep(Duration::from_millis(kills)).await;
            let now = rebuild.status().await;
            if now.state == RebuildState::Building {
                assert!(now.position >= last.position, "{now:?} after {last:?}");
                assert_eq!(now.generation, 2);
            }
            last = now;
            kills += 1;
            assert!(kills < 200, "it makes no progress: {last:?}");
            rebuild.kill().await;
        }
        assert!(kills > 3, "{kills}");
        let report = last.report.expect("a report");
        assert_eq!(report.differences(), 0, "{report:?}");
        live.shows(&[1, 2], 2).await;
        let mut live = live;
        live.reaches(model.head().await).await;
        model.append(1).await;
        live.reaches(model.head().await).await;
        assert_eq!(live.rows(GENERATION_2).await, model.expected().await);
        live.stop().await;
    }
}

#[tokio::test]
async fn an_event_that_cannot_be_folded_fails_the_rebuild_and_not_the_live_rows() {
    for model in TestReadModel::both().await {
        let (mut live, rebuild) = folded(&model).await;
        model.log.current().damage(Position(33), "damaged");
        rebuild.start(false).await;
        let failed = rebuild.becomes(RebuildState::Failed).await;
        assert_eq!(
            failed.failure.as_deref(),
            Some("event 33 cannot be folded: damaged")
        );
        assert_eq!(failed.position, Some(Position(32)));
        model.append(5).await;
        live.reaches(Position(65)).await;
        model.log.current().repair(Position(33));
        rebuild.start(false).await;
        let ready = rebuild.becomes(RebuildState::Ready).await;
        assert_eq!((ready.failure, ready.generation), (None, 2));
        assert_eq!(ready.report.map(|report| report.differences()), Some(0));
        stop(live, rebuild).await;
    }
}

#[tokio::test]
async fn a_rebuild_of_a_restored_log_starts_again() {
    for model in TestReadModel::both().await {
        let (live, rebuild) = folded(&model).await;
        rebuild.start(false).await;
        rebuild.becomes(RebuildState::Ready).await;
        model.log.restore(Position(25));
        let mut live = live;
        live.sees(|known| known.generation == 3 && known.caught_up)
            .await;
        rebuild.control.swap().await.expect("requested");
        let ready = rebuild.becomes(RebuildState::Ready).await;
        assert_eq!(ready.generation, 4);
        let report = ready.report.expect("a report");
        assert_eq!((report.differences(), report.position), (0, Position(25)));
        rebuild.control.swap().await.expect("requested");
        rebuild.becomes(RebuildState::Swapped).await;
        model.append(3).await;
        live.sees(|known| known.generation == 4 && known.position == Position(28))
            .await;
        assert_eq!(live.rows("counters").await, model.expected().await);
        stop(live, rebuild).await;
    }
}

#[tokio::test]
async fn requests_in_a_wrong_state_are_rejected_and_repeated_ones_have_no_effect() {
    for model in TestReadModel::both().await {
        let (live, rebuild) = folded(&model).await;
        let control = &rebuild.control;
        let missing = control.swap().await.expect_err("rejected");
        assert!(matches!(missing, RebuildRejection::Missing("counters")));
        rebuild.start(false).await;
        rebuild.start(false).await;
        rebuild.becomes(RebuildState::Ready).await;
        let rejected = control.revert().await.expect_err("rejected");
        assert_eq!(
            rejected.to_string(),
            "the rebuild of counters is ready, so it cannot be reverted"
        );
        assert!(control.drop_kept().await.is_err());
        control.abort().await.expect("aborted");
        control.abort().await.expect("aborted already");
        live.shows(&[1], 1).await;
        assert!(control.swap().await.is_err());

        rebuild.start(false).await;
        rebuild.becomes(RebuildState::Ready).await;
        control.swap().await.expect("requested");
        rebuild.becomes(RebuildState::Swapped).await;
        control.swap().await.expect("swapped already");
        assert!(control.abort().await.is_err());
        let kept = crate::test_read_model::request(true);
        let kept = control.start(&kept).await.expect_err("rejected");
        assert_eq!(
            kept.to_string(),
            "generation 1 of counters is kept since the last rebuild; drop it first"
        );
        control.revert().await.expect("requested");
        rebuild.becomes(RebuildState::Reverted).await;
        control.swap().await.expect("forward again");
        rebuild.becomes(RebuildState::Swapped).await;
        live.shows(&[1, 3], 3).await;
        stop(live, rebuild).await;
    }
}
