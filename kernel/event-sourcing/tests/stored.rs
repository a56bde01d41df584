//! The schemas that the kernel itself stores do not change.

use event_sourcing::handler::HandlerControl;
use event_sourcing::projection::ProjectionControl;
use event_sourcing::testing::Fixtures;
use event_sourcing::{Actor, Position};

fn fixtures() -> Fixtures {
    Fixtures::at(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures"))
}

fn actor() -> Actor {
    Actor {
        id: "ops".to_owned(),
        reason: "repaired".to_owned(),
    }
}

#[test]
fn the_snapshot_of_decisions_about_a_projection() {
    let control = ProjectionControl::default();
    let skipped = control.skip("products", Position(7), actor());
    let paused = control.pause("products", actor());
    let resumed = control.resume("products", actor());
    fixtures().snapshot::<ProjectionControl>(skipped.into_iter().chain(paused).chain(resumed));
}

#[test]
fn the_snapshot_of_decisions_about_an_event_handler() {
    let control = HandlerControl::default();
    let history = [
        control.pause("mail", actor()),
        control.resume("mail", actor()),
        control.resume_stream("mail", "order/1", actor()),
        control.skip("mail", "order/2", Position(7), actor()),
    ];
    fixtures().snapshot::<HandlerControl>(history.into_iter().flatten());
}
