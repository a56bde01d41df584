//! Snapshots of one type of sagas are dropped without those of the others.

use event_sourcing::Aggregate;

use super::trip::{Booking, HOTEL, Trip, called, table};
use crate::{Saga, SagaDefinition, SagaState};

/// Its data has changed.
#[derive(Clone, Copy, Debug)]
struct Changed;

impl Saga for Changed {
    const NAME: &'static str = "changed";
    const STREAM: &'static str = "changed_saga";
    type Data = Trip;
    const DEFINITIONS: &'static [SagaDefinition<Self>] = &[table(1, &[&[called::<Self, HOTEL>()]])];
    const SNAPSHOT_VERSION: u32 = 7;
}

#[test]
fn a_saga_has_a_snapshot_version_of_its_own() {
    assert_eq!(SagaState::<Booking>::SNAPSHOT_VERSION, 2001);
    assert_eq!(SagaState::<Changed>::SNAPSHOT_VERSION, 2007);
}
