//! Sagas of all shapes: with a pivot, with one that is a call, without one, and of retriable steps only.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;

use chrono::{DateTime, Utc};
use event_sourcing::execute::{DecideError, Lane, States, UnitOfWork};
use event_sourcing::{Aggregate, Command, DomainEvent};
use sagas::{
    End, Kind, Local, Refusal, RetryPolicy, Role, Saga, StateReader, Step, Table, Undone, Writes,
};
use serde::{Deserialize, Serialize};

/// Counts things by name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Shelf(pub BTreeMap<String, i64>);

impl Shelf {
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

impl Aggregate for Shelf {
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
        vec![Lane::write::<Shelf>(&self.0)]
    }

    fn decide(&self, work: &mut UnitOfWork<'_, String>) -> Result<(), DecideError<String>> {
        work.append::<Shelf>(&self.0, std::slice::from_ref(&self.1))
    }

    fn reply(&self, _states: &States) -> Option<()> {
        Some(())
    }
}

/// What all these sagas know.
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
pub trait Travel: Saga<Data = Trip, Output = String, Call = String> {}

impl<S: Saga<Data = Trip, Output = String, Call = String>> Travel for S {}

fn local(
    data: &Trip,
    reads: &mut StateReader<'_, Refusal>,
    step: &str,
) -> Result<Writes, DecideError<Refusal>> {
    let shelf = reads.state::<Shelf>(&data.shelf)?;
    if shelf.count(&format!("no {step}")) > 0 {
        return Err(DecideError::Rejected(Refusal(format!(
            "there is no {step}"
        ))));
    }
    Ok(write(data, step, 1))
}

fn write(data: &Trip, what: &str, by: i64) -> Writes {
    Writes::none().and::<Shelf>(&*data.shelf, vec![put(what, by)])
}

const fn step<S: Travel>(name: &'static str, role: Role, kind: Kind<S>) -> Step<S> {
    Step {
        name,
        role,
        kind,
        lanes: |data| vec![Lane::write::<Shelf>(&data.shelf)],
        timeout: Duration::from_secs(5),
        deadline: Duration::from_secs(30),
        retry: RetryPolicy::DEFAULT,
    }
}

const fn done_here<S: Travel>(
    name: &'static str,
    role: Role,
    action: Local<S>,
    undo: Option<Local<S>>,
) -> Step<S> {
    step(name, role, Kind::Local { action, undo })
}

pub const fn called<S: Travel>(name: &'static str, role: Role, can_be_undone: bool) -> Step<S> {
    let undone: Option<fn(&Trip, &Undone) -> Writes> = if can_be_undone {
        Some(|data, undone| write(data, "undone", i64::from(undone.happened)))
    } else {
        None
    };
    let kind = Kind::External {
        call: |data: &Trip| format!("for {}", data.shelf),
        done: |data, _, output: &String| write(data, output, 1),
        undone,
    };
    step(name, role, kind)
}

const fn hold<S: Travel>() -> Step<S> {
    done_here(
        "hold",
        Role::Compensatable,
        |data, reads| local(data, reads, "hold"),
        Some(|data, _| Ok(write(data, "hold", -1))),
    )
}

type Ending = fn(&Trip, &str, &mut StateReader<'_, Infallible>) -> Ended;
type Ended = Result<Writes, DecideError<Infallible>>;

const NOTHING: Ending = |_, _, _| Ok(Writes::none());

fn ended(data: &Trip, how: &str) -> Writes {
    write(data, how, 1)
}

pub const fn table<S: Travel>(stages: &'static [&'static [Step<S>]], until_pivot: u64) -> Table<S> {
    let completed: End<S> = |data, _, _| Ok(ended(data, "completed"));
    let compensated: End<S> = |data, _, _| Ok(ended(data, "compensated"));
    Table {
        stages,
        until_pivot: Duration::from_secs(until_pivot),
        completed,
        compensated,
        failed: NOTHING,
    }
}

/// hold → (flight, hotel) → stamp, which decides → (notify, archive).
#[derive(Clone, Copy, Debug)]
pub struct Tour;

impl Saga for Tour {
    const NAME: &'static str = "tour";
    const STREAM: &'static str = "tour_saga";
    const DEFINITION: u32 = 1;
    type Data = Trip;
    type Output = String;
    type Call = String;

    fn table(definition: u32) -> Option<&'static Table<Self>> {
        static V1: Table<Tour> = table(
            &[
                &[hold()],
                &[
                    called("flight", Role::Compensatable, true),
                    called("hotel", Role::Compensatable, true),
                ],
                &[done_here(
                    "stamp",
                    Role::Pivot,
                    |data, reads| local(data, reads, "stamp"),
                    None,
                )],
                &[
                    called("notify", Role::Retriable, false),
                    done_here(
                        "archive",
                        Role::Retriable,
                        |data, reads| local(data, reads, "archive"),
                        None,
                    ),
                ],
            ],
            300,
        );
        (definition == 1).then_some(&V1)
    }

    fn learn(data: &mut Trip, output: &String) {
        data.booked.push(output.clone());
    }
}

/// hold → authorise → charge, which decides and is a call → notify.
#[derive(Clone, Copy, Debug)]
pub struct Purchase;

impl Saga for Purchase {
    const NAME: &'static str = "purchase";
    const STREAM: &'static str = "purchase_saga";
    const DEFINITION: u32 = 1;
    type Data = Trip;
    type Output = String;
    type Call = String;

    fn table(definition: u32) -> Option<&'static Table<Self>> {
        static V1: Table<Purchase> = table(
            &[
                &[hold()],
                &[called("authorise", Role::Compensatable, true)],
                &[called("charge", Role::Pivot, false)],
                &[called("notify", Role::Retriable, false)],
            ],
            300,
        );
        (definition == 1).then_some(&V1)
    }

    fn learn(data: &mut Trip, output: &String) {
        data.booked.push(output.clone());
    }
}

/// hold → flight → hotel, all of which can be undone.
#[derive(Clone, Copy, Debug)]
pub struct Booking;

impl Saga for Booking {
    const NAME: &'static str = "booking";
    const STREAM: &'static str = "booking_saga";
    const DEFINITION: u32 = 1;
    type Data = Trip;
    type Output = String;
    type Call = String;

    fn table(definition: u32) -> Option<&'static Table<Self>> {
        static V1: Table<Booking> = table(
            &[
                &[hold()],
                &[called("flight", Role::Compensatable, true)],
                &[called("hotel", Role::Compensatable, true)],
            ],
            300,
        );
        (definition == 1).then_some(&V1)
    }

    fn learn(data: &mut Trip, output: &String) {
        data.booked.push(output.clone());
    }
}

/// (notify, refund) → archive, each until it succeeds.
#[derive(Clone, Copy, Debug)]
pub struct Errands;

impl Saga for Errands {
    const NAME: &'static str = "errands";
    const STREAM: &'static str = "errands_saga";
    const DEFINITION: u32 = 1;
    type Data = Trip;
    type Output = String;
    type Call = String;

    fn table(definition: u32) -> Option<&'static Table<Self>> {
        static V1: Table<Errands> = table(
            &[
                &[
                    called("notify", Role::Retriable, false),
                    called("refund", Role::Retriable, false),
                ],
                &[done_here(
                    "archive",
                    Role::Retriable,
                    |data, reads| local(data, reads, "archive"),
                    None,
                )],
            ],
            u64::MAX,
        );
        (definition == 1).then_some(&V1)
    }

    fn learn(data: &mut Trip, output: &String) {
        data.booked.push(output.clone());
    }
}
