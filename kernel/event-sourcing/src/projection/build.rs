//! Reports the progress of building a read model to operators.

use std::time::Duration;

use tokio::time::Instant;

use super::ProjectionProgress;
use crate::fields;
use crate::id::Position;

/// The interval of progress logs.
const INTERVAL: Duration = Duration::from_secs(5);

/// Reports the progress of a build until the read model has caught up.
pub(super) struct BuildReport {
    projection: &'static str,
    schema_version: u32,
    is_building: bool,
    started: Instant,
    logged: Instant,
}

impl BuildReport {
    pub(super) fn new(
        projection: &'static str,
        schema_version: u32,
        progress: &ProjectionProgress,
    ) -> Self {
        let now = Instant::now();
        let report = Self {
            projection,
            schema_version,
            is_building: !progress.caught_up,
            started: now,
            logged: now,
        };
        report.measure();
        report
    }

    /// Records that a page was written.
    pub(super) fn advance(&mut self, progress: &ProjectionProgress, head: Position) {
        if !self.is_building {
            return;
        }
        let now = Instant::now();
        if progress.caught_up {
            self.is_building = false;
            self.measure();
            tracing::info!(
                { fields::PROJECTION } = self.projection,
                { fields::PROJECTION_VERSION } = self.schema_version,
                { fields::POSITION } = progress.position.0,
                { fields::ELAPSED_MS } = millis(now - self.started),
                "the read model has caught up"
            );
        } else if now - self.logged >= INTERVAL {
            self.logged = now;
            tracing::info!(
                { fields::PROJECTION } = self.projection,
                { fields::PROJECTION_VERSION } = self.schema_version,
                { fields::POSITION } = progress.position.0,
                { fields::HEAD } = head.0,
                { fields::PERCENT } = percent(progress.position, head),
                "the read model is being built"
            );
        }
    }

    fn measure(&self) {
        let building = if self.is_building { 1.0 } else { 0.0 };
        metrics::gauge!("projection_building", "projection" => self.projection).set(building);
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// In whole percent, rounded down: 100 only at the head.
fn percent(position: Position, head: Position) -> u64 {
    position
        .0
        .saturating_mul(100)
        .checked_div(head.0)
        .unwrap_or(100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percents_are_rounded_down() {
        assert_eq!(percent(Position(0), Position(3)), 0);
        assert_eq!(percent(Position(2_999), Position(3_000)), 99);
        assert_eq!(percent(Position(3), Position(3)), 100);
        assert_eq!(percent(Position(0), Position(0)), 100);
    }
}
