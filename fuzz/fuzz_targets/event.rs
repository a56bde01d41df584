//! Stored events: what can be decoded is encoded to the same event again, folds into a state, and a snapshot of that state
//! is read back. Metadata survive a rewrite.
#![no_main]

use domain::category::{Category, Membership, NameClaim};
use domain::fulfilment::{CancelOrderSaga, OrderSaga};
use domain::order::Order;
use domain::product::Product;
use domain::stock::Stock;
use event_sourcing::testing::at;
use event_sourcing::{Aggregate, DomainEvent, Metadata};
use fuzz_targets::split_choice;
use libfuzzer_sys::fuzz_target;
use sagas::SagaState;

/// A line is a character that chooses the type, the digit of a schema version, and the data.
fn decode<E: DomainEvent>(line: &str) -> Option<E> {
    let mut chars = line.chars();
    let name = E::TYPES[usize::try_from(u32::from(chars.next()?)).ok()? % E::TYPES.len()];
    let version = chars.next()?.to_digit(10)?;
    let event = E::decode(name, version, chars.as_str()).ok()?;
    let encoded = event.encode();
    assert_eq!(encoded.event_type, name);
    let again = E::decode(name, encoded.schema_version, &encoded.data);
    let again = again.expect("what was encoded can be decoded");
    assert_eq!(again.encode(), encoded);
    Some(event)
}

fn fold<A: Aggregate>(text: &str) {
    let mut state = A::default();
    for (second, event) in (0..).zip(text.lines().filter_map(decode::<A::Event>)) {
        state.evolve(&event, at(second));
    }
    if state.may_be_snapshotted() {
        let snapshot = serde_json::to_string(&state).expect("a state is JSON");
        let read: A = serde_json::from_str(&snapshot).expect("a snapshot can be read");
        let again = serde_json::to_string(&read).expect("a state is JSON");
        assert_eq!(again, snapshot);
    }
}

fn metadata(text: &str) {
    if let Ok(metadata) = serde_json::from_str::<Metadata>(text) {
        let written = serde_json::to_string(&metadata).expect("metadata are JSON");
        let read: Metadata = serde_json::from_str(&written).expect("metadata can be read");
        assert_eq!(read, metadata);
    }
}

fuzz_target!(|data: &[u8]| {
    const FOLDS: [fn(&str); 9] = [
        fold::<Category>,
        fold::<NameClaim>,
        fold::<Membership>,
        fold::<Product>,
        fold::<Stock>,
        fold::<Order>,
        fold::<SagaState<OrderSaga>>,
        fold::<SagaState<CancelOrderSaga>>,
        metadata,
    ];
    let Some((choice, rest)) = split_choice(data) else {
        return;
    };
    if let Ok(text) = std::str::from_utf8(rest) {
        FOLDS[choice % FOLDS.len()](text);
    }
});
