//! Payment of an order, and its refund.

use sagas::{CompensationResult, ExternalStep, OperationKey, UndoStep, Writes};

use super::data::{CancelOrderData, CancelOrderSaga, Fulfilment, OrderSaga};
use super::order_stream::write;
use crate::order::{OrderEvent, OrderPaymentProcessed, OrderPaymentRefunded};
use crate::value::{EntityId, Money, Reference, UserId};

/// The request of a charge. All calls under the same key have the same charge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    pub order_id: EntityId,
    pub user_id: UserId,
    pub amount: Money,
}

/// Takes the money; undone by a refund.
#[derive(Debug)]
pub struct ProcessPayment;

impl ExternalStep for ProcessPayment {
    const NAME: &'static str = "process_payment";
    type Saga = OrderSaga;
    type Request = Charge;
    /// The provider's id of the payment.
    type Response = Reference;

    fn request(data: &Fulfilment) -> Charge {
        charge(&data.order_id, &data.user_id, data.total)
    }

    fn apply_output(data: &mut Fulfilment, payment_id: Reference) {
        data.payment_id = Some(payment_id);
    }

    fn completed(data: &Fulfilment, key: &OperationKey, payment_id: Reference) -> Writes {
        let event = OrderPaymentProcessed {
            order_id: data.order_id.clone(),
            payment_id,
            key: key.into(),
            amount: data.total,
        };
        write(&data.order_id, OrderEvent::PaymentProcessed(event))
    }

    fn compensated(data: &Fulfilment, undone: &CompensationResult) -> Writes {
        refunded(&data.order_id, data.payment_id.as_ref(), data.total, undone)
    }
}

/// Refunds the payment of a confirmed order.
#[derive(Debug)]
pub struct RefundPayment;

impl UndoStep for RefundPayment {
    const NAME: &'static str = "refund_payment";
    type Saga = CancelOrderSaga;
    type Undoes = ProcessPayment;

    fn undoes(data: &CancelOrderData) -> Option<(OperationKey, Charge)> {
        let charge = charge(&data.order_id, &data.user_id, data.total);
        Some((data.payment_key.as_ref()?.into(), charge))
    }

    fn completed(data: &CancelOrderData, undone: &CompensationResult) -> Writes {
        refunded(&data.order_id, data.payment_id.as_ref(), data.total, undone)
    }
}

fn charge(order_id: &EntityId, user_id: &UserId, amount: Money) -> Charge {
    Charge {
        order_id: order_id.clone(),
        user_id: user_id.clone(),
        amount,
    }
}

fn refunded(
    order_id: &EntityId,
    payment_id: Option<&Reference>,
    amount: Money,
    undone: &CompensationResult,
) -> Writes {
    if !undone.had_effect {
        return Writes::none();
    }
    let event = OrderPaymentRefunded {
        order_id: order_id.clone(),
        payment_id: payment_id.cloned(),
        refund_id: undone.reference.as_deref().and_then(Reference::if_valid),
        amount,
    };
    write(order_id, OrderEvent::PaymentRefunded(event))
}
