//! Legal events, and that illegal ones change nothing.

use event_sourcing::Actor;
use event_sourcing::event::{DomainEvent, Metadata};
use event_sourcing::testing::at;
use proptest::prelude::*;

use super::trip::{Booking, Purchase, Tour, Travel, Trip};
use crate::event::{
    CancelRequested, Closed, CompensationStarted, Ended, FailureKind, ResumeKind, Resumed,
    StepCompensated, StepCompleted, StepFailed, StepStarted, Suspended,
};
use crate::operation::OperationKey;
use crate::state::{Phase, Run, SagaOutcome, StepStatus};
use crate::{EventOf, SagaEvent, SagaState, started};

fn ids() -> (String, String) {
    ("trip-1".to_owned(), "a trip".to_owned())
}

fn operator() -> Actor {
    Actor {
        id: "an operator".to_owned(),
        reason: "a test".to_owned(),
    }
}

type Event = SagaEvent<Trip>;

fn call(step: &str, undo: bool, attempt: u32) -> Event {
    let (saga_id, subject) = ids();
    SagaEvent::StepStarted(StepStarted {
        saga_id,
        subject,
        step: step.to_owned(),
        undo,
        attempt,
        key: OperationKey::new("trip-1", step, 0),
        deadline: (!undo).then(|| at(30)),
    })
}

fn done(step: &str) -> Event {
    let (saga_id, subject) = ids();
    SagaEvent::StepCompleted(StepCompleted {
        saga_id,
        subject,
        step: step.to_owned(),
        // A local step has no output.
        output: (step != "hold").then(|| "booked".into()),
        actor: None,
    })
}

fn failed(step: &str, undo: bool, outcome: FailureKind, again: bool) -> Event {
    let (saga_id, subject) = ids();
    SagaEvent::StepFailed(StepFailed {
        saga_id,
        subject,
        step: step.to_owned(),
        undo,
        attempt: 1,
        outcome,
        reason: "a test".to_owned(),
        retry_at: again.then(|| at(9)),
    })
}

fn undone(step: &str) -> Event {
    let (saga_id, subject) = ids();
    SagaEvent::StepCompensated(StepCompensated {
        saga_id,
        subject,
        step: step.to_owned(),
        had_effect: true,
        actor: None,
    })
}

fn compensation_started() -> Event {
    let (saga_id, subject) = ids();
    SagaEvent::CompensationStarted(CompensationStarted {
        saga_id,
        subject,
        reason: "a test".to_owned(),
        step: None,
    })
}

fn cancelled() -> Event {
    let (saga_id, subject) = ids();
    let actor = operator();
    SagaEvent::CancelRequested(CancelRequested {
        saga_id,
        subject,
        actor,
    })
}

fn suspended(step: &str) -> Event {
    let (saga_id, subject) = ids();
    SagaEvent::Suspended(Suspended {
        saga_id,
        subject,
        step: step.to_owned(),
        undo: false,
        reason: "a test".to_owned(),
    })
}

fn resumed(action: ResumeKind) -> Event {
    let (saga_id, subject) = ids();
    let actor = operator();
    SagaEvent::Resumed(Resumed {
        saga_id,
        subject,
        action,
        step: None,
        actor,
    })
}

fn ended(outcome: SagaOutcome) -> Event {
    let (saga_id, subject) = ids();
    let actor = operator();
    match outcome {
        SagaOutcome::Completed => SagaEvent::Completed(Ended { saga_id, subject }),
        SagaOutcome::Compensated => SagaEvent::Compensated(Ended { saga_id, subject }),
        SagaOutcome::Failed => SagaEvent::Failed(Closed {
            saga_id,
            subject,
            actor,
        }),
    }
}

/// Applies events that are legal.
fn after<S: Travel>(events: &[Event]) -> SagaState<S> {
    let mut state = SagaState::default();
    let first: EventOf<S> = started::<S>("trip-1", "a trip", Trip::on("a"), Metadata::default());
    state.apply(&first, at(0)).unwrap();
    for event in events {
        state.apply(event, at(1)).unwrap();
    }
    state
}

fn rejects<S: Travel>(state: &SagaState<S>, event: &Event) {
    let (mut after, before) = (state.clone(), text(state));
    let applied = after.apply(event, at(2));
    assert!(
        applied.is_err(),
        "{} is legal in {before}",
        event.encode().event_type
    );
    assert_eq!(text(&after), before);
}

fn text<S: Travel>(state: &SagaState<S>) -> String {
    serde_json::to_string(state).unwrap()
}

fn taken<S: Travel>(state: &SagaState<S>) -> &Run<S> {
    state.run().unwrap()
}

