//! Orders and their status.
//!
//! The status is a fold of two types of streams: the order's own events determine its progress, and while one of its
//! sagas is suspended, the order is shown as failed.

use std::sync::Arc;

use domain::fulfilment::SAGA_STREAMS;
use domain::order::{Order, OrderCreated, OrderEvent, OrderItem};
use domain::value::{OrderStatus, ShippingAddress};
use event_sourcing::Projection;
use event_sourcing::projection::{EventContext, Handlers};
use read_model_sql::TableProjection;
use sagas::{AnySagaEvent, SagaEvent, event_filter, names};
use serde::{Deserialize, Serialize};

/// Folds orders and the saga events that affect them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Orders;

/// The row of an order. Times are in microseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderRow {
    pub id: String,
    pub user_id: String,
    /// The status that clients see.
    pub status: OrderStatus,
    /// The status disregarding suspended sagas.
    pub progress: OrderStatus,
    /// The ids of its suspended sagas.
    pub suspended_sagas: Vec<String>,
    /// The order lines, each product once.
    pub items: Arc<[OrderItem]>,
    /// In cents.
    pub total_cents: i64,
    pub shipping_address: Option<ShippingAddress>,
    /// The carrier's tracking number, while there is a shipment.
    pub tracking_number: Option<String>,
    /// The version of the order's own stream.
    pub version: i64,
    /// The time of its first event.
    pub created_at: i64,
    /// The time of the last event that changed the row.
    pub updated_at: i64,
}

/// The saga events that affect an order's status.
const SAGA_EVENT_TYPES: [&str; 6] = [
    names::STARTED,
    names::SUSPENDED,
    names::RESUMED,
    names::COMPLETED,
    names::COMPENSATED,
    names::FAILED,
];

impl TableProjection for Orders {
    const DDL: &'static str = "
        CREATE TABLE {table} (
            id {text} PRIMARY KEY,
            user_id {text} NOT NULL,
            status {text} NOT NULL,
            progress {text} NOT NULL,
            suspended_sagas {text} NOT NULL,
            items {text} NOT NULL,
            total_cents bigint NOT NULL,
            shipping_address {text},
            tracking_number {text},
            version bigint NOT NULL,
            created_at bigint NOT NULL,
            updated_at bigint NOT NULL
        ) {fillfactor};
        CREATE INDEX {table}_by_time ON {table} (created_at, id);
        CREATE INDEX {table}_by_status ON {table} (status, created_at, id);
        CREATE INDEX {table}_by_user ON {table} (user_id, created_at, id);
        CREATE INDEX {table}_by_user_and_status ON {table} (user_id, status, created_at, id);";

    fn key(row: &OrderRow) -> &str {
        &row.id
    }
}

impl Projection for Orders {
    const NAME: &'static str = "orders";
    const SCHEMA_VERSION: u32 = 1;
    type Row = OrderRow;

    fn handlers(on: &mut Handlers<Self>) {
        on.aggregate::<Order>(fold);
        let sagas = event_filter(&SAGA_STREAMS, &SAGA_EVENT_TYPES);
        on.events::<AnySagaEvent>(sagas, fold_saga)
            .keyed_by(|event, _| [event.subject().to_owned()]);
    }
}

fn fold(row: Option<OrderRow>, event: &OrderEvent, context: EventContext<'_>) -> Option<OrderRow> {
    let (version, at) = (context.stream_version(), context.recorded_at_micros());
    match event {
        OrderEvent::Created(data) => Some(OrderRow::created(data, at)),
        event => row.map(|row| row.apply(event, version, at).with_status()),
    }
}

fn fold_saga(
    row: Option<OrderRow>,
    event: &AnySagaEvent,
    context: EventContext<'_>,
) -> Option<OrderRow> {
    let at = context.recorded_at_micros();
    row.map(|row| row.after_saga_event(event, at).with_status())
}

impl OrderRow {
    fn with_status(mut self) -> Self {
        self.status = if self.suspended_sagas.is_empty() {
            self.progress
        } else {
            OrderStatus::Failed
        };
        self
    }

    fn created(data: &OrderCreated, at: i64) -> Self {
        Self {
            id: data.order_id.to_string(),
            user_id: data.user_id.to_string(),
            status: OrderStatus::Pending,
            progress: OrderStatus::Pending,
            suspended_sagas: Vec::new(),
            items: data.items.clone().into(),
            total_cents: data.total.cents(),
            shipping_address: data.shipping_address.clone(),
            tracking_number: None,
            version: 1,
            created_at: at,
            updated_at: at,
        }
    }

    fn apply(mut self, event: &OrderEvent, version: i64, at: i64) -> Self {
        match event {
            // These do not change the status: payment and cancellation are the saga's progress.
            OrderEvent::Created(_)
            | OrderEvent::PaymentProcessed(_)
            | OrderEvent::PaymentRefunded(_)
            | OrderEvent::CancellationRequested(_) => {}
            OrderEvent::ShippingArranged(data) => {
                self.tracking_number = Some(data.tracking_number.as_str().to_owned());
            }
            OrderEvent::ShippingCancelled(_) => self.tracking_number = None,
            OrderEvent::Confirmed(_) => self.progress = OrderStatus::Confirmed,
            OrderEvent::Shipped(_) => self.progress = OrderStatus::Shipped,
            OrderEvent::Delivered(_) => self.progress = OrderStatus::Delivered,
            OrderEvent::Cancelled(_) => self.progress = OrderStatus::Cancelled,
            OrderEvent::Failed(_) => self.progress = OrderStatus::Failed,
        }
        self.version = version;
        self.updated_at = at;
        self
    }

    /// Applies an event of one of the order's sagas, also of types that the projection does not read.
    #[must_use]
    pub fn after_saga_event(mut self, event: &AnySagaEvent, at: i64) -> Self {
        let suspended = &mut self.suspended_sagas;
        let saga = event.saga_id();
        let is_suspended = suspended.iter().any(|id| id == saga);
        let is_changed = match event {
            SagaEvent::Started(_) if self.progress == OrderStatus::Pending => {
                self.progress = OrderStatus::Processing;
                true
            }
            SagaEvent::Suspended(_) if !is_suspended => {
                suspended.push(saga.to_owned());
                true
            }
            // An operator may also resume a saga that was not suspended, to retry immediately.
            SagaEvent::Resumed(_)
            | SagaEvent::Completed(_)
            | SagaEvent::Compensated(_)
            | SagaEvent::Failed(_)
                if is_suspended =>
            {
                suspended.retain(|id| id != saga);
                true
            }
            SagaEvent::Started(_)
            | SagaEvent::StepStarted(_)
            | SagaEvent::StepCompleted(_)
            | SagaEvent::StepFailed(_)
            | SagaEvent::CancelRequested(_)
            | SagaEvent::CompensationStarted(_)
            | SagaEvent::StepCompensated(_)
            | SagaEvent::Completed(_)
            | SagaEvent::Compensated(_)
            | SagaEvent::Failed(_)
            | SagaEvent::Suspended(_)
            | SagaEvent::Resumed(_) => false,
        };
        if is_changed {
            self.updated_at = at;
        }
        self
    }
}
