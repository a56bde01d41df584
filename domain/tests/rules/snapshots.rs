//! Snapshots are read by later builds. A shape that changes without a new `SNAPSHOT_VERSION` would be misread, so the
//! snapshot of a fixed history is stored for each version. The history is stored events, not types of this build.

use std::fs;

use domain::category::{Category, Membership, NameClaim};
use domain::fulfilment::{CancelOrderSaga, OrderSaga};
use domain::order::Order;
use domain::product::Product;
use domain::stock::Stock;
use event_sourcing::{Aggregate, StoredEvent};
use sagas::SagaState;
use serde_json::Value;

use crate::stored_shapes::fixtures;
use crate::support::{constants, sources};

/// The events of these fixtures, in order.
fn history<A: Aggregate>(names: &[(&str, u32)]) -> Vec<A::Event> {
    let event = |(name, version): &(&str, u32)| {
        let data = fixtures().data(name, *version).expect("a fixture");
        A::Event::decode(name, *version, &data).expect("an event")
    };
    names.iter().map(event).collect()
}

/// A history from a file, with a stored name and its data in each line.
fn saga<A: Aggregate>(file: &str) -> Vec<A::Event> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/sagas");
    let text = fs::read_to_string(format!("{folder}/{file}")).expect("a history");
    let event = |line: &str| {
        let (name, data): (String, Value) = serde_json::from_str(line).expect("a name and data");
        A::Event::decode(&name, 1, &data.to_string()).expect("an event")
    };
    text.lines().map(event).collect()
}

#[test]
fn the_snapshot_of_a_category() {
    let events = [("CategoryCreated", 1), ("CategoryUpdated", 1)];
    fixtures().snapshot::<Category>(history::<Category>(&events));
}

#[test]
fn the_snapshot_of_a_claim_on_a_name() {
    let events = [("CategoryNameClaimed", 1)];
    fixtures().snapshot::<NameClaim>(history::<NameClaim>(&events));
}

#[test]
fn the_snapshot_of_a_membership() {
    let events = [("CategoryProductAdded", 1), ("CategoryProductAdded", 1)];
    fixtures().snapshot::<Membership>(history::<Membership>(&events));
}

#[test]
fn the_snapshot_of_a_deleted_product() {
    let events = [
        ("ProductCreated", 1),
        ("ProductUpdated", 1),
        ("ProductPriceChanged", 1),
        ("ProductPriceChanged", 2),
        ("ProductDeleted", 1),
    ];
    fixtures().snapshot::<Product>(history::<Product>(&events));
}

#[test]
fn the_snapshot_of_a_stock_with_a_reservation() {
    let events = [("StockUpdated", 1), ("StockReserved", 1)];
    fixtures().snapshot::<Stock>(history::<Stock>(&events));
}

#[test]
fn the_snapshot_of_an_order_that_is_being_cancelled() {
    let events = [
        ("OrderCreated", 1),
        ("OrderPaymentProcessed", 1),
        ("OrderShippingArranged", 1),
        ("OrderConfirmed", 1),
        ("OrderCancellationRequested", 1),
    ];
    fixtures().snapshot::<Order>(history::<Order>(&events));
}

#[test]
fn the_snapshots_of_sagas() {
    type Fulfil = SagaState<OrderSaga>;
    type Undo = SagaState<CancelOrderSaga>;
    fixtures().snapshot::<Fulfil>(saga::<Fulfil>("order.jsonl"));
    fixtures().snapshot::<Undo>(saga::<Undo>("cancel_order.jsonl"));
}

/// Without a history here, a changed snapshot of an aggregate would go unnoticed.
#[test]
fn every_aggregate_of_the_domain_has_a_snapshot() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/snapshots");
    let files = fs::read_dir(folder).expect("a folder");
    let names = files.map(|file| file.expect("a file").file_name());
    let names: Vec<String> = names.filter_map(|name| name.into_string().ok()).collect();
    let sources = sources();
    // Of an aggregate, and of the sagas of a type.
    let types = constants(&sources, "TYPE").chain(constants(&sources, "STREAM"));
    let types: Vec<&str> = types.collect();
    assert!(types.len() >= 8, "{types:?}");
    for name in types {
        let is_stored = names
            .iter()
            .any(|file| file.starts_with(&format!("{name}.v")));
        assert!(is_stored, "add a history of {name} here");
    }
}
