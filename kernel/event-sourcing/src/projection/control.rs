//! What operators decide about projections: events of the log, in one stream per projection.
//!
//! A parked projection stands before the event that it cannot read, so it never comes to a decision by reading on. Its
//! decisions are therefore a stream of their own, which runners read apart from their position. Since they are in the
//! log, every query database and every rebuild obeys them.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::DomainEvent;
use crate::aggregate::Aggregate;
use crate::fields;
use crate::id::{Position, Version};
use crate::store::{EventStore, StoreError, Unreadable};

/// How many decisions are read at once.
const PAGE: usize = 500;

/// Who decided something, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// An operator's name.
    pub id: String,
    /// For operators.
    pub reason: String,
}

/// A decision about a projection, of whatever schema version.
#[derive(Clone, Debug, PartialEq, Eq, DomainEvent)]
pub enum ControlEvent {
    /// An event is left out of its rows.
    #[event(name = "ProjectionSkipped")]
    Skipped(ProjectionSkipped),
    /// It is to try the event again that it is parked at.
    #[event(name = "ProjectionResumed")]
    Resumed(ProjectionResumed),
}

/// `ProjectionSkipped`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectionSkipped {
    /// The projection.
    pub projection: String,
    /// The event that is left out.
    pub position: Position,
    /// Who decided it, and why.
    pub actor: Actor,
}

/// `ProjectionResumed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectionResumed {
    /// The projection.
    pub projection: String,
    /// Who decided it, and why.
    pub actor: Actor,
}

/// What was decided about a projection so far. Its id is the projection's name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectionControl {
    skips: BTreeSet<Position>,
    resumes: u64,
}

impl ProjectionControl {
    /// Leaves the event at `position` out. Nothing is to do if it is left out already.
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

    /// Has the projection try again, as often as it is asked to.
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
    const SNAPSHOT_VERSION: u32 = 1;
    type Event = ControlEvent;

    fn evolve(&mut self, event: &ControlEvent, _at: DateTime<Utc>) {
        match event {
            ControlEvent::Skipped(skipped) => {
                self.skips.insert(skipped.position);
            }
            ControlEvent::Resumed(_) => self.resumes += 1,
        }
    }
}

/// A decision as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Its place in the log.
    pub position: Position,
    /// When it was made.
    pub at: DateTime<Utc>,
    /// What was decided.
    pub event: ControlEvent,
}

/// All decisions about a projection that can be read, the first one first.
///
/// # Errors
/// [`StoreError`] if the log cannot be read.
pub async fn decisions(
    log: &dyn EventStore,
    projection: &str,
) -> Result<Vec<Decision>, StoreError> {
    let mut after = Version::NONE;
    read(log, projection, &mut after, |_| {}).await
}

/// The decisions after a version, which moves to the last one. Those that cannot be read are only reported.
async fn read(
    log: &dyn EventStore,
    projection: &str,
    after: &mut Version,
    report: impl Fn(&Unreadable),
) -> Result<Vec<Decision>, StoreError> {
    let stream = ProjectionControl::stream(projection);
    let mut decisions = Vec::new();
    loop {
        let page = log.read_stream(&stream, *after, PAGE).await?;
        for unreadable in &page.unreadable {
            *after = unreadable.version.max(*after);
            report(unreadable);
        }
        for envelope in page.events {
            *after = envelope.version.max(*after);
            match envelope.decode() {
                Ok(event) => decisions.push(Decision {
                    position: envelope.position,
                    at: envelope.recorded_at,
                    event,
                }),
                Err(error) => report(&Unreadable {
                    reason: error.to_string(),
                    position: envelope.position,
                    version: envelope.version,
                    event_type: envelope.event_type,
                    stream: envelope.stream,
                }),
            }
        }
        if page.is_end {
            return Ok(decisions);
        }
    }
}

/// A projection's decisions as its runner knows them.
#[derive(Debug, Default)]
pub(super) struct Decisions {
    control: ProjectionControl,
    version: Version,
}

impl Decisions {
    /// Reads those that are new. Whether one of them lets a projection go on that is parked at `parked_at`.
    ///
    /// # Errors
    /// [`StoreError`] if the log cannot be read.
    pub(super) async fn refresh(
        &mut self,
        log: &dyn EventStore,
        projection: &str,
        parked_at: Position,
    ) -> Result<bool, StoreError> {
        let resumes = self.control.resumes;
        let mut version = self.version;
        for decision in read(log, projection, &mut version, report).await? {
            self.control.evolve(&decision.event, decision.at);
        }
        self.version = version;
        Ok(self.control.resumes > resumes || self.control.skips.contains(&parked_at))
    }

    /// The positions that are left out, ascending.
    pub(super) fn skips(&self) -> Vec<Position> {
        self.control.skips.iter().copied().collect()
    }
}

/// Who reads decisions, as metrics name it.
pub(super) const CONTROL_READER: &str = "projection_control";

/// A decision that cannot be read is not obeyed; the projection stays parked for all to see.
fn report(unreadable: &Unreadable) {
    metrics::counter!("events_unreadable_total", "reader" => CONTROL_READER).increment(1);
    tracing::error!(
        { fields::PROJECTION } = unreadable.stream.aggregate_id(),
        { fields::POSITION } = unreadable.position.0,
        { fields::EVENT_TYPE } = unreadable.event_type,
        { fields::REASON } = unreadable.reason,
        "an operator's decision about a projection cannot be read"
    );
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

    /// They are stored forever.
    #[test]
    fn the_stored_shapes_stay_as_they_are() {
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
        assert!(ControlEvent::decode("ProjectionPaused", 1, "{}").is_err());
    }

    #[test]
    fn an_event_is_skipped_once_and_a_projection_resumed_as_often_as_asked() {
        let mut control = ProjectionControl::default();
        let skip = |control: &ProjectionControl| control.skip("orders", Position(7), actor());
        for event in skip(&control) {
            control.evolve(&event, DateTime::UNIX_EPOCH);
        }
        assert!(skip(&control).is_empty());
        assert_eq!(control.resume("orders", actor()).len(), 1);
        assert_eq!(control.resume("orders", actor()).len(), 1);
    }
}
