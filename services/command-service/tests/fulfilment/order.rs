//! The saga `order`.

use async_trait::async_trait;
use domain::fulfilment::OrderSaga;
use domain::order::{CancelOrder, Order};
use domain::value::OrderStatus;
use sagas::testing::{End, FakeProvider, Scenario, TestEnv, check};
use sagas::{EngineBuilder, SagaOutcome};

use crate::shop::{self, Holds, ORDER, ORDER_SAGA, holds, id};

pub struct Fulfil;

#[async_trait]
impl Scenario for Fulfil {
    type Saga = OrderSaga;

    async fn begin(&self, env: &TestEnv) -> String {
        shop::open(env).await;
        ORDER_SAGA.to_owned()
    }

    fn providers(&self, provider: &FakeProvider, engine: EngineBuilder) -> EngineBuilder {
        shop::providers(provider, engine)
    }

    async fn reject_step(&self, env: &TestEnv, step: &str) -> bool {
        shop::lose_the_goods(env).await;
        step == "reserve_inventory"
    }

    async fn cancel(&self, env: &TestEnv, _saga_id: &str) -> bool {
        let command = CancelOrder {
            order_id: id(ORDER),
            reason: None,
            requested_by: Some(shop::user()),
            owner: None,
            cancel_saga_id: id("saga-2"),
        };
        env.execute(&command).await;
        let order: Order = env.state(ORDER).await;
        // A confirmed order is compensated by another saga, while this one stays completed.
        order
            .values()
            .is_some_and(|order| order.status != OrderStatus::Confirmed)
    }

    async fn check(&self, end: &End<'_, OrderSaga>) -> Result<(), String> {
        let status = match end.outcome {
            SagaOutcome::Completed => OrderStatus::Confirmed,
            SagaOutcome::Compensated => OrderStatus::Cancelled,
            SagaOutcome::Failed => OrderStatus::Failed,
        };
        let is_confirmed = status == OrderStatus::Confirmed;
        let wanted = Holds {
            status,
            goods: is_confirmed,
            deals: is_confirmed,
        };
        holds(end.env, wanted).await
    }
}

#[tokio::test(start_paused = true)]
async fn under_every_fault_an_order_is_confirmed_with_everything_or_cancelled_with_nothing() {
    let report = check(Fulfil).await;
    assert!(report.cases > 40, "{report:?}");
}
