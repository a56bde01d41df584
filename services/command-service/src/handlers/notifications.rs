//! Notifies customers about their orders.
//!
//! It is an event handler and not a saga step: an order must not fail because a notification does.

use std::sync::Arc;

use domain::order::{Order, OrderEvent, OrderValues};
use event_sourcing::Executor;
use event_sourcing::handler::{Delivery, EventHandler, HandlerError, Reactions, Start};
use platform::fields;
use providers::{Notification, NotificationKind, Notifications};
use sagas::{CallError, OperationKey};

use super::retryable;

/// The events of an order that the customer is not notified of. They are most of the log, and so are not even read.
const NOT_NOTIFIED: [&str; 7] = [
    "OrderCreated",
    "OrderPaymentProcessed",
    "OrderPaymentRefunded",
    "OrderShippingArranged",
    "OrderShippingCancelled",
    "OrderCancellationRequested",
    "OrderFailed",
];

/// Notifies the customer when an order is confirmed, cancelled, shipped or delivered.
#[derive(Debug)]
pub struct OrderNotifications {
    pub executor: Arc<Executor>,
    pub notifications: Arc<dyn Notifications>,
}

impl EventHandler for OrderNotifications {
    const NAME: &'static str = "notifications";
    /// A new handler starts at the current position, so customers are not notified about old orders.
    const START: Start = Start::Now;

    fn reactions(&self, on: &mut Reactions<Self>) {
        // A counter that first appears with value 1 hides its first event from `rate()`.
        metrics::counter!("notifications_failed_total").increment(0);
        on.aggregate::<Order>(Self::on_order)
            .ignoring(&NOT_NOTIFIED);
    }
}

impl OrderNotifications {
    async fn on_order(
        &self,
        event: &OrderEvent,
        delivery: Delivery<'_>,
    ) -> Result<(), HandlerError> {
        let (id, version) = (event.order_id().as_str(), delivery.envelope.version);
        let (order, _) = self.executor.load_at_least::<Order>(id, version).await?;
        let notice = order.values().and_then(|order| notice(event, order));
        match notice {
            Some(notice) => self.send(&notice, delivery).await,
            None => Ok(()),
        }
    }

    async fn send(
        &self,
        notice: &Notification,
        delivery: Delivery<'_>,
    ) -> Result<(), HandlerError> {
        let key = OperationKey::try_new(delivery.idempotency_key())?;
        match self.notifications.send(&key, notice).await {
            // Declined permanently. Parking the stream would only delay the customer's later notifications.
            Err(CallError::Declined(reason)) => {
                metrics::counter!("notifications_failed_total").increment(1);
                tracing::error!(
                    { fields::ORDER_ID } = %notice.order_id,
                    { fields::REASON } = reason,
                    "a customer could not be notified"
                );
                Ok(())
            }
            Err(failure) => Err(retryable(&failure)),
            Ok(()) => Ok(()),
        }
    }
}

fn notice(event: &OrderEvent, order: &OrderValues) -> Option<Notification> {
    let shipment = order.shipment.as_ref();
    let tracking_number = shipment.map(|shipment| shipment.tracking_number.to_string());
    let kind = match event {
        OrderEvent::Confirmed(_) => NotificationKind::Confirmed {
            total: order.total,
            tracking_number,
        },
        OrderEvent::Cancelled(cancelled) => {
            let reason = cancelled.reason.as_ref();
            NotificationKind::Cancelled {
                reason: reason.map_or("", |reason| reason.as_str()).to_owned(),
            }
        }
        OrderEvent::Shipped(_) => NotificationKind::Shipped { tracking_number },
        OrderEvent::Delivered(_) => NotificationKind::Delivered,
        OrderEvent::Created(_)
        | OrderEvent::PaymentProcessed(_)
        | OrderEvent::PaymentRefunded(_)
        | OrderEvent::ShippingArranged(_)
        | OrderEvent::ShippingCancelled(_)
        | OrderEvent::CancellationRequested(_)
        | OrderEvent::Failed(_) => return None,
    };
    Some(Notification {
        order_id: order.id.clone(),
        user_id: order.user_id.clone(),
        kind,
    })
}
