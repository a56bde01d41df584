//! What the kernel itself stores keeps its shape.

use event_sourcing::Position;
use event_sourcing::projection::{Actor, ProjectionControl};
use event_sourcing::testing::Fixtures;

#[test]
fn the_snapshot_of_decisions_about_a_projection() {
    let fixtures = Fixtures::at(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures"));
    let control = ProjectionControl::default();
    let actor = || Actor {
        id: "ops".to_owned(),
        reason: "repaired".to_owned(),
    };
    let skipped = control.skip("products", Position(7), actor());
    let resumed = control.resume("products", actor());
    fixtures.snapshot::<ProjectionControl>(skipped.into_iter().chain(resumed));
}
