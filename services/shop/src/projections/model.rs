//! Projections as they are printed.

use chrono::{DateTime, Utc};
use contract::query::{self, ProjectionState};
use serde::Serialize;

use super::rebuild::Rebuild;

/// The state of a projection.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Projection {
    pub name: String,
    pub schema_version: i32,
    pub generation: i64,
    pub state: &'static str,
    pub position: i64,
    pub head: i64,
    pub lag: i64,
    pub parked: Option<ParkedEvent>,
    pub failure: Option<String>,
    /// The rebuild under way, or the last one if a generation of it is kept.
    pub rebuild: Option<Rebuild>,
}

/// The event at which a projection is parked.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ParkedEvent {
    pub position: i64,
    pub reason: String,
    pub event_type: String,
    pub stream_type: String,
    pub stream_id: String,
    pub version: i64,
    pub schema_version: Option<i32>,
    pub recorded_at: Option<DateTime<Utc>>,
}

/// An operator's decision.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    pub position: i64,
    pub at: DateTime<Utc>,
    pub action: &'static str,
    pub skipped_position: Option<i64>,
    pub who: String,
    pub reason: String,
}

impl From<query::Projection> for Projection {
    fn from(projection: query::Projection) -> Self {
        Self {
            state: state(projection.state()),
            name: projection.name,
            schema_version: projection.schema_version,
            generation: projection.generation,
            position: projection.position,
            head: projection.head,
            lag: projection.lag,
            parked: projection.parked.map(ParkedEvent::from),
            failure: Some(projection.failure).filter(|failure| !failure.is_empty()),
            rebuild: projection.rebuild.map(Rebuild::from),
        }
    }
}

impl From<query::ParkedEvent> for ParkedEvent {
    fn from(event: query::ParkedEvent) -> Self {
        Self {
            position: event.position,
            reason: event.reason,
            event_type: event.event_type,
            stream_type: event.stream_type,
            stream_id: event.stream_id,
            version: event.version,
            schema_version: event.schema_version,
            recorded_at: event
                .recorded_at_micros
                .and_then(DateTime::from_timestamp_micros),
        }
    }
}

impl From<query::ProjectionDecision> for Decision {
    fn from(decision: query::ProjectionDecision) -> Self {
        Self {
            position: decision.position,
            at: DateTime::from_timestamp_micros(decision.at_micros).unwrap_or_default(),
            action: match (decision.action.as_str(), decision.skipped_position) {
                ("pause", _) => "pause",
                (_, Some(_)) => "skip",
                // An older service sends no action.
                (_, None) => "resume",
            },
            skipped_position: decision.skipped_position,
            who: decision.who,
            reason: decision.reason,
        }
    }
}

fn state(state: ProjectionState) -> &'static str {
    match state {
        ProjectionState::Following => "following",
        ProjectionState::Building => "building",
        ProjectionState::Parked => "parked",
        ProjectionState::Paused => "paused",
        ProjectionState::Waiting => "waiting",
        ProjectionState::Failing => "failing",
        // A newer service may send a state that this binary does not know.
        ProjectionState::Unspecified => "unknown",
    }
}
