//! Sagas of all shapes: with a pivot, with one that is a call, without one, and of retriable steps only.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::time::Duration;

use chrono::{DateTime, Utc};
use event_sourcing::execute::{DecideError, Lane, States, UnitOfWork};
use event_sourcing::{Aggregate, Command, DomainEvent};
use sagas::{
    CompensationResult, End, ExternalStep, Local, OperationKey, Role, Saga, SagaDefinition,
    StateReader, Step, StepRejected, Writes,
};
use serde::{Deserialize, Serialize};

/// Counts things by name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Inventory(pub BTreeMap<String, i64>);

impl Inventory {
    pub fn count(&self, what: &str) -> i64 {
        self.0.get(what).copied().unwrap_or(0)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, DomainEvent)]
#[event(name = "Put")]
pub struct Put {
    pub what: String,
    pub by: i64,
}

pub fn put(what: &str, by: i64) -> Put {
    let what = what.to_owned();
    Put { what, by }
}

impl Aggregate for Inventory {
    const TYPE: &'static str = "shelf";
    const SNAPSHOT_VERSION: u32 = 1;
    type Event = Put;

    fn evolve(&mut self, event: &Put, _at: DateTime<Utc>) {
        *self.0.entry(event.what.clone()).or_default() += event.by;
    }
}

/// Puts something on a shelf.
pub struct PutOn(pub String, pub Put);

impl Command for PutOn {
    const NAME: &'static str = "put";
    type Rejection = String;
    type Reply = ();

    fn streams(&self) -> Vec<Lane> {
        vec![Lane::write::<Inventory>(&self.0)]
    }

    fn decide(&self, work: &mut UnitOfWork<'_, String>) -> Result<(), DecideError<String>> {
        work.append::<Inventory>(&self.0, std::slice::from_ref(&self.1))
    }

    fn reply(&self, _states: &States) -> Option<()> {
        Some(())
    }
}

/// The data of these sagas.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trip {
    pub shelf: String,
    pub booked: Vec<String>,
}

impl Trip {
    pub fn on(shelf: impl Into<String>) -> Self {
        let (shelf, booked) = (shelf.into(), Vec::new());
        Self { shelf, booked }
    }
}

/// A saga about a trip.
pub trait Travel: Saga<Data = Trip> {}

impl<S: Saga<Data = Trip>> Travel for S {}

/// The calls of these sagas, each with its role.
const CALLS: [(&str, Role); 6] = [
    ("flight", Role::Compensatable),
    ("hotel", Role::Compensatable),
    ("authorise", Role::Compensatable),
    ("charge", Role::Pivot),
    ("notify", Role::Retriable),
    ("refund", Role::Retriable),
];
pub const FLIGHT: usize = 0;
pub const HOTEL: usize = 1;
pub const AUTHORISE: usize = 2;
pub const CHARGE: usize = 3;
pub const NOTIFY: usize = 4;
pub const REFUND: usize = 5;

/// One of the calls as a step.
#[derive(Debug)]
pub struct Called<S, const CALL: usize>(PhantomData<fn() -> S>);

impl<S: Travel, const CALL: usize> ExternalStep for Called<S, CALL> {
    const NAME: &'static str = CALLS[CALL].0;
    const ROLE: Role = CALLS[CALL].1;
    const TIMEOUT: Duration = TIMEOUT;
    type Saga = S;
    type Request = String;
    type Response = String;

    fn request(data: &Trip) -> String {
        format!("for {}", data.shelf)
    }

    fn apply_output(data: &mut Trip, output: String) {
        data.booked.push(output);
    }

    fn completed(data: &Trip, _key: &OperationKey, output: String) -> Writes {
        write(data, &output, 1)
    }

    fn compensated(data: &Trip, undone: &CompensationResult) -> Writes {
        write(data, "undone", i64::from(undone.had_effect))
    }
}

pub const fn called<S: Travel, const CALL: usize>() -> Step<S> {
    Step::external::<Called<S, CALL>>()
}

fn local(
    data: &Trip,
    reads: &mut StateReader<'_, StepRejected>,
    step: &str,
) -> Result<Writes, DecideError<StepRejected>> {
    let shelf = reads.state::<Inventory>(&data.shelf)?;
    if shelf.count(&format!("no {step}")) > 0 {
        return Err(DecideError::Rejected(StepRejected(format!(
            "there is no {step}"
        ))));
    }
    Ok(write(data, step, 1))
}

