//! Projections as messages.

use contract::query::{self, ParkedEvent, ProjectionDecision, ProjectionState};
use event_sourcing::projection::{ControlEvent, Decision, Parked};
use event_sourcing::{Entry, Position};

use crate::projection_status::{ProjectionStatus, State};

pub(super) fn projection(standing: &ProjectionStatus) -> query::Projection {
    let (state, parked, failure) = match &standing.state {
        State::Following => (ProjectionState::Following, None, None),
        State::Building => (ProjectionState::Building, None, None),
        State::Waiting => (ProjectionState::Waiting, None, None),
        State::Failing(failure) => (ProjectionState::Failing, None, Some(failure.clone())),
        State::Parked { parked, entry } => {
            let event = parked_event(parked, entry.as_ref());
            (ProjectionState::Parked, Some(event), None)
        }
    };
    let lag = standing.head.0.saturating_sub(standing.position.0);
    query::Projection {
        name: standing.name.to_owned(),
        schema_version: signed(standing.schema_version),
        generation: standing.generation,
        state: state.into(),
        position: number(standing.position),
        head: number(standing.head),
        lag: i64::try_from(lag).unwrap_or(i64::MAX),
        parked,
        failure: failure.unwrap_or_default(),
    }
}

fn parked_event(parked: &Parked, entry: Option<&Entry>) -> ParkedEvent {
    let event = ParkedEvent {
        position: number(parked.position),
        reason: parked.reason.clone(),
        ..ParkedEvent::default()
    };
    let Some(entry) = entry else {
        return event;
    };
    let (version, readable) = match entry {
        Entry::Event(envelope) => (envelope.version, Some(envelope)),
        Entry::Unreadable(unreadable) => (unreadable.version, None),
    };
    ParkedEvent {
        event_type: entry.event_type().to_owned(),
        stream_type: entry.stream().aggregate_type().to_owned(),
        stream_id: entry.stream().aggregate_id().to_owned(),
        version: i64::try_from(version.0).unwrap_or(i64::MAX),
        schema_version: readable.map(|envelope| signed(envelope.schema_version)),
        recorded_at_micros: readable.map(|envelope| envelope.recorded_at.timestamp_micros()),
        ..event
    }
}

pub(super) fn decision(decision: Decision<ControlEvent>) -> ProjectionDecision {
    let (skipped, actor) = match decision.event {
        ControlEvent::Skipped(event) => (Some(number(event.position)), event.actor),
        ControlEvent::Resumed(event) => (None, event.actor),
    };
    ProjectionDecision {
        position: number(decision.position),
        at_micros: decision.at.timestamp_micros(),
        skipped_position: skipped,
        who: actor.id,
        reason: actor.reason,
    }
}

fn number(position: Position) -> i64 {
    i64::try_from(position.0).unwrap_or(i64::MAX)
}

fn signed(version: u32) -> i32 {
    i32::try_from(version).unwrap_or(i32::MAX)
}
