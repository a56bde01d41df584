//! The saga `cancel_order`: undoes an order that was confirmed and has not been shipped.
//!
//! The customer was told that the order is cancelled, so there is no way back: every step is repeated until it
//! succeeds.

use std::time::Duration;

use sagas::{Key, Kind, Role, Saga, Step, Table, Writes};
use serde::{Deserialize, Serialize};

use super::order::{cancelled, failed, order_lane, write};
use super::stock::{self, Goods};
use super::{CALL, RETRY};
use crate::order::{OrderEvent, OrderPaymentRefunded, OrderShippingCancelled, OrderValues};
use crate::value::{EntityId, Money, Reference, ShippingAddress, TrackingNumber, UserId};

/// Undoes a confirmed order.
#[derive(Clone, Copy, Debug)]
pub struct CancelOrderSaga;

/// What is to be undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unfulfilment {
    /// The order.
    pub order_id: EntityId,
    /// Whose it is.
    pub user_id: UserId,
    /// What is to be released.
    pub goods: Vec<Goods>,
    /// What is to be given back.
    #[serde(rename = "total_cents")]
    pub total: Money,
    /// Where the goods were to go.
    pub shipping_address: Option<ShippingAddress>,
    /// The key that the money was taken under; none if a person saw to it by hand.
    pub payment_key: Option<Reference>,
    /// What the payment provider calls the payment.
    pub payment_id: Option<Reference>,
    /// The key that the shipment was arranged under; none if a person saw to it by hand.
    pub shipping_key: Option<Reference>,
    /// What the carrier calls the shipment.
    pub tracking_number: Option<TrackingNumber>,
}

impl Unfulfilment {
    /// What the saga begins with.
    #[must_use]
    pub fn of(order: &OrderValues) -> Self {
        let (payment, shipment) = (order.payment.as_ref(), order.shipment.as_ref());
        Self {
            order_id: order.id.clone(),
            user_id: order.user_id.clone(),
            goods: stock::goods(&order.items),
            total: order.total,
            shipping_address: order.shipping_address.clone(),
            payment_key: payment.map(|payment| payment.key.clone()),
            payment_id: payment.map(|payment| payment.payment_id.clone()),
            shipping_key: shipment.map(|shipment| shipment.key.clone()),
            tracking_number: shipment.map(|shipment| shipment.tracking_number.clone()),
        }
    }
}

/// What is asked of a provider: to undo what it did under another key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UndoCall {
    /// Give the shipment up.
    CancelShipping {
        /// Of this order.
        order_id: EntityId,
        /// Of these goods.
        goods: Vec<Goods>,
        /// Which were to go there.
        address: Option<ShippingAddress>,
        /// What it was arranged under, if anything was.
        key: Option<Reference>,
    },
    /// Give the money back.
    RefundPayment {
        /// Of this order.
        order_id: EntityId,
        /// To whom.
        user_id: UserId,
        /// How much.
        amount: Money,
        /// What it was taken under, if anything was.
        key: Option<Reference>,
    },
}

/// What a provider undid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoneDeal {
    /// Whether there was something to undo.
    pub happened: bool,
    /// What the provider calls the undoing, if it has a name for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Reference>,
}

impl Saga for CancelOrderSaga {
    const NAME: &'static str = "cancel_order";
    const STREAM: &'static str = "cancel_order_saga";
    const DEFINITION: u32 = 1;
    type Data = Unfulfilment;
    type Output = UndoneDeal;
    type Call = UndoCall;

    fn table(definition: u32) -> Option<&'static Table<Self>> {
        static V1: Table<CancelOrderSaga> = Table {
            stages: &[&[CANCEL_SHIPPING], &[REFUND], &[RELEASE]],
            until_pivot: Duration::MAX,
            completed: |data, reason, reads| cancelled(&data.order_id, reason, reads),
            compensated: |_, _, _| Ok(Writes::none()),
            failed: |data, reason, reads| failed(&data.order_id, reason, reads),
        };
        (definition == 1).then_some(&V1)
    }

    fn learn(_data: &mut Unfulfilment, _output: &UndoneDeal) {}
}

const CANCEL_SHIPPING: Step<CancelOrderSaga> = Step {
    name: "cancel_shipping",
    role: Role::Retriable,
    kind: Kind::External {
        call: |data| UndoCall::CancelShipping {
            order_id: data.order_id.clone(),
            goods: data.goods.clone(),
            address: data.shipping_address.clone(),
            key: data.shipping_key.clone(),
        },
        done: called_off,
        undone: None,
    },
    lanes: |data| order_lane(&data.order_id),
    timeout: CALL,
    deadline: Duration::MAX,
    retry: RETRY,
};

const REFUND: Step<CancelOrderSaga> = Step {
    name: "refund_payment",
    role: Role::Retriable,
    kind: Kind::External {
        call: |data| UndoCall::RefundPayment {
            order_id: data.order_id.clone(),
            user_id: data.user_id.clone(),
            amount: data.total,
            key: data.payment_key.clone(),
        },
        done: refunded,
        undone: None,
    },
    lanes: |data| order_lane(&data.order_id),
    timeout: CALL,
    deadline: Duration::MAX,
    retry: RETRY,
};

const RELEASE: Step<CancelOrderSaga> = Step {
    name: "release_inventory",
    role: Role::Retriable,
    kind: Kind::Local {
        action: |data, reads| stock::release(&data.order_id, &data.goods, reads),
        undo: None,
    },
    lanes: |data| stock::lanes(&data.goods),
    timeout: CALL,
    deadline: Duration::MAX,
    retry: RETRY,
};

fn called_off(data: &Unfulfilment, _key: &Key, undone: &UndoneDeal) -> Writes {
    if !undone.happened {
        return Writes::none();
    }
    let event = OrderShippingCancelled {
        order_id: data.order_id.clone(),
        tracking_number: data.tracking_number.clone(),
    };
    write(&data.order_id, OrderEvent::ShippingCancelled(event))
}

fn refunded(data: &Unfulfilment, _key: &Key, undone: &UndoneDeal) -> Writes {
    if !undone.happened {
        return Writes::none();
    }
    let event = OrderPaymentRefunded {
        order_id: data.order_id.clone(),
        payment_id: data.payment_id.clone(),
        refund_id: undone.reference.clone(),
        amount: data.total,
    };
    write(&data.order_id, OrderEvent::PaymentRefunded(event))
}