#[test]
fn nothing_is_legal_before_the_start_and_after_an_end() {
    let mut events = vec![
        call("hold", false, 1),
        done("hold"),
        failed("hold", false, FailureKind::Declined, false),
        undone("hold"),
        compensation_started(),
        cancelled(),
        suspended("hold"),
        resumed(ResumeKind::Resume),
    ];
    events.extend(
        [
            SagaOutcome::Completed,
            SagaOutcome::Compensated,
            SagaOutcome::Failed,
        ]
        .map(ended),
    );
    for event in &events {
        rejects::<Booking>(&SagaState::default(), event);
    }
    let first = started::<Booking>("trip-1", "a trip", Trip::on("a"), Metadata::default());
    events.push(first);
    let all_done = [
        done("hold"),
        done("flight"),
        done("hotel"),
        ended(SagaOutcome::Completed),
    ];
    let nothing_done = [compensation_started(), ended(SagaOutcome::Compensated)];
    let closed = [suspended("hold"), ended(SagaOutcome::Failed)];
    for state in [&all_done[..], &nothing_done, &closed] {
        let state = after::<Booking>(state);
        for event in &events {
            rejects(&state, event);
        }
    }
}

#[test]
fn steps_are_executed_and_undone_in_order() {
    let state = after::<Booking>(&[]);
    for event in [
        call("flight", false, 1),
        done("hotel"),
        call("nowhere", false, 1),
    ] {
        rejects(&state, &event);
    }
    let state = after::<Booking>(&[done("hold")]);
    rejects(&state, &done("hold"));
    rejects(&state, &call("hold", false, 1));
    rejects(&state, &ended(SagaOutcome::Completed));
    let back = after::<Booking>(&[done("hold"), done("flight"), compensation_started()]);
    for event in [
        undone("hold"),
        done("hotel"),
        call("flight", false, 1),
        ended(SagaOutcome::Compensated),
        cancelled(),
        compensation_started(),
    ] {
        rejects(&back, &event);
    }
}

#[test]
fn compensation_does_not_start_while_a_call_is_open_or_after_the_pivot() {
    rejects(
        &after::<Booking>(&[done("hold"), call("flight", false, 1)]),
        &compensation_started(),
    );
    let decided = [done("hold"), done("authorise"), done("charge")];
    for event in [compensation_started(), cancelled()] {
        rejects(&after::<Purchase>(&decided), &event);
    }
    rejects(
        &after::<Booking>(&[suspended("hold")]),
        &compensation_started(),
    );
    rejects(&after::<Booking>(&[suspended("hold")]), &suspended("hold"));
    rejects(
        &after::<Booking>(&[suspended("hold")]),
        &call("hold", false, 1),
    );
    rejects(&after::<Booking>(&[]), &ended(SagaOutcome::Failed));
    rejects(&after::<Booking>(&[cancelled()]), &cancelled());
}

#[test]
fn a_saga_that_was_cancelled_without_a_pivot_does_not_complete() {
    let state = after::<Booking>(&[
        done("hold"),
        done("flight"),
        call("hotel", false, 1),
        cancelled(),
        done("hotel"),
    ]);
    rejects(&state, &ended(SagaOutcome::Completed));
    let mut state = state;
    state.apply(&compensation_started(), at(2)).unwrap();
}

#[test]
fn the_failing_step_is_undone_unless_it_is_known_to_have_had_no_effect() {
    for (outcome, needs_undo) in [
        (FailureKind::Declined, false),
        (FailureKind::Transient, false),
        (FailureKind::Unknown, true),
    ] {
        let state = after::<Booking>(&[
            done("hold"),
            call("flight", false, 1),
            failed("flight", false, outcome, false),
            compensation_started(),
        ]);
        assert_eq!(taken(&state).needs_undo(1), needs_undo, "{outcome:?}");
    }
    // An earlier try may have taken effect, whatever the last one reports.
    let state = after::<Booking>(&[
        done("hold"),
        call("flight", false, 1),
        failed("flight", false, FailureKind::Unknown, true),
        call("flight", false, 2),
        failed("flight", false, FailureKind::Transient, false),
        compensation_started(),
    ]);
    assert!(taken(&state).needs_undo(1));
    // A second intent after one without a result.
    let state = after::<Booking>(&[
        done("hold"),
        call("flight", false, 1),
        call("flight", false, 2),
        failed("flight", false, FailureKind::Transient, false),
    ]);
    assert!(taken(&state).needs_undo(1));
}

#[test]
fn the_key_changes_only_after_a_decline() {
    let suspended_as = |outcome, action| {
        let state = after::<Purchase>(&[
            done("hold"),
            done("authorise"),
            done("charge"),
            call("notify", false, 1),
            failed("notify", false, outcome, false),
            suspended("notify"),
            resumed(action),
        ]);
        taken(&state).key(3).unwrap()
    };
    let key = |epoch| OperationKey::new("trip-1", "notify", epoch);
    for action in [ResumeKind::Resume, ResumeKind::Retry] {
        assert_eq!(suspended_as(FailureKind::Declined, action), key(1));
        assert_eq!(suspended_as(FailureKind::Transient, action), key(0));
        assert_eq!(suspended_as(FailureKind::Unknown, action), key(0));
    }
    assert_eq!(
        suspended_as(FailureKind::Declined, ResumeKind::Resolve),
        key(0)
    );
}

