//! Stock: a stream of its own beside each product's.

use domain::DomainError;
use domain::stock::{Stock, StockValues};
use domain::value::{EntityId, StockLevel};
use event_sourcing::execute::{Command, Lane, States};

use super::{Deciding, Rejected};

/// A product's stock as a command left it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockAnswer {
    /// The product.
    pub product_id: EntityId,
    /// Its values.
    pub values: StockValues,
    /// Counts its own stream.
    pub version: u64,
}

/// Sets what is on hand.
#[derive(Clone, Debug)]
pub struct UpdateStock {
    /// The product.
    pub product_id: EntityId,
    /// What is on hand from now on.
    pub on_hand: StockLevel,
}

impl Command for UpdateStock {
    const NAME: &'static str = "update_stock";
    type Rejection = DomainError;
    type Reply = StockAnswer;

    fn streams(&self) -> Vec<Lane> {
        vec![Lane::write::<Stock>(self.product_id.as_str())]
    }

    fn decide(&self, work: &mut Deciding<'_>) -> Result<(), Rejected> {
        let id = &self.product_id;
        work.decide::<Stock, _>(id.as_str(), |stock| stock.update(id, self.on_hand))
    }

    fn reply(&self, states: &States) -> Option<StockAnswer> {
        answer(states, &self.product_id)
    }
}

pub(super) fn answer(states: &States, product: &EntityId) -> Option<StockAnswer> {
    let (stock, version) = states.get::<Stock>(product.as_str())?;
    Some(StockAnswer {
        product_id: product.clone(),
        values: *stock.life().last()?,
        version: version.0,
    })
}
