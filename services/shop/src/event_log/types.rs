//! The stream types of the shop, with their events and snapshots.

use domain::category::{Category, Membership, NameClaim};
use domain::fulfilment::{CancelOrderSaga, OrderSaga};
use domain::order::Order;
use domain::product::Product;
use domain::stock::Stock;
use event_sourcing::Aggregate;
use event_sourcing::handler::HandlerControl;
use event_sourcing::projection::ProjectionControl;
use event_sourcing::verify::EventTypes;
use sagas::{INDEX_SCHEMA_VERSION, INDEX_TYPE, SagaState};

/// A stream type.
#[derive(Clone, Copy, Debug)]
struct AggregateType {
    stream_type: &'static str,
    /// The schema version of the snapshots that this binary uses.
    snapshot_version: u32,
    add_events: fn(EventTypes) -> EventTypes,
}

impl AggregateType {
    const fn of<A: Aggregate>() -> Self {
        Self {
            stream_type: A::TYPE,
            snapshot_version: A::SNAPSHOT_VERSION,
            add_events: EventTypes::of::<A>,
        }
    }
}

/// All stream types.
const AGGREGATES: [AggregateType; 10] = [
    AggregateType::of::<Category>(),
    AggregateType::of::<Membership>(),
    AggregateType::of::<NameClaim>(),
    AggregateType::of::<Product>(),
    AggregateType::of::<Stock>(),
    AggregateType::of::<Order>(),
    AggregateType::of::<SagaState<OrderSaga>>(),
    AggregateType::of::<SagaState<CancelOrderSaga>>(),
    AggregateType::of::<ProjectionControl>(),
    AggregateType::of::<HandlerControl>(),
];

/// The events of all stream types.
pub fn event_types() -> EventTypes {
    let none = EventTypes::new().with_index(INDEX_TYPE);
    AGGREGATES
        .iter()
        .fold(none, |all, aggregate| (aggregate.add_events)(all))
}

/// Whether this binary uses snapshots of this type and schema version.
pub fn uses_snapshots(stream_type: &str, schema_version: u32) -> bool {
    let of_streams = AGGREGATES.iter();
    let of_streams =
        of_streams.map(|aggregate| (aggregate.stream_type, aggregate.snapshot_version));
    let mut used = of_streams.chain([(INDEX_TYPE, INDEX_SCHEMA_VERSION)]);
    used.any(|used| used == (stream_type, schema_version))
}
