//! The stored names of a binary's events are distinct: readers that filter the log by name would confuse events of different
//! enums.

use std::fs;
use std::path::Path;

use domain::category::{CategoryEvent, CategoryNameEvent, MembershipEvent};
use domain::fulfilment::OrderSaga;
use domain::order::OrderEvent;
use domain::product::ProductEvent;
use domain::stock::StockEvent;
use event_sourcing::handler::HandlerControlEvent;
use event_sourcing::projection::ControlEvent;
use event_sourcing::testing::{StoredNames, assert_distinct, stored_names};
use sagas::EventOf;

/// All enums of events of the domain.
fn of_domain() -> [StoredNames; 6] {
    [
        stored_names::<CategoryEvent>(),
        stored_names::<CategoryNameEvent>(),
        stored_names::<MembershipEvent>(),
        stored_names::<ProductEvent>(),
        stored_names::<StockEvent>(),
        stored_names::<OrderEvent>(),
    ]
}

#[test]
fn no_two_enums_share_a_stored_name() {
    // Sagas of all types have the same events, distinguished by their streams.
    let of_kernel = [
        stored_names::<EventOf<OrderSaga>>(),
        stored_names::<ControlEvent>(),
        stored_names::<HandlerControlEvent>(),
    ];
    let all: Vec<_> = of_domain().into_iter().chain(of_kernel).collect();
    assert_distinct(&all);
}

#[test]
fn the_list_has_every_enum_of_the_domain() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    assert_eq!(of_domain().len(), derives(&sources), "an enum is missing");
}

/// How many types below `folder` derive `DomainEvent`.
fn derives(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).expect("a folder");
    let count = |entry: fs::DirEntry| {
        let path = entry.path();
        if path.is_dir() {
            return derives(&path);
        }
        let text = fs::read_to_string(&path).expect("a source");
        let derives = text.lines().filter(|line| line.starts_with("#[derive("));
        derives.filter(|line| line.contains("DomainEvent")).count()
    };
    entries.map(|entry| count(entry.expect("an entry"))).sum()
}
