//! Orders, and where they stand.
//!
//! The status is a fold of two kinds of streams: the order's own events tell how far it is, and while one of its sagas
//! waits for a person, it is shown as failed.

use std::sync::Arc;

use domain::ValidationError;
use domain::fulfilment::SAGA_STREAMS;
use domain::order::{Order, OrderCreated, OrderEvent, OrderItem};
use domain::value::{OrderStatus, ShippingAddress};
use event_sourcing::aggregate::decode;
use event_sourcing::projection::FoldError;
use event_sourcing::{Aggregate, DecodeError, Envelope, Filter, Projection};
use read_model_sql::{Column, TableProjection, TableRow, Value, from_row};
use sagas::{AnySagaEvent, SagaEvent};

use super::json::Json;
use super::named::stream_version;

/// Folds orders and what their sagas do to them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Orders;

/// An order as it is read. Times are microseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderRow {
    /// Its id.
    pub id: String,
    /// Whose it is.
    pub user_id: String,
    /// How far it is, whatever its sagas wait for.
    pub progress: Progress,
    /// The sagas that wait for a person.
    pub suspended_sagas: Json<Vec<String>>,
    /// What is ordered, each product once.
    pub items: Json<Arc<[OrderItem]>>,
    /// What all of it costs, in whole cents.
    pub total_cents: i64,
    /// Where it goes.
    pub shipping_address: Json<Option<ShippingAddress>>,
    /// What the carrier calls the shipment, while there is one.
    pub tracking_number: Option<String>,
    /// Counts the order's own stream.
    pub version: i64,
    /// The time of its first event.
    pub created_at: i64,
    /// The time of the last event that changed the row.
    pub updated_at: i64,
}

from_row!(OrderRow {
    id, user_id, total_cents, tracking_number, version, created_at, updated_at,
} parsed {
    progress, suspended_sagas, items, shipping_address,
});

/// What sagas do that an order shows.
const FOLDED_OF_SAGAS: [&str; 6] = [
    "SagaStarted",
    "SagaSuspended",
    "SagaResumed",
    "SagaCompleted",
    "SagaCompensated",
    "SagaFailed",
];

/// What sagas do that no order shows.
const IGNORED: [&str; 6] = [
    "SagaStepStarted",
    "SagaStepCompleted",
    "SagaStepFailed",
    "SagaCancelRequested",
    "SagaCompensationStarted",
    "SagaStepCompensated",
];

/// How far an order is, as a column keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress(pub OrderStatus);

/// An event that concerns an order.
#[derive(Clone, Debug)]
pub enum OrderFact {
    /// Of its own stream.
    Order(OrderEvent),
    /// Of one of its sagas.
    Saga(AnySagaEvent),
}

impl TryFrom<String> for Progress {
    type Error = ValidationError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        OrderStatus::parse("progress", &text).map(Self)
    }
}

impl TableRow for OrderRow {
    const COLUMNS: &'static [Column] = &[
        Column::text("id"),
        Column::text("user_id"),
        Column::text("status"),
        Column::text("progress"),
        Column::text("suspended_sagas"),
        Column::text("items"),
        Column::int("total_cents"),
        Column::text("shipping_address"),
        Column::text("tracking_number"),
        Column::int("version"),
        Column::int("created_at"),
        Column::int("updated_at"),
    ];

    fn key(&self) -> &str {
        &self.id
    }

    fn values(&self) -> Vec<Value> {
        vec![
            self.id.as_str().into(),
            self.user_id.as_str().into(),
            self.status().name().into(),
            self.progress.0.name().into(),
            (&self.suspended_sagas).into(),
            (&self.items).into(),
            self.total_cents.into(),
            (&self.shipping_address).into(),
            self.tracking_number.clone().into(),
            self.version.into(),
            self.created_at.into(),
            self.updated_at.into(),
        ]
    }
}

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
            shipping_address {text} NOT NULL,
            tracking_number {text},
            version bigint NOT NULL,
            created_at bigint NOT NULL,
            updated_at bigint NOT NULL
        ) {with_room};
        CREATE INDEX {table}_by_time ON {table} (created_at, id);
        CREATE INDEX {table}_by_status ON {table} (status, created_at, id);
        CREATE INDEX {table}_by_user ON {table} (user_id, created_at, id);
        CREATE INDEX {table}_by_user_and_status ON {table} (user_id, status, created_at, id);";
}

