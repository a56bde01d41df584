//! References between the streams of the shop: what an event refers to must be in the log.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use domain::category::Category;
use domain::fulfilment::{CancelOrderSaga, OrderSaga};
use domain::order::Order;
use domain::product::Product;
use domain::stock::Stock;
use event_sourcing::verify::{Finding, FindingKind, LogChecks, Report};
use event_sourcing::{Aggregate, Envelope, Position, StreamId, Version};
use sagas::Saga;
use serde_json::Value;

/// What can be referred to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Entity {
    Category,
    Product,
    Stock,
    Order,
    OrderSaga,
    CancelOrderSaga,
}

impl Entity {
    fn stream_type(self) -> &'static str {
        match self {
            Self::Category => Category::TYPE,
            Self::Product => Product::TYPE,
            Self::Stock => Stock::TYPE,
            Self::Order => Order::TYPE,
            Self::OrderSaga => OrderSaga::STREAM,
            Self::CancelOrderSaga => CancelOrderSaga::STREAM,
        }
    }
}

/// Checks that what an event refers to is created in the log, in any order.
///
/// It keeps a hash of each entity, and each reference whose entity has not been read yet: about 10 bytes for each entity.
#[derive(Debug, Default)]
pub struct ReferenceChecks {
    hasher: RandomState,
    existing: HashSet<u64>,
    missing: HashMap<u64, Reference>,
}

/// The first reference to an entity that has not been read yet.
#[derive(Debug)]
struct Reference {
    entity: Entity,
    id: String,
    position: Position,
    stream: StreamId,
    version: Version,
    event_type: String,
}

impl LogChecks for ReferenceChecks {
    fn observe(&mut self, event: &Envelope, _report: &mut Report) {
        if let Some(created) = created(event) {
            let key = self.key(created, event.stream.aggregate_id());
            self.existing.insert(key);
            self.missing.remove(&key);
        }
        for (entity, field) in references(event).iter().copied() {
            let data: Value = serde_json::from_str(&event.data).unwrap_or_default();
            if let Some(id) = data.get(field).and_then(Value::as_str) {
                self.refer(entity, id, event);
            }
        }
    }

    fn finish(&mut self, report: &mut Report) {
        let mut missing: Vec<_> = self.missing.drain().map(|(_, missing)| missing).collect();
        missing.sort_by_key(|reference| reference.position);
        for missing in missing {
            let detail = format!(
                "{} refers to {}/{}, which is not created in the log",
                missing.event_type,
                missing.entity.stream_type(),
                missing.id
            );
            let finding = Finding::at(FindingKind::Orphan, missing.position, detail);
            report.add(finding.in_stream(&missing.stream, missing.version));
        }
    }
}

impl ReferenceChecks {
    fn refer(&mut self, entity: Entity, id: &str, event: &Envelope) {
        let key = self.key(entity, id);
        if self.existing.contains(&key) {
            return;
        }
        self.missing.entry(key).or_insert_with(|| Reference {
            entity,
            id: id.to_owned(),
            position: event.position,
            stream: event.stream.clone(),
            version: event.version,
            event_type: event.event_type.clone(),
        });
    }

    fn key(&self, entity: Entity, id: &str) -> u64 {
        self.hasher.hash_one((entity, id))
    }
}

/// What the event creates; its id is that of the stream.
fn created(event: &Envelope) -> Option<Entity> {
    match (event.stream.aggregate_type(), event.event_type.as_str()) {
        (Category::TYPE, "CategoryCreated") => Some(Entity::Category),
        (Product::TYPE, "ProductCreated") => Some(Entity::Product),
        (Stock::TYPE, "StockUpdated") => Some(Entity::Stock),
        (Order::TYPE, "OrderCreated") => Some(Entity::Order),
        (OrderSaga::STREAM, "SagaStarted") => Some(Entity::OrderSaga),
        (CancelOrderSaga::STREAM, "SagaStarted") => Some(Entity::CancelOrderSaga),
        _ => None,
    }
}

/// The entities that the event refers to, with the field of its data that holds the id.
fn references(event: &Envelope) -> &'static [(Entity, &'static str)] {
    match event.event_type.as_str() {
        "CategoryNameClaimed" | "ProductUpdated" => &[(Entity::Category, "category_id")],
        "CategoryProductAdded" => &[
            (Entity::Category, "category_id"),
            (Entity::Product, "product_id"),
        ],
        // The stock of a product is created with it.
        "ProductCreated" => &[
            (Entity::Stock, "product_id"),
            (Entity::Category, "category_id"),
        ],
        "StockUpdated" => &[(Entity::Product, "product_id")],
        "StockReserved" | "StockReleased" | "StockDeducted" => &[(Entity::Order, "order_id")],
        "OrderCreated" => &[(Entity::OrderSaga, "saga_id")],
        "OrderCancellationRequested" => &[(Entity::CancelOrderSaga, "saga_id")],
        "SagaStarted" => &[(Entity::Order, "subject")],
        _ => &[],
    }
}
