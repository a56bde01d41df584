//! Helpers for orders and their sagas: placing, waiting, and provider faults.

use std::sync::Arc;
use std::time::Duration;

use command_service::Config;
use contract::proto::{
    Error, ListSagasParam, ListSagasResult, Order, OrderCancelParam, OrderItem, OrderUpParam,
    OrderUpResult, ResolveSagaParam, Saga, SagaActionParam, SagaActionResult, SagaEvent,
    SagaStatus, ShowSagaParam, ShowSagaResult, StartOrderSagaParam, StartSagaResult,
};
use event_sourcing::SystemClock;
use providers::payments::PaymentsConfig;
use providers::shipping::ShippingConfig;
use providers::simulated::{Rate, SimulationConfig};
use tokio::time::{Instant, sleep};
use tonic::{Response, Status};

use crate::support::{Home, Service, either, named_product};

const WAIT_TIMEOUT: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Providers that accept everything, and minimal delays between attempts.
pub fn well_behaved() -> Config {
    let mut config = Config::default();
    config.sagas.longest_pause = Duration::from_millis(1);
    config
}

/// The payment provider is unreachable.
pub fn without_payments() -> Config {
    paying(SimulationConfig {
        unavailable_rate: Rate::ALWAYS,
        ..SimulationConfig::default()
    })
}

/// The payment provider is slower than any timeout.
pub fn slow_payments() -> Config {
    paying(SimulationConfig {
        latency: Duration::from_mins(10),
        ..SimulationConfig::default()
    })
}

/// The carrier declines everything.
pub fn without_shipping() -> Config {
    shipping(SimulationConfig {
        fail_rate: Rate::ALWAYS,
        ..SimulationConfig::default()
    })
}

/// The carrier is unreachable.
pub fn out_of_carriers_reach() -> Config {
    shipping(SimulationConfig {
        unavailable_rate: Rate::ALWAYS,
        ..SimulationConfig::default()
    })
}

fn shipping(conduct: SimulationConfig) -> Config {
    let mut config = well_behaved();
    config.providers.shipping = ShippingConfig::Simulated(conduct);
    config
}

fn paying(conduct: SimulationConfig) -> Config {
    let mut config = well_behaved();
    config.providers.payments = PaymentsConfig::Simulated(conduct);
    config
}

impl Home {
    pub async fn start_like(&self, own: &Config) -> Service {
        self.start_as(own, Arc::new(SystemClock)).await
    }
}

/// An order of `ada` with these quantities of products.
pub fn order_of(items: &[(&str, i32)]) -> StartOrderSagaParam {
    let items = items.iter().map(|(product, quantity)| OrderItem {
        product_id: (*product).to_owned(),
        quantity: *quantity,
        ..OrderItem::default()
    });
    StartOrderSagaParam {
        customer_id: "ada".to_owned(),
        items: items.collect(),
        ..StartOrderSagaParam::default()
    }
}

pub fn to(id: &str) -> OrderUpParam {
    OrderUpParam { id: id.to_owned() }
}

pub fn cancellation_of(id: &str) -> OrderCancelParam {
    OrderCancelParam {
        id: id.to_owned(),
        reason: Some("changed my mind".to_owned()),
    }
}

/// An action of the operator `grace` with the reason "it is time".
pub fn act_on(saga_id: &str) -> SagaActionParam {
    SagaActionParam {
        saga_id: saga_id.to_owned(),
        who: "grace".to_owned(),
        reason: "it is time".to_owned(),
    }
}

pub fn resolution_of(saga_id: &str, close: bool) -> ResolveSagaParam {
    let SagaActionParam {
        saga_id,
        who,
        reason,
    } = act_on(saga_id);
    ResolveSagaParam {
        saga_id,
        who,
        reason,
        close,
    }
}

pub fn placed(reply: Result<Response<StartSagaResult>, Status>) -> Result<StartSagaResult, Error> {
    let message = reply.expect("a reply").into_inner();
    match message.error {
        None => Ok(message),
        Some(error) => {
            assert_eq!((message.order, message.started_at), (None, None));
            assert_eq!((message.saga_id, message.status), Default::default());
            Err(error)
        }
    }
}

/// The order, and whether the command changed nothing.
pub fn changed(reply: Result<Response<OrderUpResult>, Status>) -> Result<(Order, bool), Error> {
    let message = reply.expect("a reply").into_inner();
    assert!(message.timestamp.is_some());
    either(message.order, message.error).map(|order| (order, message.unchanged))
}

