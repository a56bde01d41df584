//! The events of orders and of their sagas, as they are stored.

use domain::order::{
    Order, OrderCancellationRequested, OrderCancelled, OrderConfirmed, OrderCreated,
    OrderDelivered, OrderEvent, OrderFailed, OrderItem, OrderPaymentProcessed,
    OrderPaymentRefunded, OrderShipped, OrderShippingArranged, OrderShippingCancelled,
};
use domain::value::{
    Money, Price, ProductName, Quantity, Reason, Reference, ShippingAddress, TrackingNumber, UserId,
};
use event_sourcing::testing::at;
use event_sourcing::{Actor, Aggregate, DomainEvent, Metadata, StreamId};
use sagas::event::{
    CancelRequested, Closed, CompensationStarted, Ended, FailureKind, ResumeKind, Resumed, Started,
    StepCompensated, StepCompleted, StepFailed, StepStarted, Suspended,
};
use sagas::{OperationKey, SagaEvent};

use crate::support::{Events, entity};

pub fn reason(text: &str) -> Reason {
    Reason::parse("reason", text).expect("a reason")
}

fn reference(text: &str) -> Reference {
    Reference::parse("reference", text).expect("a reference")
}

fn tracking(text: &str) -> TrackingNumber {
    TrackingNumber::parse("trackingNumber", text).expect("a number")
}

fn item(product: &str, name: &str, quantity: i64, price: &str) -> OrderItem {
    OrderItem {
        product_id: entity(product),
        product_name: ProductName::parse("name", name).expect("a name"),
        quantity: Quantity::parse("quantity", quantity).expect("a quantity"),
        price: Price::parse("price", price).expect("a price"),
    }
}

/// An order's events. The order has two lamps at 19.90 and a rug at 0.05.
#[derive(Clone, Copy)]
pub struct OrderOf<'a> {
    pub id: &'a str,
    pub user: &'a str,
}

pub const O: OrderOf<'static> = OrderOf {
    id: "o",
    user: "ann",
};

impl OrderOf<'_> {
    fn event(self, event: &OrderEvent) -> Events {
        (Order::stream(self.id), vec![event.encode()])
    }

    pub fn created(self) -> Events {
        self.created_for(Some(
            ShippingAddress::parse("a", "Main St. 1", "Öhringen", "74613").expect("an address"),
        ))
    }

    pub fn created_for(self, shipping_address: Option<ShippingAddress>) -> Events {
        self.event(&OrderEvent::Created(OrderCreated {
            order_id: entity(self.id),
            saga_id: entity("s"),
            user_id: UserId::parse("userId", self.user).expect("a user"),
            items: vec![item("p1", "Lamp", 2, "19.90"), item("p2", "Rug", 1, "0.05")],
            total: Money::parse("total", "39.85").expect("an amount"),
            shipping_address,
        }))
    }

    pub fn paid(self) -> Events {
        self.event(&OrderEvent::PaymentProcessed(OrderPaymentProcessed {
            order_id: entity(self.id),
            payment_id: reference("pay-1"),
            key: reference("s/process_payment/0"),
            amount: Money::parse("amount", "39.85").expect("an amount"),
        }))
    }

    pub fn refunded(self) -> Events {
        self.event(&OrderEvent::PaymentRefunded(OrderPaymentRefunded {
            order_id: entity(self.id),
            payment_id: Some(reference("pay-1")),
            refund_id: None,
            amount: Money::parse("amount", "39.85").expect("an amount"),
        }))
    }

    pub fn shipping_arranged(self) -> Events {
        self.event(&OrderEvent::ShippingArranged(OrderShippingArranged {
            order_id: entity(self.id),
            tracking_number: tracking("track-1"),
            key: reference("s/arrange_shipping/0"),
        }))
    }

    pub fn shipping_cancelled(self) -> Events {
        self.event(&OrderEvent::ShippingCancelled(OrderShippingCancelled {
            order_id: entity(self.id),
            tracking_number: Some(tracking("track-1")),
        }))
    }

    pub fn confirmed(self) -> Events {
        let order_id = entity(self.id);
        self.event(&OrderEvent::Confirmed(OrderConfirmed { order_id }))
    }

    pub fn cancellation_requested(self) -> Events {
        self.event(&OrderEvent::CancellationRequested(
            OrderCancellationRequested {
                order_id: entity(self.id),
                reason: Some(reason("too late")),
                requested_by: None,
                saga_id: None,
            },
        ))
    }

    pub fn shipped(self) -> Events {
        let order_id = entity(self.id);
        self.event(&OrderEvent::Shipped(OrderShipped { order_id }))
    }

    pub fn delivered(self) -> Events {
        let order_id = entity(self.id);
        self.event(&OrderEvent::Delivered(OrderDelivered { order_id }))
    }

    pub fn cancelled(self) -> Events {
        self.event(&OrderEvent::Cancelled(OrderCancelled {
            order_id: entity(self.id),
            reason: None,
        }))
    }

    pub fn failed(self) -> Events {
        self.event(&OrderEvent::Failed(OrderFailed {
            order_id: entity(self.id),
            reason: reason("lost"),
        }))
    }
}

