//! The steps on stock, shared by both sagas: all goods of an order in one commit.

use event_sourcing::execute::{DecideError, Lane};
use sagas::{StateReader, StepRejected, Writes};
use serde::{Deserialize, Serialize};

use crate::order::OrderItem;
use crate::stock::Stock;
use crate::value::{EntityId, Quantity};

/// A product and its quantity in an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReservedItem {
    pub product_id: EntityId,
    pub quantity: Quantity,
}

/// The quantities that an order reserves.
pub(super) fn reserved_items(items: &[OrderItem]) -> Vec<ReservedItem> {
    let goods = items.iter().map(|item| ReservedItem {
        product_id: item.product_id.clone(),
        quantity: item.quantity,
    });
    goods.collect()
}

pub(super) fn lanes(goods: &[ReservedItem]) -> Vec<Lane> {
    let products = goods.iter().map(|goods| goods.product_id.as_str());
    products.map(Lane::write::<Stock>).collect()
}

pub(super) fn reserve(
    order: &EntityId,
    goods: &[ReservedItem],
    reads: &mut StateReader<'_, StepRejected>,
) -> Result<Writes, DecideError<StepRejected>> {
    let mut writes = Writes::none();
    for ReservedItem {
        product_id,
        quantity,
    } in goods
    {
        let stock = reads.state::<Stock>(product_id.as_str())?;
        let reserved = stock.reserve(product_id, order, *quantity);
        let reserved = reserved.map_err(|error| StepRejected(error.to_string()))?;
        writes = writes.and::<Stock>(product_id.as_str(), reserved);
    }
    Ok(writes)
}

pub(super) fn release<R>(
    order: &EntityId,
    goods: &[ReservedItem],
    reads: &mut StateReader<'_, R>,
) -> Result<Writes, DecideError<R>> {
    let mut writes = Writes::none();
    for ReservedItem { product_id, .. } in goods {
        let stock = reads.state::<Stock>(product_id.as_str())?;
        writes = writes.and::<Stock>(product_id.as_str(), stock.release(product_id, order));
    }
    Ok(writes)
}
