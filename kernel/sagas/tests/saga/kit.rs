//! The testing kit detects what a cancelling saga does not undo, and a wrong old version of a definition.

use std::marker::PhantomData;

use async_trait::async_trait;
use sagas::testing::{End, FakeProvider, Scenario, TestEnv, check, check_cancelling};
use sagas::{
    EngineBuilder, ExternalStep, OperationKey, Role, Saga, SagaDefinition, SagaOutcome, Step,
    UndoStep, Writes,
};

use crate::trip::{
    Booking, Called, FLIGHT, HOTEL, Inventory, Travel, Trip, called, hold, table, write,
};

const TRIP: &str = "trip-1";

fn providers<S: Travel>(provider: &FakeProvider, engine: EngineBuilder) -> EngineBuilder {
    let booked = |_: &String| "booked".to_owned();
    let engine = engine.provider(provider.provider::<Called<S, FLIGHT>>(booked));
    engine.provider(provider.provider::<Called<S, HOTEL>>(booked))
}

/// A trip that holds one item on its shelf until it is compensated.
struct Holding<S>(PhantomData<S>);

#[async_trait]
impl<S: Travel> Scenario for Holding<S> {
    type Saga = S;

    async fn begin(&self, env: &TestEnv) -> String {
        env.begin::<S>(TRIP, "a trip", Trip::on("a")).await;
        TRIP.to_owned()
    }

    fn providers(&self, provider: &FakeProvider, engine: EngineBuilder) -> EngineBuilder {
        providers::<S>(provider, engine)
    }

    async fn check(&self, end: &End<'_, S>) -> Result<(), String> {
        let held = end.env.state::<Inventory>("a").await.count("hold");
        let wanted = i64::from(end.outcome == SagaOutcome::Completed);
        let is_right = held == wanted;
        is_right.then_some(()).ok_or(format!("it holds {held}"))
    }
}

/// The steps of a saga that cancels a booking.
trait Steps: Clone + std::fmt::Debug + Send + Sync + 'static {
    const STAGES: &'static [&'static [Step<Cancel<Self>>]];
}

#[derive(Clone, Copy, Debug)]
struct Cancel<T>(PhantomData<fn() -> T>);

impl<T: Steps> Saga for Cancel<T> {
    const NAME: &'static str = "cancel";
    const STREAM: &'static str = "cancel_saga";
    type Data = Trip;
    const DEFINITIONS: &'static [SagaDefinition<Self>] = &[table(1, T::STAGES)];
}

#[derive(Debug)]
struct GiveUp<T, const CALL: usize>(PhantomData<fn() -> T>);

impl<T: Steps, const CALL: usize> UndoStep for GiveUp<T, CALL> {
    const NAME: &'static str = ["give_up_flight", "give_up_hotel"][CALL];
    type Saga = Cancel<T>;
    type Undoes = Called<Booking, CALL>;

    fn undoes(_data: &Trip) -> Option<(OperationKey, String)> {
        let step = <Self::Undoes as ExternalStep>::NAME;
        Some((OperationKey::new(TRIP, step, 0), "for a".to_owned()))
    }
}

const fn release<T: Steps>() -> Step<Cancel<T>> {
    Step::<Cancel<T>>::local("release", Role::Retriable, |data, _| {
        Ok(write(data, "hold", -1))
    })
}

#[derive(Clone, Copy, Debug)]
struct All;

impl Steps for All {
    const STAGES: &'static [&'static [Step<Cancel<Self>>]] = &[
        &[Step::undoing::<GiveUp<Self, HOTEL>>()],
        &[Step::undoing::<GiveUp<Self, FLIGHT>>()],
        &[release()],
    ];
}

#[derive(Clone, Copy, Debug)]
struct WithoutFlight;

impl Steps for WithoutFlight {
    const STAGES: &'static [&'static [Step<Cancel<Self>>]] =
        &[&[Step::undoing::<GiveUp<Self, HOTEL>>()], &[release()]];
}

#[derive(Clone, Copy, Debug)]
struct WithoutRelease;

impl Steps for WithoutRelease {
    const STAGES: &'static [&'static [Step<Cancel<Self>>]] = &[
        &[Step::undoing::<GiveUp<Self, HOTEL>>()],
        &[Step::undoing::<GiveUp<Self, FLIGHT>>()],
    ];
}

struct Cancelling<T>(PhantomData<T>);

#[async_trait]
impl<T: Steps> Scenario for Cancelling<T> {
    type Saga = Cancel<T>;

    async fn begin(&self, env: &TestEnv) -> String {
        let data = Trip::on("a");
        env.begin::<Cancel<T>>("cancel-1", "a trip", data).await;
        "cancel-1".to_owned()
    }

    fn providers(&self, provider: &FakeProvider, engine: EngineBuilder) -> EngineBuilder {
        providers::<Booking>(provider, engine)
    }

    async fn check(&self, _end: &End<'_, Cancel<T>>) -> Result<(), String> {
        Ok(())
    }
}

async fn cancels_with<T: Steps>() {
    let booking = Holding::<Booking>(PhantomData);
    let report = check_cancelling(booking, Cancelling::<T>(PhantomData)).await;
    assert!(report.cases > 20, "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn a_saga_that_undoes_all_passes() {
    cancels_with::<All>().await;
}

#[tokio::test(start_paused = true)]
#[should_panic(
    expected = "booking, definition 1 was cancelled, and the effects of [\"flight\"] are not undone"
)]
async fn a_call_that_is_not_undone_is_detected() {
    cancels_with::<WithoutFlight>().await;
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "booking, definition 1 was cancelled, and it holds 1")]
async fn a_local_step_that_is_not_undone_is_detected() {
    cancels_with::<WithoutRelease>().await;
}

/// In its old version nothing undoes the local step.
#[derive(Clone, Copy, Debug)]
struct Aged;

impl Saga for Aged {
    const NAME: &'static str = "aged";
    const STREAM: &'static str = "aged_saga";
    type Data = Trip;
    const DEFINITIONS: &'static [SagaDefinition<Self>] = &[
        table(1, &[&[FORGOTTEN], &[called::<Self, FLIGHT>()]]),
        table(2, &[&[hold()], &[called::<Self, FLIGHT>()]]),
    ];
}

const FORGOTTEN: Step<Aged> = Step::<Aged>::local("hold", Role::Compensatable, |data, _| {
    Ok(Writes::none().and::<Inventory>(&*data.shelf, vec![crate::trip::put("hold", 1)]))
});

#[tokio::test(start_paused = true)]
#[should_panic(expected = "aged, definition 1 × flight × call Declined: it holds 1")]
async fn an_old_version_of_a_definition_is_run_as_well() {
    check(Holding::<Aged>(PhantomData)).await;
}
