//! The saga `order`: from an order that was placed to one that is confirmed, or cancelled.

use std::convert::Infallible;

use event_sourcing::execute::{DecideError, Lane};
use sagas::{Key, Kind, Refusal, Role, Saga, StateReader, Step, Table, Undone, Writes};
use serde::{Deserialize, Serialize};

use super::stock::{self, Goods};
use super::{CALL, DEADLINE, RETRY, UNTIL_CONFIRMED};
use crate::order::{
    Order, OrderCreated, OrderEvent, OrderPaymentProcessed, OrderPaymentRefunded,
    OrderShippingArranged, OrderShippingCancelled,
};
use crate::value::{EntityId, Money, Reason, Reference, ShippingAddress, TrackingNumber, UserId};

/// Fulfils an order.
#[derive(Clone, Copy, Debug)]
pub struct OrderSaga;

/// What the saga knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fulfilment {
    /// The order.
    pub order_id: EntityId,
    /// Whose it is.
    pub user_id: UserId,
    /// What is to be reserved.
    pub goods: Vec<Goods>,
    /// What is to be paid.
    #[serde(rename = "total_cents")]
    pub total: Money,
    /// Where it goes.
    pub shipping_address: Option<ShippingAddress>,
    /// What the payment provider gave.
    pub payment_id: Option<Reference>,
    /// What the carrier gave.
    pub tracking_number: Option<TrackingNumber>,
}

impl Fulfilment {
    /// What an order's saga begins with.
    #[must_use]
    pub fn of(order: &OrderCreated) -> Self {
        Self {
            order_id: order.order_id.clone(),
            user_id: order.user_id.clone(),
            goods: stock::goods(&order.items),
            total: order.total,
            shipping_address: order.shipping_address.clone(),
            payment_id: None,
            tracking_number: None,
        }
    }
}

/// What is asked of a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FulfilmentCall {
    /// Take the money.
    Pay {
        /// For this order.
        order_id: EntityId,
        /// From whom.
        user_id: UserId,
        /// How much.
        amount: Money,
    },
    /// Take the goods on.
    Ship {
        /// Of this order.
        order_id: EntityId,
        /// For whom.
        user_id: UserId,
        /// Which ones.
        goods: Vec<Goods>,
        /// Where to; to the shop's counter if there is no address.
        address: Option<ShippingAddress>,
    },
}

/// What a provider gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Obtained {
    /// The money was taken, under this name.
    Payment(Reference),
    /// The goods were taken on, under this number.
    Shipment(TrackingNumber),
}

impl Saga for OrderSaga {
    const NAME: &'static str = "order";
    const STREAM: &'static str = "order_saga";
    const DEFINITION: u32 = 1;
    type Data = Fulfilment;
    type Output = Obtained;
    type Call = FulfilmentCall;

    fn table(definition: u32) -> Option<&'static Table<Self>> {
        static V1: Table<OrderSaga> = Table {
            stages: &[&[RESERVE], &[PAY], &[SHIP], &[CONFIRM]],
            until_pivot: UNTIL_CONFIRMED,
            completed: |_, _, _| Ok(Writes::none()),
            compensated: |data, reason, reads| cancelled(&data.order_id, reason, reads),
            failed: |data, reason, reads| failed(&data.order_id, reason, reads),
        };
        (definition == 1).then_some(&V1)
    }

    fn learn(data: &mut Fulfilment, output: &Obtained) {
        match output {
            Obtained::Payment(payment_id) => data.payment_id = Some(payment_id.clone()),
            Obtained::Shipment(number) => data.tracking_number = Some(number.clone()),
        }
    }
}

const RESERVE: Step<OrderSaga> = Step {
    name: "reserve_inventory",
    role: Role::Compensatable,
    kind: Kind::Local {
        action: |data, reads| stock::reserve(&data.order_id, &data.goods, reads),
        undo: Some(|data, reads| stock::release(&data.order_id, &data.goods, reads)),
    },
    lanes: |data| stock::lanes(&data.goods),
    timeout: CALL,
    deadline: DEADLINE,
    retry: RETRY,
};

const PAY: Step<OrderSaga> = Step {
    name: "process_payment",
    role: Role::Compensatable,
    kind: Kind::External {
        call: |data| FulfilmentCall::Pay {
            order_id: data.order_id.clone(),
            user_id: data.user_id.clone(),
            amount: data.total,
        },
        done: paid,
        undone: Some(refunded),
    },
    lanes: |data| order_lane(&data.order_id),
    timeout: CALL,
    deadline: DEADLINE,
    retry: RETRY,
};

