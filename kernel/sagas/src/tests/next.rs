//! The next moves, for every status of steps of every role.

use chrono::{DateTime, Utc};
use event_sourcing::testing::at;

use super::trip::{Booking, ErrandSaga, Purchase, Tour, Travel};
use super::{run, run_with};
use crate::state::{Phase, Run, SagaOutcome, StepStatus};
use crate::{NextMove, Plan, next};
use event_sourcing::Actor;

const ALL: [StepStatus; 10] = [
    StepStatus::Pending,
    StepStatus::Calling,
    StepStatus::Waiting,
    StepStatus::Unknown,
    StepStatus::Done,
    StepStatus::GivenUp,
    StepStatus::Compensating,
    StepStatus::CompensationWaiting,
    StepStatus::KeyOpen,
    StepStatus::Compensated,
];

fn call(step: usize, undo: bool, announced: bool) -> NextMove {
    NextMove::Call {
        step,
        undo,
        intent_recorded: announced,
    }
}

fn decide(step: usize, undo: bool) -> NextMove {
    NextMove::Decide { step, undo }
}

fn compensating<S: Travel>(statuses: &[StepStatus]) -> Run<S> {
    let mut run = run_with::<S>(statuses);
    let reason = "a test".to_owned();
    run.phase = Phase::Compensating { reason };
    run
}

fn is_compensation(plan: &Plan) -> bool {
    matches!(plan.moves[..], [NextMove::Compensate { .. }])
}

#[test]
fn next_moves_of_a_compensatable_call() {
    use StepStatus::{
        Calling, Compensated, Compensating, CompensationWaiting, Done, GivenUp, KeyOpen, Pending,
        Unknown, Waiting,
    };
    for status in ALL {
        let plan = next(&run_with::<Booking>(&[Done, status]), at(1));
        match status {
            Pending | Waiting | Unknown => assert_eq!(plan.moves, [call(1, false, false)]),
            Calling => assert_eq!(plan.moves, [call(1, false, true)]),
            Done => assert_eq!(plan.moves, [call(2, false, false)]),
            GivenUp => assert!(is_compensation(&plan), "{plan:?}"),
            Compensating | CompensationWaiting | KeyOpen | Compensated => {
                assert_eq!(plan.moves, []);
            }
        }
    }
}

#[test]
fn next_moves_of_the_compensation_of_a_call() {
    use StepStatus::{
        Calling, Compensated, Compensating, CompensationWaiting, Done, GivenUp, KeyOpen, Pending,
        Unknown, Waiting,
    };
    for status in ALL {
        let plan = next(&compensating::<Booking>(&[Done, status]), at(1));
        match status {
            Calling | Unknown | Done | CompensationWaiting | KeyOpen => {
                assert_eq!(plan.moves, [call(1, true, false)], "{status:?}");
            }
            Compensating => assert_eq!(plan.moves, [call(1, true, true)]),
            // There is nothing to undo, so the step before it is next.
            Pending | Waiting | GivenUp | Compensated => assert_eq!(plan.moves, [decide(0, true)]),
        }
    }
}

#[test]
fn a_retriable_step_is_never_given_up() {
    use StepStatus::{
        Calling, Compensated, Compensating, CompensationWaiting, Done, GivenUp, KeyOpen, Pending,
        Unknown, Waiting,
    };
    for status in ALL {
        // Long after every deadline.
        let mut run = run_with::<Purchase>(&[Done, Done, Done, status]);
        run.steps[3].deadline = Some(at(1));
        let plan = next(&run, at(100_000));
        match status {
            Pending | Waiting | Unknown => assert_eq!(plan.moves, [call(3, false, false)]),
            Calling => assert_eq!(plan.moves, [call(3, false, true)]),
            Done => assert_eq!(plan.moves, [NextMove::Complete]),
            GivenUp | Compensating | CompensationWaiting | KeyOpen | Compensated => {
                assert_eq!(plan.moves, []);
            }
        }
        assert_eq!(plan.wake_at, None);
    }
}