/// The saga, and whether the action changed nothing.
pub fn acted(reply: Result<Response<SagaActionResult>, Status>) -> Result<(Saga, bool), Error> {
    let message = reply.expect("a reply").into_inner();
    assert!(message.timestamp.is_some());
    either(message.saga, message.error).map(|saga| (saga, message.unchanged))
}

/// The shown saga with one page of events.
pub fn shown(reply: Result<Response<ShowSagaResult>, Status>) -> Result<ShowSagaResult, Error> {
    let message = reply.expect("a reply").into_inner();
    match message.error {
        None => Ok(message),
        Some(error) => Err(error),
    }
}

pub fn listed(reply: Result<Response<ListSagasResult>, Status>) -> Result<ListSagasResult, Error> {
    let message = reply.expect("a reply").into_inner();
    match message.error {
        None => Ok(message),
        Some(error) => Err(error),
    }
}

impl Service {
    /// Creates a product that costs 10.00, with this stock.
    pub async fn stocked(&self, name: &str, quantity: i64) -> String {
        let mut param = named_product(name);
        param.stock_quantity = Some(quantity);
        self.create_product(param).await.expect("a product").id
    }

    /// Places an order. Returns the ids of the order and its saga.
    pub async fn place(&self, items: &[(&str, i32)]) -> (String, String) {
        let reply = self.sagas.clone().start_order_saga(order_of(items)).await;
        let placed = placed(reply).expect("an order");
        (placed.order.expect("an order").id, placed.saga_id)
    }

    /// Places an order and waits until it is confirmed. Returns the ids of the order and its saga.
    pub async fn confirmed(&self, items: &[(&str, i32)]) -> (String, String) {
        let (order_id, saga_id) = self.place(items).await;
        self.until(&saga_id, SagaStatus::Completed).await;
        (order_id, saga_id)
    }

    pub async fn show(&self, saga_id: &str) -> Result<(Saga, Vec<SagaEvent>), Error> {
        let param = ShowSagaParam {
            saga_id: saga_id.to_owned(),
            ..ShowSagaParam::default()
        };
        let shown = shown(self.sagas.clone().show_saga(param).await)?;
        assert!(!shown.more);
        Ok((shown.saga.expect("a saga"), shown.events))
    }

    /// The saga of an order that started last.
    pub async fn latest_saga(&self, order_id: &str) -> String {
        let by_order = ShowSagaParam {
            order_id: order_id.to_owned(),
            ..ShowSagaParam::default()
        };
        let shown = shown(self.sagas.clone().show_saga(by_order).await).expect("a saga");
        shown.saga.expect("a saga").id
    }

    /// Waits until a saga has this status.
    pub async fn until(&self, saga_id: &str, status: SagaStatus) -> Saga {
        self.until_saga(saga_id, |saga| saga.status() == status)
            .await
    }

    pub async fn until_saga(&self, saga_id: &str, like: impl Fn(&Saga) -> bool) -> Saga {
        let deadline = Instant::now() + WAIT_TIMEOUT;
        loop {
            let (saga, events) = self.show(saga_id).await.expect("a saga");
            if like(&saga) {
                return saga;
            }
            assert!(Instant::now() < deadline, "{saga:?} {events:?}");
            sleep(LOOK_EVERY).await;
        }
    }

    /// Waits until a list of open sagas has this length.
    pub async fn until_listed(&self, param: &ListSagasParam, count: usize) -> Vec<Saga> {
        let deadline = Instant::now() + WAIT_TIMEOUT;
        loop {
            let reply = self.sagas.clone().list_sagas(param.clone()).await;
            let sagas = listed(reply).expect("a list").sagas;
            if sagas.len() == count {
                return sagas;
            }
            assert!(Instant::now() < deadline, "{sagas:?}");
            sleep(LOOK_EVERY).await;
        }
    }
}

/// A `cancel_order` saga that is suspended because it cannot refund: its service, its order, and its id.
pub async fn suspended(home: &Home) -> (Service, String, String) {
    let before = home.start_like(&well_behaved()).await;
    let product = before.stocked("Sencha", 10).await;
    let (order_id, _) = before.confirmed(&[(&product, 2)]).await;
    before.stop().await;
    let service = home.start_like(&without_payments()).await;
    let reply = service
        .orders
        .clone()
        .cancel(cancellation_of(&order_id))
        .await;
    changed(reply).expect("a cancellation");
    let saga_id = service.latest_saga(&order_id).await;
    service.until(&saga_id, SagaStatus::Suspended).await;
    (service, order_id, saga_id)
}
