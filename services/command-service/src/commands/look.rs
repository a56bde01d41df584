//! Looks: commands that have nothing to do. The executor makes sure that they see the present state, whichever
//! process wrote it, as it does for refusals; a state out of its cache alone could be an old one.

use std::convert::Infallible;

use domain::fulfilment::{CancelOrderSaga, OrderSaga};
use domain::order::Order;
use domain::value::EntityId;
use event_sourcing::execute::{Command, Lane, States, Stop, Work};
use event_sourcing::saga::{SagaState, Summary};

/// Finds a saga of either kind.
#[derive(Clone, Debug)]
pub struct LookAtSaga(pub String);

/// Finds the saga of an order that began last.
#[derive(Clone, Debug)]
pub struct LookForSaga(pub EntityId);

impl Command for LookAtSaga {
    type Refusal = Infallible;
    type Answer = Option<Summary>;
    const FIRST_EVENTS: &'static [&'static str] = &[];

    fn lanes(&self) -> Vec<Lane> {
        vec![
            Lane::read::<SagaState<OrderSaga>>(&self.0),
            Lane::read::<SagaState<CancelOrderSaga>>(&self.0),
        ]
    }

    fn decide(&self, work: &mut Work) -> Result<(), Stop<Infallible>> {
        work.state::<SagaState<OrderSaga>>(&self.0)?;
        work.state::<SagaState<CancelOrderSaga>>(&self.0)?;
        Ok(())
    }

    fn answer(&self, states: &States) -> Option<Option<Summary>> {
        let (fulfils, _) = states.get::<SagaState<OrderSaga>>(&self.0)?;
        let (undoes, _) = states.get::<SagaState<CancelOrderSaga>>(&self.0)?;
        Some(fulfils.summary().or_else(|| undoes.summary()))
    }
}

impl Command for LookForSaga {
    type Refusal = Infallible;
    type Answer = Option<EntityId>;
    const FIRST_EVENTS: &'static [&'static str] = &[];

    fn lanes(&self) -> Vec<Lane> {
        vec![Lane::read::<Order>(self.0.as_str())]
    }

    fn decide(&self, work: &mut Work) -> Result<(), Stop<Infallible>> {
        work.state::<Order>(self.0.as_str())?;
        Ok(())
    }

    fn answer(&self, states: &States) -> Option<Option<EntityId>> {
        let (order, _) = states.get::<Order>(self.0.as_str())?;
        Some(order.values().map(|order| order.saga_id.clone()))
    }
}
