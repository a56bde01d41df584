//! Shipment of an order, and its cancellation.

use sagas::{CompensationResult, ExternalStep, OperationKey, UndoStep, Writes};

use super::data::{CancelOrderData, CancelOrderSaga, Fulfilment, OrderSaga};
use super::order_stream::write;
use super::stock::ReservedItem;
use crate::order::{OrderEvent, OrderShippingArranged, OrderShippingCancelled};
use crate::value::{EntityId, ShippingAddress, TrackingNumber};

/// The request of a shipment. All calls under the same key have the same shipment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shipment {
    pub order_id: EntityId,
    /// None if the customer collects the goods.
    pub address: Option<ShippingAddress>,
    pub goods: Vec<ReservedItem>,
}

/// Arranges the shipment with the carrier; undone by its cancellation.
#[derive(Debug)]
pub struct ArrangeShipping;

impl ExternalStep for ArrangeShipping {
    const NAME: &'static str = "arrange_shipping";
    type Saga = OrderSaga;
    type Request = Shipment;
    type Response = TrackingNumber;

    fn request(data: &Fulfilment) -> Shipment {
        shipment(&data.order_id, data.shipping_address.as_ref(), &data.items)
    }

    fn apply_output(data: &mut Fulfilment, number: TrackingNumber) {
        data.tracking_number = Some(number);
    }

    fn completed(data: &Fulfilment, key: &OperationKey, tracking_number: TrackingNumber) -> Writes {
        let event = OrderShippingArranged {
            order_id: data.order_id.clone(),
            tracking_number,
            key: key.into(),
        };
        write(&data.order_id, OrderEvent::ShippingArranged(event))
    }

    fn compensated(data: &Fulfilment, undone: &CompensationResult) -> Writes {
        cancelled(&data.order_id, data.tracking_number.as_ref(), undone)
    }
}

/// Cancels the shipment of a confirmed order.
#[derive(Debug)]
pub struct CancelShipping;

impl UndoStep for CancelShipping {
    const NAME: &'static str = "cancel_shipping";
    type Saga = CancelOrderSaga;
    type Undoes = ArrangeShipping;

    fn undoes(data: &CancelOrderData) -> Option<(OperationKey, Shipment)> {
        let shipment = shipment(&data.order_id, data.shipping_address.as_ref(), &data.items);
        Some((data.shipping_key.as_ref()?.into(), shipment))
    }

    fn completed(data: &CancelOrderData, undone: &CompensationResult) -> Writes {
        cancelled(&data.order_id, data.tracking_number.as_ref(), undone)
    }
}

fn shipment(
    order_id: &EntityId,
    address: Option<&ShippingAddress>,
    goods: &[ReservedItem],
) -> Shipment {
    Shipment {
        order_id: order_id.clone(),
        address: address.cloned(),
        goods: goods.to_vec(),
    }
}

fn cancelled(
    order_id: &EntityId,
    number: Option<&TrackingNumber>,
    undone: &CompensationResult,
) -> Writes {
    if !undone.had_effect {
        return Writes::none();
    }
    let event = OrderShippingCancelled {
        order_id: order_id.clone(),
        tracking_number: number.cloned(),
    };
    write(order_id, OrderEvent::ShippingCancelled(event))
}