impl Projection for Orders {
    const NAME: &'static str = "orders";
    const SCHEMA_VERSION: u32 = 1;
    type Key = String;
    type Row = OrderRow;
    type Event = OrderFact;

    fn filter(&self) -> Filter {
        let sagas = Filter::of_streams(&SAGA_STREAMS).ignoring(&IGNORED);
        // Of sagas of types that this binary does not know, these events suffice.
        let of_sagas = Filter::of_types(&FOLDED_OF_SAGAS).or(sagas);
        Filter::of_streams(&[Order::TYPE]).or(of_sagas)
    }

    fn decode(&self, envelope: &Envelope) -> Result<Self::Event, DecodeError> {
        if envelope.stream.aggregate_type() == Order::TYPE {
            return decode(envelope).map(OrderFact::Order);
        }
        let Envelope {
            event_type,
            schema_version,
            data,
            ..
        } = envelope;
        AnySagaEvent::read(event_type, *schema_version, data).map(OrderFact::Saga)
    }

    fn keys(&self, event: &Self::Event, envelope: &Envelope) -> Vec<String> {
        let id = match event {
            OrderFact::Order(_) => envelope.stream.aggregate_id(),
            OrderFact::Saga(event) => event.subject(),
        };
        vec![id.to_owned()]
    }

    fn fold(
        &self,
        _key: &String,
        row: Option<OrderRow>,
        event: &Self::Event,
        envelope: &Envelope,
    ) -> Result<Option<OrderRow>, FoldError> {
        let at = envelope.recorded_at.timestamp_micros();
        let version = stream_version(envelope);
        Ok(match event {
            OrderFact::Order(OrderEvent::Created(data)) => Some(OrderRow::created(data, at)),
            OrderFact::Order(event) => row.map(|row| row.moved(event, version, at)),
            OrderFact::Saga(event) => row.map(|row| row.heard(event, at)),
        })
    }
}

impl OrderRow {
    /// Where it stands, as clients see it.
    #[must_use]
    pub fn status(&self) -> OrderStatus {
        if self.suspended_sagas.0.is_empty() {
            self.progress.0
        } else {
            OrderStatus::Failed
        }
    }

    fn created(data: &OrderCreated, at: i64) -> Self {
        Self {
            id: data.order_id.to_string(),
            user_id: data.user_id.to_string(),
            progress: Progress(OrderStatus::Pending),
            suspended_sagas: Json::default(),
            items: Json(data.items.clone().into()),
            total_cents: data.total.cents(),
            shipping_address: Json(data.shipping_address.clone()),
            tracking_number: None,
            version: 1,
            created_at: at,
            updated_at: at,
        }
    }

    fn moved(mut self, event: &OrderEvent, version: i64, at: i64) -> Self {
        match event {
            // Who is paid, and what is to come, is the saga's to tell.
            OrderEvent::Created(_)
            | OrderEvent::PaymentProcessed(_)
            | OrderEvent::PaymentRefunded(_)
            | OrderEvent::CancellationRequested(_) => {}
            OrderEvent::ShippingArranged(data) => {
                self.tracking_number = Some(data.tracking_number.as_str().to_owned());
            }
            OrderEvent::ShippingCancelled(_) => self.tracking_number = None,
            OrderEvent::Confirmed(_) => self.progress.0 = OrderStatus::Confirmed,
            OrderEvent::Shipped(_) => self.progress.0 = OrderStatus::Shipped,
            OrderEvent::Delivered(_) => self.progress.0 = OrderStatus::Delivered,
            OrderEvent::Cancelled(_) => self.progress.0 = OrderStatus::Cancelled,
            OrderEvent::Failed(_) => self.progress.0 = OrderStatus::Failed,
        }
        self.version = version;
        self.updated_at = at;
        self
    }

    fn heard(mut self, event: &AnySagaEvent, at: i64) -> Self {
        let suspended = &mut self.suspended_sagas.0;
        let saga = event.saga_id();
        let is_suspended = suspended.iter().any(|id| id == saga);
        let is_changed = match event {
            SagaEvent::Started(_) if self.progress.0 == OrderStatus::Pending => {
                self.progress.0 = OrderStatus::Processing;
                true
            }
            SagaEvent::Suspended(_) if !is_suspended => {
                suspended.push(saga.to_owned());
                true
            }
            // A person may also hurry a saga that was not suspended.
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
