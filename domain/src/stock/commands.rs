//! The command on a product's stock.

use std::sync::Arc;

use event_sourcing::execute::{Command, States};

use super::state::Stock;
use crate::command::{Decided, Deciding, reply};
use crate::error::DomainError;
use crate::value::{EntityId, StockLevel};

/// Sets the level on hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateStock {
    pub product_id: EntityId,
    /// The new level.
    pub on_hand: StockLevel,
}

impl Command for UpdateStock {
    const NAME: &'static str = "update_stock";
    type Rejection = DomainError;
    type Reply = Arc<Stock>;

    fn decide(&self, work: &mut Deciding<'_>) -> Decided {
        let id = &self.product_id;
        work.decide::<Stock, _>(id.as_str(), |stock| stock.update(id, self.on_hand))
    }

    fn reply(&self, states: &States) -> Option<Arc<Stock>> {
        reply(states, &self.product_id)
    }
}
