//! Every step × every fault, for sagas of all shapes.

use std::marker::PhantomData;

use async_trait::async_trait;
use sagas::testing::{End, FakeProvider, Scenario, TestEnv, check};
use sagas::{EngineBuilder, SagaOutcome};

use crate::trip::{
    AUTHORISE, Booking, CHARGE, Called, ErrandSaga, FLIGHT, HOTEL, Inventory, NOTIFY, Purchase,
    PutOn, REFUND, Tour, Travel, Trip, put,
};

/// Providers of all calls that succeed.
pub fn booking<S: Travel>(provider: &FakeProvider, engine: EngineBuilder) -> EngineBuilder {
    let answer = |request: &String| {
        assert_eq!(request, "for a");
        "booked".to_owned()
    };
    let engine = engine.provider(provider.provider::<Called<S, FLIGHT>>(answer));
    let engine = engine.provider(provider.provider::<Called<S, HOTEL>>(answer));
    let engine = engine.provider(provider.provider::<Called<S, AUTHORISE>>(answer));
    let engine = engine.provider(provider.provider::<Called<S, CHARGE>>(answer));
    let engine = engine.provider(provider.provider::<Called<S, NOTIFY>>(answer));
    engine.provider(provider.provider::<Called<S, REFUND>>(answer))
}

/// A trip, and a check of its shelf at the end.
struct Plain<S>(PhantomData<S>);

#[async_trait]
impl<S: Travel> Scenario for Plain<S> {
    type Saga = S;

    async fn begin(&self, env: &TestEnv) -> String {
        env.begin::<S>("trip-1", "a trip", Trip::on("a")).await;
        "trip-1".to_owned()
    }

    fn providers(&self, provider: &FakeProvider, engine: EngineBuilder) -> EngineBuilder {
        booking::<S>(provider, engine)
    }

    async fn reject_step(&self, env: &TestEnv, step: &str) -> bool {
        let no = put(&format!("no {step}"), 1);
        env.execute(&PutOn("a".to_owned(), no)).await;
        true
    }

    async fn check(&self, end: &End<'_, S>) -> Result<(), String> {
        let inventory: Inventory = end.env.state("a").await;
        let is_done = i64::from(end.outcome == SagaOutcome::Completed);
        let definition = end.run.definition_of().unwrap();
        let calls = definition
            .steps()
            .filter(|step| format!("{:?}", step.kind) == "External");
        let calls = i64::try_from(calls.count()).unwrap();
        let mut expected = vec![("completed", is_done), ("compensated", 1 - is_done)];
        for step in ["hold", "stamp", "archive"] {
            expected.push((
                step,
                is_done * i64::from(definition.position(step).is_some()),
            ));
        }
        if is_done == 1 {
            expected.extend([("booked", calls), ("undone", 0)]);
        }
        for (what, count) in expected {
            if inventory.count(what) != count {
                return Err(format!("expected {count} of {what}: {inventory:?}"));
            }
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn with_a_pivot_and_parallel_steps() {
    let report = check(Plain::<Tour>(PhantomData)).await;
    assert!(report.cases > 100, "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn with_a_pivot_that_is_a_call() {
    check(Plain::<Purchase>(PhantomData)).await;
}

#[tokio::test(start_paused = true)]
async fn without_a_pivot() {
    check(Plain::<Booking>(PhantomData)).await;
}

#[tokio::test(start_paused = true)]
async fn of_retriable_steps_only() {
    check(Plain::<ErrandSaga>(PhantomData)).await;
}
