//! The saga `order`.

use async_trait::async_trait;
use domain::fulfilment::{Fulfilment, FulfilmentCall, Obtained, OrderSaga};
use domain::order::{Cancellation, Order, OrderEvent, RequestCancellation};
use domain::value::OrderStatus;
use event_sourcing::execute::{Lane, States, Stop, Work};
use event_sourcing::saga::{Outcome, Person, SagaState, cancel, started};
use event_sourcing::testing::saga::{End, Scenario, World, check};
use event_sourcing::{Command, Metadata};

use crate::shop::{History, counted, id, is_left, ordered, reference, tracking};

struct Placed;

#[async_trait]
impl Scenario for Placed {
    type Saga = OrderSaga;

    async fn begin(&self, world: &World) -> String {
        let (order, origin) = (ordered(), Metadata::default());
        let data = Fulfilment::of(&order);
        let history = History::<OrderSaga> {
            saga: Some(started::<OrderSaga>("saga-1", "order-1", data, origin)),
            order: vec![OrderEvent::Created(order)],
            stock: vec![counted(10)],
        };
        world.execute(&history).await;
        "saga-1".to_owned()
    }

    fn answer(&self, call: &FulfilmentCall) -> Obtained {
        match call {
            FulfilmentCall::Pay { .. } => Obtained::Payment(reference("payment-1")),
            FulfilmentCall::Ship { .. } => Obtained::Shipment(tracking("JP-1")),
        }
    }

    async fn refuse(&self, world: &World, step: &str) -> bool {
        let history = History::<OrderSaga> {
            order: Vec::new(),
            stock: vec![counted(2)],
            saga: None,
        };
        world.execute(&history).await;
        step == "reserve_inventory"
    }

    async fn cancel(&self, world: &World, _saga_id: &str) -> bool {
        world.try_execute(&CancelOrder).await.is_ok()
    }

    async fn check(&self, end: &End<'_, OrderSaga>) -> Result<(), String> {
        let (status, held) = match end.outcome {
            Outcome::Completed => (OrderStatus::Confirmed, Some(3)),
            Outcome::Compensated | Outcome::Failed => (OrderStatus::Cancelled, None),
        };
        is_left(end.world, status, held, held.is_some()).await
    }
}

/// As a customer does it: the order notes the wish in the commit that turns the saga.
struct CancelOrder;

impl Command for CancelOrder {
    type Refusal = String;
    type Answer = ();
    const FIRST_EVENTS: &'static [&'static str] = &["OrderCancellationRequested"];

    fn lanes(&self) -> Vec<Lane> {
        vec![
            Lane::write::<Order>("order-1"),
            Lane::write::<SagaState<OrderSaga>>("saga-1"),
        ]
    }

    fn decide(&self, work: &mut Work) -> Result<(), Stop<String>> {
        let request = RequestCancellation {
            order_id: id("order-1"),
            cancel_saga_id: id("saga-2"),
            reason: None,
            requested_by: None,
        };
        let order = work.state::<Order>("order-1")?;
        let decided = order.request_cancellation(&request);
        let decided = decided.map_err(|error| Stop::refuse(error.to_string()))?;
        let Cancellation::TurnsSaga { saga_id, event } = decided else {
            return Err(Stop::refuse(format!("{decided:?}")));
        };
        let saga = work.state::<SagaState<OrderSaga>>(saga_id.as_str())?;
        let by = Person {
            who: "aki".to_owned(),
            why: "a change of mind".to_owned(),
        };
        let run = saga.run().expect("the saga has begun");
        let turned = cancel(run, &by).map_err(|error| Stop::refuse(error.to_string()))?;
        work.append::<Order>("order-1", &[event])?;
        Ok(work.append::<SagaState<OrderSaga>>(saga_id.as_str(), &turned)?)
    }

    fn answer(&self, _states: &States) -> Option<()> {
        Some(())
    }
}

#[tokio::test(start_paused = true)]
async fn an_order_is_confirmed_or_nothing_of_it_is_left_whatever_fails() {
    let report = check(Placed).await;
    assert!(report.cases > 100, "{report:?}");
}