#[test]
fn a_pivot_with_an_unknown_outcome_is_resolved_however_late() {
    use StepStatus::{Calling, Done, Unknown, Waiting};
    let late = at(100_000);
    for (status, is_open) in [(Calling, false), (Unknown, true), (Waiting, true)] {
        let mut run = run_with::<Purchase>(&[Done, Done, status]);
        (run.steps[2].deadline, run.steps[2].unresolved) = (Some(at(30)), is_open);
        run.cancel = Some(customer());
        let plan = next(&run, late);
        assert_eq!(plan.moves, [call(2, false, status == Calling)]);
        assert_eq!(plan.wake_at, None, "nothing wakes in the past");
    }
    let mut run = run_with::<Purchase>(&[Done, Done, Waiting]);
    run.steps[2].deadline = Some(at(30));
    assert!(
        is_compensation(&next(&run, late)),
        "it is known to have had no effect"
    );
}

#[test]
fn a_given_up_pivot_starts_compensation() {
    let mut run = run_with::<Purchase>(&[StepStatus::Done, StepStatus::Done, StepStatus::GivenUp]);
    run.steps[2].reason = Some("declined".to_owned());
    let reason = "charge: declined".to_owned();
    let step = Some(2);
    assert_eq!(
        next(&run, at(1)).moves,
        [NextMove::Compensate { reason, step }]
    );
}

#[test]
fn local_steps_are_decided() {
    assert_eq!(next(&run::<Tour>(), at(1)).moves, [decide(0, false)]);
    let done = [StepStatus::Done; 3];
    assert_eq!(
        next(&run_with::<Tour>(&done), at(1)).moves,
        [decide(3, false)]
    );
    let waiting = [StepStatus::Done, StepStatus::Done, StepStatus::Waiting];
    assert_eq!(
        next(&run_with::<ErrandSaga>(&waiting), at(1)).moves,
        [decide(2, false)]
    );
}

#[test]
fn a_wait_that_was_stored_before_the_clock_was_set_back_is_over() {
    let with_retry = |mut run: Run<Booking>| {
        run.steps[1].retry_at = Some(at(1_000_000_020));
        run
    };
    let running = with_retry(run_with(&[StepStatus::Done, StepStatus::Waiting]));
    assert_eq!(next(&running, at(20)).moves, [call(1, false, false)]);
    let back = with_retry(compensating(&[
        StepStatus::Done,
        StepStatus::CompensationWaiting,
    ]));
    assert_eq!(next(&back, at(20)).moves, [call(1, true, false)]);
    // The longest wait that a provider may ask for.
    let hour = next(&back, at(1_000_000_020 - 3_600));
    assert_eq!(
        (hour.moves, hour.wake_at),
        (vec![], Some(at(1_000_000_020)))
    );
}

#[test]
fn a_waiting_step_is_not_tried_before_its_time() {
    let due = at(20);
    let wait = |mut run: Run<Booking>, now: DateTime<Utc>| {
        run.steps[1].retry_at = Some(due);
        next(&run, now)
    };
    for status in [StepStatus::Waiting, StepStatus::Unknown] {
        let running = || run_with::<Booking>(&[StepStatus::Done, status]);
        let plan = wait(running(), at(19));
        assert_eq!((plan.moves, plan.wake_at), (vec![], Some(due)));
        assert_eq!(wait(running(), due).moves, [call(1, false, false)]);
    }
    for status in [StepStatus::CompensationWaiting, StepStatus::KeyOpen] {
        let back = || compensating::<Booking>(&[StepStatus::Done, status]);
        let plan = wait(back(), at(19));
        assert_eq!((plan.moves, plan.wake_at), (vec![], Some(due)));
        assert_eq!(wait(back(), due).moves, [call(1, true, false)]);
    }
}

#[test]
fn a_step_past_its_deadline_is_given_up() {
    for status in [
        StepStatus::Calling,
        StepStatus::Waiting,
        StepStatus::Unknown,
    ] {
        let mut run = run_with::<Booking>(&[StepStatus::Done, status]);
        run.steps[1].deadline = Some(at(30));
        assert_ne!(next(&run, at(29)).moves, [NextMove::GiveUp { step: 1 }]);
        assert_eq!(next(&run, at(30)).moves, [NextMove::GiveUp { step: 1 }]);
    }
}

