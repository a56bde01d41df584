//! Orders: placing one begins its saga in the same commit, cancelling one turns that saga round or begins another.

use domain::DomainError;
use domain::fulfilment::{CancelOrderSaga, Fulfilment, OrderSaga, Unfulfilment};
use domain::order::{
    Cancellation, CreateOrder, Order, OrderEvent, OrderValues, RequestCancellation,
};
use domain::product::Product;
use domain::stock::Stock;
use domain::value::{EntityId, Reason, UserId};
use event_sourcing::execute::{Command, Lane, States};
use sagas::{Person, SagaState};

use super::{Deciding, Rejected};

/// An order as a command left it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderAnswer {
    /// Its values.
    pub values: OrderValues,
    /// Counts its own stream.
    pub version: u64,
}

/// Orders something at the products' present prices, and begins the saga that fulfils it.
#[derive(Clone, Debug)]
pub struct PlaceOrder(pub CreateOrder);

/// Asks for an order to be undone.
#[derive(Clone, Debug)]
pub struct CancelOrder(pub RequestCancellation);

/// Gives a confirmed order to the carrier; what it holds leaves the stock.
#[derive(Clone, Debug)]
pub struct ShipOrder(pub EntityId);

/// Notes that an order has arrived.
#[derive(Clone, Debug)]
pub struct DeliverOrder(pub EntityId);

impl Command for PlaceOrder {
    const NAME: &'static str = "place_order";
    type Rejection = DomainError;
    type Reply = OrderAnswer;

    fn streams(&self) -> Vec<Lane> {
        let products = self.0.lines.iter();
        let mut lanes: Vec<_> = products
            .map(|line| Lane::read::<Product>(line.product_id.as_str()))
            .collect();
        lanes.push(Lane::create::<Order>(self.0.id.as_str()));
        lanes.push(Lane::create::<SagaState<OrderSaga>>(
            self.0.saga_id.as_str(),
        ));
        lanes
    }

    fn decide(&self, work: &mut Deciding<'_>) -> Result<(), Rejected> {
        let order = work.state::<Order>(self.0.id.as_str())?;
        let mut products = Vec::new();
        for line in self.0.lines.iter() {
            let product = work.state::<Product>(line.product_id.as_str())?;
            products.push((line.product_id.clone(), product));
        }
        let sold = |id: &EntityId| {
            let (_, product) = products.iter().find(|(known, _)| known == id)?;
            product.life().alive()
        };
        let created = order.create(&self.0, sold)?;
        work.append::<Order>(self.0.id.as_str(), &created)?;
        for event in &created {
            if let OrderEvent::Created(created) = event {
                let saga_id = created.saga_id.as_str();
                let origin = work.metadata().clone();
                let data = Fulfilment::of(created);
                let started =
                    sagas::started::<OrderSaga>(saga_id, created.order_id.as_str(), data, origin);
                work.append::<SagaState<OrderSaga>>(saga_id, &[started])?;
            }
        }
        Ok(())
    }

    fn reply(&self, states: &States) -> Option<OrderAnswer> {
        answer(states, &self.0.id)
    }
}

impl Command for CancelOrder {
    const NAME: &'static str = "cancel_order";
    type Rejection = DomainError;
    type Reply = OrderAnswer;

    fn streams(&self) -> Vec<Lane> {
        vec![Lane::write::<Order>(self.0.order_id.as_str())]
    }

    fn decide(&self, work: &mut Deciding<'_>) -> Result<(), Rejected> {
        let id = self.0.order_id.as_str();
        let order = work.state::<Order>(id)?;
        match order.request_cancellation(&self.0)? {
            Cancellation::Nothing => Ok(()),
            Cancellation::TurnsSaga { saga_id, event } => {
                let saga = work.state::<SagaState<OrderSaga>>(saga_id.as_str())?;
                // An order that is neither confirmed nor at an end has an open saga that can turn round, or has.
                let turned = saga.run().map(|run| sagas::cancel(run, &self.person()));
                let turned = turned.and_then(Result::ok).unwrap_or_default();
                work.append::<Order>(id, &[event])?;
                work.append::<SagaState<OrderSaga>>(saga_id.as_str(), &turned)
            }
            Cancellation::StartsSaga { saga_id, event } => {
                let data = Unfulfilment::of(order.existing(&self.0.order_id)?);
                let (saga_id, origin) = (saga_id.as_str(), work.metadata().clone());
                let started = sagas::started::<CancelOrderSaga>(saga_id, id, data, origin);
                work.append::<Order>(id, &[event])?;
                work.append::<SagaState<CancelOrderSaga>>(saga_id, &[started])
            }
        }
    }

    fn reply(&self, states: &States) -> Option<OrderAnswer> {
        answer(states, &self.0.order_id)
    }
}

impl CancelOrder {
    fn person(&self) -> Person {
        let who = self.0.requested_by.as_ref().map(UserId::as_str);
        let why = self.0.reason.as_ref().map(Reason::as_str);
        Person {
            who: who.unwrap_or("customer").to_owned(),
            why: why.unwrap_or("the order was cancelled").to_owned(),
        }
    }
}

impl Command for ShipOrder {
    const NAME: &'static str = "ship_order";
    type Rejection = DomainError;
    type Reply = OrderAnswer;

    fn streams(&self) -> Vec<Lane> {
        vec![Lane::write::<Order>(self.0.as_str())]
    }

    fn decide(&self, work: &mut Deciding<'_>) -> Result<(), Rejected> {
        let order = work.state::<Order>(self.0.as_str())?;
        let shipped = order.ship(&self.0)?;
        work.append::<Order>(self.0.as_str(), &shipped)?;
        let items = order.values().filter(|_| !shipped.is_empty());
        for item in items.iter().flat_map(|order| &order.items) {
            let product = &item.product_id;
            let stock = work.state::<Stock>(product.as_str())?;
            work.append::<Stock>(product.as_str(), &stock.deduct(product, &self.0))?;
        }
        Ok(())
    }

    fn reply(&self, states: &States) -> Option<OrderAnswer> {
        answer(states, &self.0)
    }
}

impl Command for DeliverOrder {
    const NAME: &'static str = "deliver_order";
    type Rejection = DomainError;
    type Reply = OrderAnswer;

    fn streams(&self) -> Vec<Lane> {
        vec![Lane::write::<Order>(self.0.as_str())]
    }

    fn decide(&self, work: &mut Deciding<'_>) -> Result<(), Rejected> {
        work.decide::<Order, _>(self.0.as_str(), |order| order.deliver(&self.0))
    }

    fn reply(&self, states: &States) -> Option<OrderAnswer> {
        answer(states, &self.0)
    }
}

fn answer(states: &States, id: &EntityId) -> Option<OrderAnswer> {
    let (order, version) = states.get::<Order>(id.as_str())?;
    Some(OrderAnswer {
        values: order.values()?.clone(),
        version: version.0,
    })
}
