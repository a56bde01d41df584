//! The operators' decisions about projections.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::DomainEvent;
use crate::aggregate::Aggregate;
use crate::decision::{self, Actor, Decision};
use crate::id::Position;
use crate::store::{EventStore, StoreError};

/// A decision about a projection. It applies to all schema versions.
#[derive(Clone, Debug, PartialEq, Eq, DomainEvent)]
pub enum ControlEvent {
    /// An event is skipped.
    #[event(name = "ProjectionSkipped")]
    Skipped(ProjectionSkipped),
    /// The projection is paused.
    #[event(name = "ProjectionPaused")]
    Paused(ProjectionPaused),
    /// The projection is no longer paused, and retries the event at which it is parked.
    #[event(name = "ProjectionResumed")]
    Resumed(ProjectionResumed),
}

/// `ProjectionSkipped`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectionSkipped {
    /// The projection.
    pub projection: String,
    /// The skipped event.
    pub position: Position,
    /// The operator, and the reason.
    pub actor: Actor,
}

/// `ProjectionPaused`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectionPaused {
    /// The projection.
    pub projection: String,
    /// The operator, and the reason.
    pub actor: Actor,
}

/// `ProjectionResumed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectionResumed {
    /// The projection.
    pub projection: String,
    /// The operator, and the reason.
    pub actor: Actor,
}

/// The decisions about a projection so far. The aggregate's id is the projection's name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectionControl {
    skips: BTreeSet<Position>,
    resumes: u64,
    is_paused: bool,
}

impl ProjectionControl {
    /// Skips the event at `position`. Returns no event if it is skipped already.
    #[must_use]
    pub fn skip(&self, projection: &str, position: Position, actor: Actor) -> Vec<ControlEvent> {
        if self.skips.contains(&position) {
            return Vec::new();
        }
        let projection = projection.to_owned();
        vec![ControlEvent::Skipped(ProjectionSkipped {
            projection,
            position,
            actor,
        })]
    }

    /// Whether it is paused.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.is_paused
    }

    /// Pauses the projection. Returns no event if it is paused already.
    #[must_use]
    pub fn pause(&self, projection: &str, actor: Actor) -> Vec<ControlEvent> {
        if self.is_paused {
            return Vec::new();
        }
        let projection = projection.to_owned();
        vec![ControlEvent::Paused(ProjectionPaused { projection, actor })]
    }

    /// The skipped positions, ascending.
    pub(super) fn skips(&self) -> &BTreeSet<Position> {
        &self.skips
    }

    /// How often the projection was resumed.
    pub(super) fn resumes(&self) -> u64 {
        self.resumes
    }

    /// Ends a pause and retries a parked event. Not idempotent: each call causes a retry.
    #[must_use]
    pub fn resume(&self, projection: &str, actor: Actor) -> Vec<ControlEvent> {
        let projection = projection.to_owned();
        vec![ControlEvent::Resumed(ProjectionResumed {
            projection,
            actor,
        })]
    }
}

impl Aggregate for ProjectionControl {
    const TYPE: &'static str = "projection_control";
    const SNAPSHOT_VERSION: u32 = 2;
    type Event = ControlEvent;

    fn evolve(&mut self, event: &ControlEvent, _at: DateTime<Utc>) {
        match event {
            ControlEvent::Skipped(skipped) => {
                self.skips.insert(skipped.position);
            }
            ControlEvent::Paused(_) => self.is_paused = true,
            ControlEvent::Resumed(_) => {
                self.is_paused = false;
                self.resumes += 1;
            }
        }
    }
}

/// All readable decisions about a projection, oldest first.
///
/// # Errors
/// [`StoreError`] if the log cannot be read.
pub async fn decisions(
    log: &dyn EventStore,
    projection: &str,
) -> Result<Vec<Decision<ControlEvent>>, StoreError> {
    decision::all(log, &ProjectionControl::stream(projection)).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::StoredEvent;

    fn actor() -> Actor {
        Actor {
            id: "grace".to_owned(),
            reason: "a test".to_owned(),
        }
    }

    /// These events are stored permanently; a changed shape would make old ones unreadable.
    #[test]
    fn the_stored_shapes_do_not_change() {
        let stored = [
            (
                "ProjectionSkipped",
                r#"{"projection":"orders","position":7,"actor":{"id":"grace","reason":"a test"}}"#,
                ControlEvent::Skipped(ProjectionSkipped {
                    projection: "orders".to_owned(),
                    position: Position(7),
                    actor: actor(),
                }),
            ),
            (
                "ProjectionPaused",
                r#"{"projection":"orders","actor":{"id":"grace","reason":"a test"}}"#,
                ControlEvent::Paused(ProjectionPaused {
                    projection: "orders".to_owned(),
                    actor: actor(),
                }),
            ),
            (
                "ProjectionResumed",
                r#"{"projection":"orders","actor":{"id":"grace","reason":"a test"}}"#,
                ControlEvent::Resumed(ProjectionResumed {
                    projection: "orders".to_owned(),
                    actor: actor(),
                }),
            ),
        ];
        for (name, data, event) in stored {
            let encoded = event.encode();
            assert_eq!((encoded.event_type, encoded.data.as_str()), (name, data));
            let read = ControlEvent::decode(name, 1, data);
            assert_eq!(read.ok(), Some(event));
        }
        assert!(ControlEvent::decode("ProjectionRenamed", 1, "{}").is_err());
    }

    #[test]
    fn a_skip_is_idempotent_and_each_resume_is_recorded() {
        let mut control = ProjectionControl::default();
        let skip = |control: &ProjectionControl| control.skip("orders", Position(7), actor());
        for event in skip(&control) {
            control.evolve(&event, DateTime::UNIX_EPOCH);
        }
        assert!(skip(&control).is_empty());
        assert_eq!(control.resume("orders", actor()).len(), 1);
        assert_eq!(control.resume("orders", actor()).len(), 1);
    }

    #[test]
    fn a_pause_is_idempotent_and_ends_with_a_resume() {
        let mut control = ProjectionControl::default();
        for event in control.pause("orders", actor()) {
            control.evolve(&event, DateTime::UNIX_EPOCH);
        }
        assert!(control.is_paused());
        assert!(control.pause("orders", actor()).is_empty());
        for event in control.resume("orders", actor()) {
            control.evolve(&event, DateTime::UNIX_EPOCH);
        }
        assert!(!control.is_paused());
        assert_eq!(control.pause("orders", actor()).len(), 1);
    }
}