#[test]
fn a_resumption_resets_the_tries_and_revives_all_given_up_steps() {
    let given_up = [
        call("notify", false, 1),
        call("refund", false, 1),
        failed("notify", false, FailureKind::Transient, false),
        suspended("notify"),
        failed("refund", false, FailureKind::Unknown, false),
    ];
    for (action, attempts) in [(ResumeKind::Resume, 0), (ResumeKind::Retry, 1)] {
        let mut state = after::<super::trip::ErrandSaga>(&given_up);
        state.apply(&resumed(action), at(2)).unwrap();
        let steps = &taken(&state).steps;
        let statuses = [steps[0].status, steps[1].status];
        assert_eq!(statuses, [StepStatus::Waiting, StepStatus::Unknown]);
        assert_eq!([steps[0].attempts, steps[1].attempts], [attempts; 2]);
    }
}

#[test]
fn a_retry_of_a_saga_that_is_not_suspended_does_not_revive_a_given_up_step() {
    let mut state = after::<Tour>(&[
        done("hold"),
        call("flight", false, 1),
        call("hotel", false, 1),
        failed("flight", false, FailureKind::Declined, false),
        failed("hotel", false, FailureKind::Transient, true),
    ]);
    state.apply(&resumed(ResumeKind::Retry), at(2)).unwrap();
    let steps = &taken(&state).steps;
    assert_eq!(steps[1].status, StepStatus::GivenUp);
    assert_eq!(
        (steps[2].status, steps[2].retry_at),
        (StepStatus::Waiting, None)
    );
}

#[test]
fn an_illegal_event_in_the_stream_is_reported_as_corruption() {
    use event_sourcing::Aggregate;
    let mut state = after::<Booking>(&[]);
    state.evolve(&undone("hold"), at(3));
    assert!(state.corruption().unwrap().contains("SagaStepCompensated"));
    let unknown = of_newer_definition();
    let mut state = SagaState::<Booking>::default();
    state.evolve(&unknown, at(0));
    // A binary with the definition reads the same stream, so it is not corrupt.
    assert_eq!(state.corruption(), None);
    assert!(state.run().is_none());
}

#[test]
fn the_corruption_of_a_stream_is_its_first_illegal_event() {
    use event_sourcing::Aggregate;
    let mut state = after::<Booking>(&[]);
    state.evolve(&undone("hold"), at(3));
    state.evolve(&ended(SagaOutcome::Completed), at(4));
    let cause = "version 1: SagaStepCompensated is illegal in a saga in Running";
    assert_eq!(state.corruption(), Some(cause));
}

/// A saga that runs by a definition that this binary does not have.
fn of_newer_definition() -> EventOf<Booking> {
    let mut event = started::<Booking>("trip-1", "a trip", Trip::on("a"), Metadata::default());
    if let SagaEvent::Started(started) = &mut event {
        started.definition = 7;
    }
    event
}

fn any_event() -> impl Strategy<Value = Event> {
    let step = prop::sample::select(vec![
        "hold", "flight", "hotel", "stamp", "notify", "archive", "x",
    ]);
    let outcome = prop::sample::select(vec![
        FailureKind::Declined,
        FailureKind::Transient,
        FailureKind::Unknown,
        FailureKind::KeyOpen,
    ]);
    prop_oneof![
        (step.clone(), any::<bool>(), 1_u32..4).prop_map(|(s, undo, n)| call(s, undo, n)),
        (step.clone(), any::<bool>(), outcome, any::<bool>())
            .prop_map(|(s, undo, outcome, again)| failed(s, undo, outcome, again)),
        step.clone().prop_map(done),
        step.clone().prop_map(undone),
        step.prop_map(suspended),
        Just(compensation_started()),
        Just(cancelled()),
        prop::sample::select(vec![
            ResumeKind::Resume,
            ResumeKind::Retry,
            ResumeKind::Resolve
        ])
        .prop_map(resumed),
        prop::sample::select(vec![
            SagaOutcome::Completed,
            SagaOutcome::Compensated,
            SagaOutcome::Failed
        ])
        .prop_map(ended),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn an_illegal_event_changes_nothing_and_an_end_is_the_end(
        events in prop::collection::vec(any_event(), 0..60)
    ) {
        let mut state = after::<Tour>(&[]);
        let mut ends = 0;
        for event in &events {
            let before = text(&state);
            if state.apply(event, at(5)).is_ok() {
                ends += usize::from(matches!(taken(&state).phase, Phase::Ended(_)));
            } else {
                prop_assert_eq!(text(&state), before);
            }
            let plan = crate::next(taken(&state), at(6));
            prop_assert!(taken(&state).is_active() || plan.moves.is_empty());
        }
        prop_assert!(ends <= 1);
    }
}
