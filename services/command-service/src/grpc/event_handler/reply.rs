//! Converts the status of event handlers into messages.

use contract::proto::{
    EventHandler, EventHandlerActionResult, EventHandlerDecision, EventHandlerState, ParkedStream,
    ShowEventHandlerResult,
};
use event_sourcing::handler::{self, HandlerControlEvent};
use event_sourcing::{Clock, Decision};
use platform::event_handlers::{HandlerReport, HandlerStatus};

use super::super::reply::{now, signed, split};
use crate::bus::CommandOutcome;

/// Limit of parked streams, and of decisions, in one reply.
const MAX_SHOWN: usize = 100;

pub(super) fn handler(standings: &HandlerReport) -> EventHandler {
    let mark = standings.progress.mark;
    let position = mark.map_or(0, |mark| mark.position.0);
    EventHandler {
        name: standings.name.clone(),
        state: state(standings.status).into(),
        position: signed(position),
        head: signed(standings.head.0),
        lag: signed(standings.head.0.saturating_sub(position)),
        parked_streams: signed(standings.progress.parked.len() as u64),
        retrying: signed(standings.retrying as u64),
        failure: standings.failing.clone().unwrap_or_default(),
    }
}

pub(super) fn shown(standings: HandlerReport) -> ShowEventHandlerResult {
    let handler = handler(&standings);
    let parked = standings.progress.parked.into_iter().take(MAX_SHOWN);
    let older = standings.decisions.len().saturating_sub(MAX_SHOWN);
    let decisions = standings.decisions.into_iter().skip(older);
    ShowEventHandlerResult {
        event_handler: Some(handler),
        parked: parked.map(parked_stream).collect(),
        decisions: decisions.map(decision).collect(),
    }
}

pub(super) fn acted(outcome: CommandOutcome<()>, clock: &dyn Clock) -> EventHandlerActionResult {
    let (_, error) = split(outcome.result);
    EventHandlerActionResult {
        error,
        timestamp: Some(now(clock)),
        unchanged: outcome.unchanged,
    }
}

fn state(standing: HandlerStatus) -> EventHandlerState {
    match standing {
        HandlerStatus::Running => EventHandlerState::Running,
        HandlerStatus::Waiting => EventHandlerState::Waiting,
        HandlerStatus::Paused => EventHandlerState::Paused,
        HandlerStatus::Full => EventHandlerState::Full,
        HandlerStatus::Failing => EventHandlerState::Failing,
    }
}

fn parked_stream(parked: handler::ParkedStream) -> ParkedStream {
    ParkedStream {
        stream: parked.stream.to_string(),
        position: signed(parked.position.0),
        version: signed(parked.version.0),
        event_type: parked.event_type,
        reason: parked.reason,
        parked_at_micros: parked.parked_at.timestamp_micros(),
    }
}

fn decision(decision: Decision<HandlerControlEvent>) -> EventHandlerDecision {
    let (action, stream, skipped, actor) = match decision.event {
        HandlerControlEvent::Paused(event) => ("pause", None, None, event.actor),
        HandlerControlEvent::Resumed(event) => ("resume", None, None, event.actor),
        HandlerControlEvent::StreamResumed(event) => {
            ("resume", Some(event.stream), None, event.actor)
        }
        HandlerControlEvent::StreamSkipped(event) => {
            let position = signed(event.position.0);
            ("skip", Some(event.stream), Some(position), event.actor)
        }
    };
    EventHandlerDecision {
        position: signed(decision.position.0),
        at_micros: decision.at.timestamp_micros(),
        action: action.to_owned(),
        stream,
        skipped_position: skipped,
        who: actor.id,
        reason: actor.reason,
    }
}