const SHIP: Step<OrderSaga> = Step {
    name: "arrange_shipping",
    role: Role::Compensatable,
    kind: Kind::External {
        call: |data| FulfilmentCall::Ship {
            order_id: data.order_id.clone(),
            user_id: data.user_id.clone(),
            goods: data.goods.clone(),
            address: data.shipping_address.clone(),
        },
        done: arranged,
        undone: Some(called_off),
    },
    lanes: |data| order_lane(&data.order_id),
    timeout: CALL,
    deadline: DEADLINE,
    retry: RETRY,
};

const CONFIRM: Step<OrderSaga> = Step {
    name: "confirm_order",
    role: Role::Pivot,
    kind: Kind::Local {
        action: confirm,
        undo: None,
    },
    lanes: |data| order_lane(&data.order_id),
    timeout: CALL,
    deadline: DEADLINE,
    retry: RETRY,
};

pub(super) fn order_lane(order: &EntityId) -> Vec<Lane> {
    vec![Lane::write::<Order>(order.as_str())]
}

pub(super) fn write(order: &EntityId, event: OrderEvent) -> Writes {
    Writes::none().and::<Order>(order.as_str(), vec![event])
}

fn paid(data: &Fulfilment, key: &Key, output: &Obtained) -> Writes {
    let (Obtained::Payment(payment_id), Some(key)) = (output, reference(key.as_str())) else {
        return Writes::none();
    };
    let event = OrderPaymentProcessed {
        order_id: data.order_id.clone(),
        payment_id: payment_id.clone(),
        key,
        amount: data.total,
    };
    write(&data.order_id, OrderEvent::PaymentProcessed(event))
}

fn refunded(data: &Fulfilment, undone: &Undone) -> Writes {
    if !undone.happened {
        return Writes::none();
    }
    let event = OrderPaymentRefunded {
        order_id: data.order_id.clone(),
        payment_id: data.payment_id.clone(),
        refund_id: undone.reference.as_deref().and_then(reference),
        amount: data.total,
    };
    write(&data.order_id, OrderEvent::PaymentRefunded(event))
}

fn arranged(data: &Fulfilment, key: &Key, output: &Obtained) -> Writes {
    let (Obtained::Shipment(number), Some(key)) = (output, reference(key.as_str())) else {
        return Writes::none();
    };
    let event = OrderShippingArranged {
        order_id: data.order_id.clone(),
        tracking_number: number.clone(),
        key,
    };
    write(&data.order_id, OrderEvent::ShippingArranged(event))
}

fn called_off(data: &Fulfilment, undone: &Undone) -> Writes {
    if !undone.happened {
        return Writes::none();
    }
    let event = OrderShippingCancelled {
        order_id: data.order_id.clone(),
        tracking_number: data.tracking_number.clone(),
    };
    write(&data.order_id, OrderEvent::ShippingCancelled(event))
}

fn confirm(
    data: &Fulfilment,
    reads: &mut StateReader<'_, Refusal>,
) -> Result<Writes, DecideError<Refusal>> {
    let order = reads.state::<Order>(data.order_id.as_str())?;
    let confirmed = order.confirm(&data.order_id);
    let confirmed = confirmed.map_err(|error| Refusal(error.to_string()))?;
    Ok(Writes::none().and::<Order>(data.order_id.as_str(), confirmed))
}

/// The order's part of the end of a saga that undid it.
pub(super) fn cancelled(
    order_id: &EntityId,
    reason: &str,
    reads: &mut StateReader<'_, Infallible>,
) -> Result<Writes, DecideError<Infallible>> {
    let order = reads.state::<Order>(order_id.as_str())?;
    // Who asked for it gave the reason; otherwise it is why the saga turned round.
    let is_wished = order
        .values()
        .is_some_and(|order| order.cancellation.is_some());
    let reason = (!is_wished).then(|| Reason::shortened(reason));
    // While its saga runs, nothing else ends an order, so that there is no refusal.
    let events = order.cancelled(order_id, reason).unwrap_or_default();
    Ok(Writes::none().and::<Order>(order_id.as_str(), events))
}

/// The order's part of the end of a saga that a person closed.
pub(super) fn failed(
    order_id: &EntityId,
    reason: &str,
    reads: &mut StateReader<'_, Infallible>,
) -> Result<Writes, DecideError<Infallible>> {
    let order = reads.state::<Order>(order_id.as_str())?;
    // As above.
    let events = order
        .failed(order_id, Reason::shortened(reason))
        .unwrap_or_default();
    Ok(Writes::none().and::<Order>(order_id.as_str(), events))
}

/// What another company gave as a name; nothing if no event could hold it.
pub(super) fn reference(text: &str) -> Option<Reference> {
    Reference::parse("reference", text).ok()
}
