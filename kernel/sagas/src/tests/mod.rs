//! The pure parts: legal transitions, the next moves, and that a planned move is always legal.

mod decided;
mod moves;
mod next;
mod sequences;
mod snapshots;
#[path = "../../tests/saga/trip.rs"]
mod trip;

use event_sourcing::event::Metadata;
use event_sourcing::testing::at;

use self::trip::{Travel, Trip};
use super::event::Started;
use super::state::{Run, StepStatus};

/// A saga that started at second 0.
fn run<S: Travel>() -> Run<S> {
    let started = Started {
        saga_id: "trip-1".to_owned(),
        subject: "a trip".to_owned(),
        saga_type: S::NAME.to_owned(),
        definition: S::DEFINITION_VERSION,
        partition: 0,
        data: Trip::on("a"),
        origin: Metadata::default(),
    };
    Run::begin(&started, at(0))
}

/// A saga whose steps have these statuses.
fn run_with<S: Travel>(statuses: &[StepStatus]) -> Run<S> {
    let mut run = run::<S>();
    for (step, status) in run.steps.iter_mut().zip(statuses) {
        step.status = *status;
        step.calls = u32::from(*status != StepStatus::Pending);
        step.completed = *status == StepStatus::Done;
    }
    run
}
