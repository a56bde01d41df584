//! The saga `cancel_order`, which compensates an order after its saga `order` has completed.

use async_trait::async_trait;
use domain::fulfilment::CancelOrderSaga;
use domain::order::CancelOrder;
use domain::value::OrderStatus;
use sagas::testing::{End, FakeProvider, Scenario, TestEnv, check_cancelling};
use sagas::{EngineBuilder, SagaOutcome};

use crate::order::Fulfil;
use crate::shop::{self, Holds, ORDER, holds, id};

struct Undo;

#[async_trait]
impl Scenario for Undo {
    type Saga = CancelOrderSaga;

    async fn begin(&self, env: &TestEnv) -> String {
        let command = CancelOrder {
            order_id: id(ORDER),
            reason: None,
            requested_by: None,
            owner: None,
            cancel_saga_id: id("saga-2"),
        };
        env.execute(&command).await;
        "saga-2".to_owned()
    }

    fn providers(&self, provider: &FakeProvider, engine: EngineBuilder) -> EngineBuilder {
        shop::providers(provider, engine)
    }

    async fn check(&self, end: &End<'_, CancelOrderSaga>) -> Result<(), String> {
        if end.outcome != SagaOutcome::Completed {
            return Err(format!("it ended as {:?}", end.outcome));
        }
        let wanted = Holds {
            status: OrderStatus::Cancelled,
            goods: false,
            deals: false,
        };
        holds(end.env, wanted).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_order_holds_nothing_under_every_fault() {
    let report = check_cancelling(Fulfil, Undo).await;
    assert!(report.cases > 20, "{report:?}");
}