pub fn write(data: &Trip, what: &str, by: i64) -> Writes {
    Writes::none().and::<Inventory>(&*data.shelf, vec![put(what, by)])
}

const TIMEOUT: Duration = Duration::from_secs(5);

const fn done_here<S: Travel>(name: &'static str, role: Role, action: Local<S>) -> Step<S> {
    Step {
        timeout: TIMEOUT,
        ..Step::local(name, role, action)
    }
}

pub const fn hold<S: Travel>() -> Step<S> {
    let hold: Step<S> = done_here("hold", Role::Compensatable, |data, reads| {
        local(data, reads, "hold")
    });
    hold.undone_by(|data, _| Ok(write(data, "hold", -1)))
}

const fn stamp<S: Travel>() -> Step<S> {
    done_here("stamp", Role::Pivot, |data, reads| {
        local(data, reads, "stamp")
    })
}

const fn archive<S: Travel>() -> Step<S> {
    done_here("archive", Role::Retriable, |data, reads| {
        local(data, reads, "archive")
    })
}

pub fn lanes(data: &Trip) -> Vec<Lane> {
    vec![Lane::write::<Inventory>(&data.shelf)]
}

pub const fn table<S: Travel>(
    definition: u32,
    stages: &'static [&'static [Step<S>]],
) -> SagaDefinition<S> {
    let completed: End<S> = |data, _, _| Ok(write(data, "completed", 1));
    let compensated: End<S> = |data, _, _| Ok(write(data, "compensated", 1));
    SagaDefinition {
        completed,
        compensated,
        ..SagaDefinition::new(definition, stages)
    }
}

/// hold → (flight, hotel) → stamp, which decides → (notify, archive).
#[derive(Clone, Copy, Debug)]
pub struct Tour;

impl Saga for Tour {
    const NAME: &'static str = "tour";
    const STREAM: &'static str = "tour_saga";
    type Data = Trip;
    const DEFINITIONS: &'static [SagaDefinition<Self>] = &[table(
        1,
        &[
            &[hold()],
            &[called::<Self, FLIGHT>(), called::<Self, HOTEL>()],
            &[stamp()],
            &[called::<Self, NOTIFY>(), archive()],
        ],
    )];

    fn lanes(data: &Trip) -> Vec<Lane> {
        lanes(data)
    }
}

/// hold → authorise → charge, which decides and is a call → notify.
#[derive(Clone, Copy, Debug)]
pub struct Purchase;

impl Saga for Purchase {
    const NAME: &'static str = "purchase";
    const STREAM: &'static str = "purchase_saga";
    type Data = Trip;
    const DEFINITIONS: &'static [SagaDefinition<Self>] = &[table(
        1,
        &[
            &[hold()],
            &[called::<Self, AUTHORISE>()],
            &[called::<Self, CHARGE>()],
            &[called::<Self, NOTIFY>()],
        ],
    )];

    fn lanes(data: &Trip) -> Vec<Lane> {
        lanes(data)
    }
}

/// hold → flight → hotel, all of which can be undone.
#[derive(Clone, Copy, Debug)]
pub struct Booking;

impl Saga for Booking {
    const NAME: &'static str = "booking";
    const STREAM: &'static str = "booking_saga";
    type Data = Trip;
    const DEFINITIONS: &'static [SagaDefinition<Self>] = &[table(
        1,
        &[
            &[hold()],
            &[called::<Self, FLIGHT>()],
            &[called::<Self, HOTEL>()],
        ],
    )];

    fn lanes(data: &Trip) -> Vec<Lane> {
        lanes(data)
    }
}

/// (notify, refund) → archive, each until it succeeds.
#[derive(Clone, Copy, Debug)]
pub struct ErrandSaga;

impl Saga for ErrandSaga {
    const NAME: &'static str = "errands";
    const STREAM: &'static str = "errands_saga";
    type Data = Trip;
    const DEFINITIONS: &'static [SagaDefinition<Self>] = &[SagaDefinition {
        pivot_deadline: Duration::MAX,
        ..table(
            1,
            &[
                &[called::<Self, NOTIFY>(), called::<Self, REFUND>()],
                &[archive()],
            ],
        )
    }];

    fn lanes(data: &Trip) -> Vec<Lane> {
        lanes(data)
    }
}
