//! Projections as messages.

use contract::query::{self, ParkedEvent, ProjectionDecision, ProjectionState};
use event_sourcing::projection::{ControlEvent, Decision, Parked};
use event_sourcing::{Entry, Position};
use read_model_sql::rebuild::{Difference, RebuildReport, RebuildState, RebuildStatus};

use crate::projection_status::{ProjectionStatus, State};

pub(super) fn projection(standing: &ProjectionStatus) -> query::Projection {
    let (state, parked, failure) = match &standing.state {
        State::Following => (ProjectionState::Following, None, None),
        State::Building => (ProjectionState::Building, None, None),
        State::Paused => (ProjectionState::Paused, None, None),
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
        rebuild: standing
            .rebuild
            .as_ref()
            .map(|status| rebuild(standing.name, status, standing.head)),
    }
}

pub(super) fn rebuild(name: &str, status: &RebuildStatus, head: Position) -> query::Rebuild {
    query::Rebuild {
        projection: name.to_owned(),
        state: rebuild_state(status.state).into(),
        generation: status.generation,
        previous_generation: status.previous,
        automatic: status.is_automatic,
        who: status.who.clone(),
        reason: status.reason.clone(),
        requested_at_micros: status.requested_at_micros,
        position: status.position.map(number),
        head: number(head),
        report: status.report.as_ref().map(report),
        failure: status.failure.clone().unwrap_or_default(),
    }
}

fn rebuild_state(state: RebuildState) -> query::RebuildState {
    match state {
        RebuildState::Building => query::RebuildState::Building,
        RebuildState::Comparing => query::RebuildState::Comparing,
        RebuildState::Ready => query::RebuildState::Ready,
        RebuildState::Swapping => query::RebuildState::Swapping,
        RebuildState::Swapped => query::RebuildState::Swapped,
        RebuildState::Reverting => query::RebuildState::Reverting,
        RebuildState::Reverted => query::RebuildState::Reverted,
        RebuildState::Failed => query::RebuildState::Failed,
        RebuildState::Aborted => query::RebuildState::Aborted,
        RebuildState::Dropped => query::RebuildState::Dropped,
    }
}

fn report(report: &RebuildReport) -> query::RebuildReport {
    let columns = report.columns.iter().map(|column| query::RebuildColumn {
        name: column.name.clone(),
        rows: count(column.rows),
    });
    let samples = report.samples.iter().map(|sample| query::RebuildSample {
        key: sample.key.clone(),
        difference: match sample.difference {
            Difference::OnlyLive => query::RebuildDifference::OnlyLive,
            Difference::OnlyRebuilt => query::RebuildDifference::OnlyRebuilt,
            Difference::Changed => query::RebuildDifference::Changed,
        }
        .into(),
        column: sample.column.clone(),
        live: sample.live.clone(),
        rebuilt: sample.rebuilt.clone(),
    });
    query::RebuildReport {
        position: number(report.position),
        live_rows: count(report.live_rows),
        rebuilt_rows: count(report.rebuilt_rows),
        only_live: count(report.only_live),
        only_rebuilt: count(report.only_rebuilt),
        changed: count(report.changed),
        columns: columns.collect(),
        samples: samples.collect(),
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
    let (action, skipped, actor) = match decision.event {
        ControlEvent::Skipped(event) => ("skip", Some(number(event.position)), event.actor),
        ControlEvent::Paused(event) => ("pause", None, event.actor),
        ControlEvent::Resumed(event) => ("resume", None, event.actor),
    };
    ProjectionDecision {
        position: number(decision.position),
        at_micros: decision.at.timestamp_micros(),
        skipped_position: skipped,
        who: actor.id,
        reason: actor.reason,
        action: action.to_owned(),
    }
}

fn number(position: Position) -> i64 {
    count(position.0)
}

fn count(rows: u64) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

fn signed(version: u32) -> i32 {
    i32::try_from(version).unwrap_or(i32::MAX)
}