/// A saga's events. The saga belongs to an order.
#[derive(Clone, Copy)]
pub struct SagaOf<'a> {
    pub id: &'a str,
    pub order: &'a str,
    pub saga_type: &'a str,
}

pub const S: SagaOf<'static> = SagaOf {
    id: "s",
    order: "o",
    saga_type: "order",
};

/// The saga that compensates the order.
pub const C: SagaOf<'static> = SagaOf {
    id: "c",
    order: "o",
    saga_type: "cancel_order",
};

fn ann(why: &str) -> Actor {
    Actor {
        id: "ann".to_owned(),
        reason: why.to_owned(),
    }
}

impl SagaOf<'_> {
    fn event(self, event: &SagaEvent<u8>) -> Events {
        let stream = StreamId::new("order_saga", self.id);
        (stream, vec![event.encode()])
    }

    fn ids(self) -> (String, String) {
        (self.id.to_owned(), self.order.to_owned())
    }

    pub fn started(self) -> Events {
        let (saga_id, subject) = self.ids();
        self.event(&SagaEvent::Started(Started {
            saga_id,
            subject,
            saga_type: self.saga_type.to_owned(),
            definition: 1,
            partition: 7,
            data: 1,
            origin: Metadata::default(),
        }))
    }

    pub fn step_started(self, step: &str, undo: bool, attempt: u32) -> Events {
        let (saga_id, subject) = self.ids();
        self.event(&SagaEvent::StepStarted(StepStarted {
            key: OperationKey::new(&saga_id, step, 0),
            saga_id,
            subject,
            step: step.to_owned(),
            undo,
            attempt,
            deadline: None,
        }))
    }

    pub fn step_completed(self, step: &str) -> Events {
        let (saga_id, subject) = self.ids();
        self.event(&SagaEvent::StepCompleted(StepCompleted {
            saga_id,
            subject,
            step: step.to_owned(),
            output: Some(1.into()),
            actor: None,
        }))
    }

    /// With `retry_at`, a second of the log, another attempt follows.
    pub fn step_failed(self, step: &str, attempt: u32, retry_at: Option<u32>) -> Events {
        let (saga_id, subject) = self.ids();
        self.event(&SagaEvent::StepFailed(StepFailed {
            saga_id,
            subject,
            step: step.to_owned(),
            undo: false,
            attempt,
            outcome: FailureKind::Transient,
            reason: format!("{step} did not work"),
            retry_at: retry_at.map(at),
        }))
    }

    pub fn cancel_requested(self) -> Events {
        let (saga_id, subject) = self.ids();
        self.event(&SagaEvent::CancelRequested(CancelRequested {
            saga_id,
            subject,
            actor: ann("changed my mind"),
        }))
    }

    pub fn compensation_started(self, reason: &str) -> Events {
        let (saga_id, subject) = self.ids();
        self.event(&SagaEvent::CompensationStarted(CompensationStarted {
            saga_id,
            subject,
            reason: reason.to_owned(),
            step: None,
        }))
    }

    pub fn step_compensated(self, step: &str) -> Events {
        let (saga_id, subject) = self.ids();
        self.event(&SagaEvent::StepCompensated(StepCompensated {
            saga_id,
            subject,
            step: step.to_owned(),
            had_effect: true,
            actor: None,
        }))
    }

    pub fn completed(self) -> Events {
        let (saga_id, subject) = self.ids();
        self.event(&SagaEvent::Completed(Ended { saga_id, subject }))
    }

    pub fn compensated(self) -> Events {
        let (saga_id, subject) = self.ids();
        self.event(&SagaEvent::Compensated(Ended { saga_id, subject }))
    }

    pub fn closed(self) -> Events {
        let (saga_id, subject) = self.ids();
        self.event(&SagaEvent::Failed(Closed {
            saga_id,
            subject,
            actor: ann("the money is lost"),
        }))
    }

    pub fn suspended(self, step: &str) -> Events {
        let (saga_id, subject) = self.ids();
        self.event(&SagaEvent::Suspended(Suspended {
            saga_id,
            subject,
            step: step.to_owned(),
            undo: false,
            reason: format!("{step} cannot be passed"),
        }))
    }

    pub fn resumed(self, action: ResumeKind) -> Events {
        self.resume(action, None)
    }

    /// A provider's hint about a step.
    pub fn hinted(self, step: &str) -> Events {
        self.resume(ResumeKind::Retry, Some(step.to_owned()))
    }

    fn resume(self, action: ResumeKind, step: Option<String>) -> Events {
        let (saga_id, subject) = self.ids();
        self.event(&SagaEvent::Resumed(Resumed {
            saga_id,
            subject,
            action,
            step,
            actor: ann("fixed"),
        }))
    }
}
