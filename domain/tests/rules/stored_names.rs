//! The stored names of a binary's events are distinct: readers that filter the log by name would confuse events of different
//! enums.

use domain::category::{CategoryEvent, CategoryNameEvent, MembershipEvent};
use domain::fulfilment::{OrderSaga, SAGA_STREAMS, SAGA_TYPES};
use domain::order::OrderEvent;
use domain::product::ProductEvent;
use domain::stock::StockEvent;
use event_sourcing::StoredEvent;
use event_sourcing::handler::HandlerControlEvent;
use event_sourcing::projection::ControlEvent;
use event_sourcing::testing::{Fixtures, StoredNames, assert_distinct, stored_names};
use sagas::EventOf;

use crate::support::{constants, sources};

/// An enum of events.
pub struct EventEnum {
    names: StoredNames,
    /// Expects a fixture for each version of each of its events.
    pub expect_fixtures: fn(&Fixtures),
}

/// All enums of events of the domain, for the tests that concern each of them.
pub fn of_domain() -> [EventEnum; 6] {
    [
        event_enum::<CategoryEvent>(),
        event_enum::<CategoryNameEvent>(),
        event_enum::<MembershipEvent>(),
        event_enum::<ProductEvent>(),
        event_enum::<StockEvent>(),
        event_enum::<OrderEvent>(),
    ]
}

fn event_enum<E: StoredEvent>() -> EventEnum {
    EventEnum {
        names: stored_names::<E>(),
        expect_fixtures: Fixtures::all_versions_of::<E>,
    }
}

#[test]
fn no_two_enums_share_a_stored_name() {
    // Sagas of all types have the same events, distinguished by their streams.
    let of_kernel = [
        stored_names::<EventOf<OrderSaga>>(),
        stored_names::<ControlEvent>(),
        stored_names::<HandlerControlEvent>(),
    ];
    let of_domain = of_domain().into_iter().map(|events| events.names);
    let all: Vec<_> = of_domain.chain(of_kernel).collect();
    assert_distinct(&all);
}

#[test]
fn the_list_has_every_enum_of_the_domain() {
    let sources = sources();
    let derives = sources
        .lines()
        .filter(|line| line.starts_with("#[derive(") && line.contains("DomainEvent"));
    assert_eq!(of_domain().len(), derives.count(), "an enum is missing");
}

#[test]
fn the_lists_of_sagas_have_every_saga_of_the_domain() {
    let sources = sources();
    let mut streams: Vec<&str> = constants(&sources, "STREAM").collect();
    let mut listed = SAGA_STREAMS.to_vec();
    streams.sort_unstable();
    listed.sort_unstable();
    assert_eq!(listed, streams, "SAGA_STREAMS and SAGA_TYPES");
    assert_eq!(SAGA_TYPES.len(), SAGA_STREAMS.len());
}
