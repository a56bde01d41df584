//! The row of a saga for given events.

use event_sourcing::testing::{at, given_log};
use query_service::projections::{OpenStep, SagaRow, Sagas};
use sagas::SagaStatus;
use sagas::event::ResumeKind;

use crate::order_events::{C, O, S};
use crate::support::Events;

fn fold(history: &[Events]) -> Option<SagaRow> {
    let log = history.iter().fold(given_log(), |log, (stream, events)| {
        events.iter().fold(log, |log, event| {
            log.with_encoded(stream.clone(), event.clone())
        })
    });
    let mut rows = log.when_projected::<Sagas>().rows();
    rows.remove("s")
}

fn micros(second: u32) -> i64 {
    at(second).timestamp_micros()
}

/// Status and current step after each event.
fn course(history: &[Events]) -> Vec<(&'static str, Option<String>)> {
    let after = |length: usize| {
        let row = fold(&history[..length]).expect("a row");
        let step = row.current_step.clone();
        (row.status.name(), step)
    };
    (1..=history.len()).map(after).collect()
}

fn seen<'a>(course: &'a [(&'static str, Option<String>)]) -> Vec<(&'static str, &'a str)> {
    let seen = course
        .iter()
        .map(|(status, step)| (*status, step.as_deref().unwrap_or("-")));
    seen.collect()
}

#[test]
fn a_new_saga_has_no_completed_steps() {
    let expected = SagaRow {
        id: "s".to_owned(),
        saga_type: "order".to_owned(),
        order_id: "o".to_owned(),
        status: SagaStatus::Started,
        progress: SagaStatus::Started,
        ended_as: None,
        current_step: None,
        open_steps: Vec::new(),
        completed_steps: Vec::new(),
        compensated_steps: Vec::new(),
        turn_reason: None,
        suspension_reason: None,
        suspended_at: None,
        started_position: 2,
        started_at: micros(1),
        completed_at: None,
        updated_at: micros(1),
    };
    assert_eq!(fold(&[O.created(), S.started()]), Some(expected));
}

#[test]
fn a_successful_saga_completes_its_steps_in_order() {
    let history = [
        S.started(),
        S.step_completed("reserve_inventory"),
        S.step_started("process_payment", false, 1),
        S.step_completed("process_payment"),
        S.step_started("arrange_shipping", false, 1),
        S.step_completed("arrange_shipping"),
        S.step_completed("confirm_order"),
        S.completed(),
    ];
    assert_eq!(
        seen(&course(&history)),
        [
            ("STARTED", "-"),
            ("RUNNING", "-"),
            ("RUNNING", "process_payment"),
            ("RUNNING", "-"),
            ("RUNNING", "arrange_shipping"),
            ("RUNNING", "-"),
            ("RUNNING", "-"),
            ("COMPLETED", "-"),
        ]
    );
    let row = fold(&history).expect("a row");
    let steps = [
        "reserve_inventory",
        "process_payment",
        "arrange_shipping",
        "confirm_order",
    ];
    assert_eq!(row.completed_steps, steps);
    assert_eq!(row.compensated_steps, [""; 0]);
    assert_eq!(row.failure_reason(), None);
    assert_eq!((row.started_at, row.updated_at), (micros(0), micros(7)));
    assert_eq!(row.completed_at, Some(micros(7)));
}

#[test]
fn a_compensated_saga_still_shows_its_completed_steps() {
    let history = [
        S.started(),
        S.step_completed("reserve_inventory"),
        S.step_started("process_payment", false, 1),
        S.step_failed("process_payment", 1, None),
        S.compensation_started("process_payment: declined"),
        S.step_started("process_payment", true, 1),
        S.step_compensated("process_payment"),
        S.step_compensated("reserve_inventory"),
        S.compensated(),
    ];
    assert_eq!(
        seen(&course(&history))[3..],
        [
            ("RUNNING", "process_payment"),
            ("COMPENSATING", "-"),
            ("COMPENSATING", "process_payment"),
            ("COMPENSATING", "-"),
            ("COMPENSATING", "-"),
            ("COMPENSATED", "-"),
        ]
    );
    let row = fold(&history).expect("a row");
    assert_eq!(row.completed_steps, ["reserve_inventory"]);
    assert_eq!(
        row.compensated_steps,
        ["process_payment", "reserve_inventory"]
    );
    assert_eq!(row.failure_reason(), Some("process_payment: declined"));
    assert_eq!(row.completed_at, Some(micros(8)));
    let before = fold(&history[..4]).expect("a row");
    assert_eq!(before.failure_reason(), None, "a retry may succeed");
}

#[test]
fn a_failed_attempt_shows_when_the_next_one_is_due() {
    let history = [
        S.started(),
        S.step_started("process_payment", false, 1),
        S.step_failed("process_payment", 1, Some(30)),
        S.step_started("process_payment", false, 2),
    ];
    let step = |attempt, retry_at, reason: Option<&str>| OpenStep {
        step: "process_payment".to_owned(),
        attempt,
        retry_at,
        reason: reason.map(str::to_owned),
    };
    let why = Some("process_payment did not work");
    let steps = [
        vec![],
        vec![step(1, None, None)],
        vec![step(1, Some(micros(30)), why)],
        vec![step(2, None, why)],
    ];
    for (index, expected) in steps.into_iter().enumerate() {
        let row = fold(&history[..=index]).expect("a row");
        assert_eq!(row.open_steps, expected, "after event {index}");
    }
    for resumed in [S.resumed(ResumeKind::Retry), S.hinted("process_payment")] {
        let resumed = [&history[..3], &[resumed]].concat();
        let row = fold(&resumed).expect("a row");
        assert_eq!(row.open_steps, [step(1, None, why)], "due now");
        assert_eq!(row.status, SagaStatus::Running);
    }
    let about_another = [&history[..3], &[S.hinted("arrange_shipping")]].concat();
    let row = fold(&about_another).expect("a row");
    assert_eq!(row.open_steps, [step(1, Some(micros(30)), why)]);
}

#[test]
fn a_suspended_saga_resumes_at_its_step() {
    let history = [
        S.started(),
        S.step_completed("reserve_inventory"),
        S.compensation_started("cancelled: why not"),
        S.step_started("release_inventory", true, 10),
        S.suspended("release_inventory"),
    ];
    let row = fold(&history).expect("a row");
    assert_eq!(row.status, SagaStatus::Suspended);
    assert_eq!(row.progress, SagaStatus::Compensating);
    assert_eq!(row.suspended_at, Some(micros(4)));
    assert_eq!(
        row.failure_reason(),
        Some("release_inventory cannot be passed")
    );
    assert_eq!(row.completed_at, None);
    let current = row.open_steps.first().expect("a step");
    assert_eq!(
        (current.step.as_str(), current.attempt),
        ("release_inventory", 10)
    );

    for (action, attempt) in [(ResumeKind::Resume, 0), (ResumeKind::Retry, 10)] {
        let resumed = [&history[..], &[S.resumed(action)]].concat();
        let row = fold(&resumed).expect("a row");
        assert_eq!(row.status, SagaStatus::Compensating);
        assert_eq!(row.suspended_at, None);
        assert_eq!(row.failure_reason(), Some("cancelled: why not"));
        assert_eq!(row.open_steps.first().expect("a step").attempt, attempt);
    }
    let resolved = [
        &history[..],
        &[
            S.resumed(ResumeKind::Resolve),
            S.step_compensated("release_inventory"),
        ],
    ]
    .concat();
    let row = fold(&resolved).expect("a row");
    assert_eq!(row.compensated_steps, ["release_inventory"]);
    assert_eq!(row.current_step, None);
}

#[test]
fn a_saga_suspended_at_its_first_step_resumes_as_started() {
    let history = [S.started(), S.suspended("x"), S.resumed(ResumeKind::Resume)];
    assert_eq!(
        seen(&course(&history)),
        [("STARTED", "-"), ("SUSPENDED", "x"), ("STARTED", "x")]
    );
}

#[test]
fn a_saga_closed_by_an_operator_has_failed_with_the_given_reason() {
    let history = [
        S.started(),
        S.step_started("process_payment", false, 1),
        S.suspended("process_payment"),
        S.closed(),
    ];
    let row = fold(&history).expect("a row");
    assert_eq!(row.status, SagaStatus::Failed);
    assert_eq!(row.failure_reason(), Some("the money is lost"));
    assert_eq!(row.current_step, None);
    assert_eq!(row.suspended_at, None);
    assert_eq!(row.completed_at, Some(micros(3)));
}

#[test]
fn concurrent_steps_are_open_together() {
    let history = [
        S.started(),
        S.step_started("a", false, 1),
        S.step_started("b", false, 1),
        S.step_failed("a", 1, Some(9)),
        S.suspended("b"),
        S.resumed(ResumeKind::Resume),
        S.step_completed("b"),
        S.cancel_requested(),
        S.step_completed("a"),
    ];
    let steps: Vec<_> = course(&history)
        .into_iter()
        .map(|(_, step)| step.unwrap_or_default())
        .collect();
    assert_eq!(steps, ["", "a", "a", "a", "b", "b", "a", "a", ""]);
    let row = fold(&history[..6]).expect("a row");
    let tries: Vec<_> = row
        .open_steps
        .iter()
        .map(|open| (open.step.as_str(), open.attempt, open.retry_at))
        .collect();
    assert_eq!(tries, [("b", 0, None), ("a", 1, None)]);
    let row = fold(&history).expect("a row");
    assert_eq!(row.completed_steps, ["b", "a"]);
}

#[test]
fn events_of_other_sagas_and_other_streams_change_nothing() {
    let row = fold(&[S.started(), C.started(), C.suspended("x"), O.failed()]);
    let row = row.expect("a row");
    assert_eq!(row.status, SagaStatus::Started);
    assert_eq!(row.updated_at, micros(0));
    assert_eq!(fold(&[S.suspended("x"), S.completed()]), None);
}