#[test]
fn a_saga_that_passes_its_pivot_deadline_compensates() {
    let mut run = run_with::<Booking>(&[StepStatus::Done]);
    // The deadline counts from the start, whatever happened since.
    run.updated_at = at(299);
    assert_eq!(next(&run, at(299)).wake_at, Some(at(300)));
    assert!(is_compensation(&next(&run, at(300))));
    let decided = run_with::<Purchase>(&[StepStatus::Done; 3]);
    assert_eq!(next(&decided, at(300)).moves, [call(3, false, false)]);
}

fn customer() -> Actor {
    Actor {
        id: "a customer".to_owned(),
        reason: "a change of mind".to_owned(),
    }
}

#[test]
fn a_cancelled_saga_compensates_when_no_call_is_open() {
    let mut run = run_with::<Booking>(&[StepStatus::Done, StepStatus::Pending]);
    run.cancel = Some(customer());
    let reason = "cancelled: a change of mind".to_owned();
    let compensate = [NextMove::Compensate { reason, step: None }];
    assert_eq!(next(&run, at(1)).moves, compensate);
    run.steps[1].status = StepStatus::Calling;
    // The process with the call in flight waits for it; for any other process the call is lost.
    assert_eq!(next(&run, at(1)).moves, [NextMove::GiveUp { step: 1 }]);
    run.steps[1].status = StepStatus::GivenUp;
    assert_eq!(next(&run, at(1)).moves, compensate);
    for step in &mut run.steps {
        step.status = StepStatus::Done;
    }
    assert_eq!(next(&run, at(1)).moves, compensate);
}

#[test]
fn the_steps_of_a_stage_run_concurrently_and_wait_for_each_other() {
    use StepStatus::{Calling, Done, GivenUp, Pending, Waiting};
    let both = next(&run_with::<Tour>(&[Done, Pending, Pending]), at(1));
    assert_eq!(both.moves, [call(1, false, false), call(2, false, false)]);
    let one = next(&run_with::<Tour>(&[Done, Done, Calling]), at(1));
    assert_eq!(one.moves, [call(2, false, true)]);
    // The call of the other step is awaited, and no new one starts.
    let failed = next(&run_with::<Tour>(&[Done, GivenUp, Calling]), at(1));
    assert_eq!(failed.moves, [NextMove::GiveUp { step: 2 }]);
    for other in [Pending, Waiting, Done] {
        assert!(is_compensation(&next(
            &run_with::<Tour>(&[Done, GivenUp, other]),
            at(1)
        )));
    }
    let back = next(&compensating::<Tour>(&[Done, Done, Done]), at(1));
    assert_eq!(back.moves, [call(1, true, false), call(2, true, false)]);
}

#[test]
fn an_ended_or_suspended_saga_has_no_next_move() {
    for outcome in [
        SagaOutcome::Completed,
        SagaOutcome::Compensated,
        SagaOutcome::Failed,
    ] {
        let mut run = run_with::<Booking>(&[StepStatus::Done, StepStatus::Waiting]);
        run.phase = Phase::Ended(outcome);
        assert_eq!(next(&run, at(1)), Plan::default());
    }
    for mut run in [
        run_with::<Booking>(&[StepStatus::Done, StepStatus::Waiting]),
        compensating::<Booking>(&[StepStatus::Done, StepStatus::CompensationWaiting]),
    ] {
        run.suspended = Some(1);
        assert_eq!(next(&run, at(100_000)), Plan::default());
    }
}

#[test]
fn with_nothing_left_to_undo_it_ends_as_compensated() {
    let run = compensating::<Booking>(&[
        StepStatus::Compensated,
        StepStatus::GivenUp,
        StepStatus::Pending,
    ]);
    assert_eq!(next(&run, at(1)).moves, [NextMove::Compensated]);
    let open = {
        let mut run = compensating::<Booking>(&[StepStatus::Compensated, StepStatus::GivenUp]);
        run.steps[1].unresolved = true;
        run
    };
    assert_eq!(next(&open, at(1)).moves, [call(1, true, false)]);
}
