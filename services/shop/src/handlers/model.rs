//! Event handlers as they are printed.

use chrono::{DateTime, Utc};
use contract::proto::{self, EventHandlerState};
use serde::Serialize;

/// The state of an event handler.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EventHandler {
    pub name: String,
    pub state: &'static str,
    pub position: i64,
    pub head: i64,
    pub lag: i64,
    pub parked_streams: i64,
    pub retrying: i64,
    pub failure: Option<String>,
}

/// A stream that is parked at an event.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ParkedStream {
    pub stream: String,
    pub position: i64,
    pub version: i64,
    pub event_type: String,
    pub reason: String,
    pub parked_at: DateTime<Utc>,
}

/// An operator's decision.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    pub position: i64,
    pub at: DateTime<Utc>,
    pub action: String,
    pub stream: Option<String>,
    pub skipped_position: Option<i64>,
    pub who: String,
    pub reason: String,
}

impl From<proto::EventHandler> for EventHandler {
    fn from(handler: proto::EventHandler) -> Self {
        Self {
            state: state(handler.state()),
            name: handler.name,
            position: handler.position,
            head: handler.head,
            lag: handler.lag,
            parked_streams: handler.parked_streams,
            retrying: handler.retrying,
            failure: Some(handler.failure).filter(|failure| !failure.is_empty()),
        }
    }
}

impl From<proto::ParkedStream> for ParkedStream {
    fn from(parked: proto::ParkedStream) -> Self {
        Self {
            stream: parked.stream,
            position: parked.position,
            version: parked.version,
            event_type: parked.event_type,
            reason: parked.reason,
            parked_at: time(parked.parked_at_micros),
        }
    }
}

impl From<proto::EventHandlerDecision> for Decision {
    fn from(decision: proto::EventHandlerDecision) -> Self {
        Self {
            position: decision.position,
            at: time(decision.at_micros),
            action: decision.action,
            stream: decision.stream,
            skipped_position: decision.skipped_position,
            who: decision.who,
            reason: decision.reason,
        }
    }
}

fn time(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap_or_default()
}

fn state(state: EventHandlerState) -> &'static str {
    match state {
        EventHandlerState::Running => "running",
        EventHandlerState::Waiting => "waiting",
        EventHandlerState::Paused => "paused",
        EventHandlerState::Full => "full",
        EventHandlerState::Failing => "failing",
        // A newer service may send a state that this binary does not know.
        EventHandlerState::Unspecified => "unknown",
    }
}
