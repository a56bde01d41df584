//! Which events are changes, and of which kind.

use domain::category::{Category, CategoryEvent};
use domain::fulfilment::SAGA_STREAMS;
use domain::order::{Order, OrderEvent};
use domain::product::{Product, ProductEvent};
use domain::stock::{Stock, StockEvent};
use event_sourcing::{Aggregate, DecodeError, Envelope, Filter, StoredEvent};
use sagas::{AnySagaEvent, event_filter};

/// The kind of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChangeKind {
    CategoryCreated,
    CategoryUpdated,
    CategoryDeleted,
    ProductCreated,
    ProductUpdated,
    ProductDeleted,
    StockUpdated,
    OrderUpdated,
}

impl ChangeKind {
    pub const ALL: [Self; 8] = [
        Self::CategoryCreated,
        Self::CategoryUpdated,
        Self::CategoryDeleted,
        Self::ProductCreated,
        Self::ProductUpdated,
        Self::ProductDeleted,
        Self::StockUpdated,
        Self::OrderUpdated,
    ];

    /// The events that may be of this kind.
    pub(super) fn filter(self) -> Filter {
        match self {
            Self::CategoryCreated | Self::CategoryUpdated | Self::CategoryDeleted => {
                Filter::of_streams(&[Category::TYPE])
            }
            Self::ProductCreated | Self::ProductUpdated | Self::ProductDeleted => {
                Filter::of_streams(&[Product::TYPE])
            }
            Self::StockUpdated => Filter::of_streams(&[Stock::TYPE]),
            Self::OrderUpdated => Filter::of_streams(&[Order::TYPE])
                .or(event_filter(&SAGA_STREAMS, AnySagaEvent::TYPES)),
        }
    }

    /// The kind of an event and the id of its entity; `None` if it is no change.
    ///
    /// # Errors
    /// This binary cannot read the event, which may be a change.
    pub(super) fn of(envelope: &Envelope) -> Result<Option<(Self, String)>, DecodeError> {
        let stream_type = envelope.stream.aggregate_type();
        let kind = match stream_type {
            Category::TYPE => Some(category(&*envelope.decode_shared()?)),
            Product::TYPE => product(&*envelope.decode_shared()?),
            Stock::TYPE => stock(&*envelope.decode_shared()?),
            Order::TYPE => {
                envelope.decode_shared::<OrderEvent>()?;
                Some(Self::OrderUpdated)
            }
            _ if SAGA_STREAMS.contains(&stream_type) => {
                let event = envelope.decode_shared::<AnySagaEvent>()?;
                return Ok(Some((Self::OrderUpdated, event.subject().to_owned())));
            }
            _ => None,
        };
        Ok(kind.map(|kind| (kind, envelope.stream.aggregate_id().to_owned())))
    }
}

fn category(event: &CategoryEvent) -> ChangeKind {
    match event {
        CategoryEvent::Created(_) => ChangeKind::CategoryCreated,
        CategoryEvent::Updated(_) => ChangeKind::CategoryUpdated,
        CategoryEvent::Deleted(_) => ChangeKind::CategoryDeleted,
    }
}

fn product(event: &ProductEvent) -> Option<ChangeKind> {
    match event {
        ProductEvent::Created(_) => Some(ChangeKind::ProductCreated),
        ProductEvent::Updated(_) => Some(ChangeKind::ProductUpdated),
        ProductEvent::Deleted(_) => Some(ChangeKind::ProductDeleted),
        // For audit: the same commit has a `ProductUpdated`.
        ProductEvent::PriceChanged(_) => None,
    }
}

fn stock(event: &StockEvent) -> Option<ChangeKind> {
    // `StockClosed` has none: the product was deleted.
    event.levels().map(|_| ChangeKind::StockUpdated)
}
