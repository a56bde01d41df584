//! The operators' decisions about event handlers.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::ParkedStream;
use crate::DomainEvent;
use crate::aggregate::Aggregate;
use crate::decision::{self, Actor, Decision};
use crate::id::Position;
use crate::store::{EventStore, StoreError};

/// A decision about an event handler.
#[derive(Clone, Debug, PartialEq, Eq, DomainEvent)]
pub enum HandlerControlEvent {
    /// The handler is paused.
    #[event(name = "HandlerPaused")]
    Paused(HandlerPaused),
    /// The handler is resumed, and all its parked streams are retried.
    #[event(name = "HandlerResumed")]
    Resumed(HandlerResumed),
    /// One parked stream is retried.
    #[event(name = "HandlerStreamResumed")]
    StreamResumed(HandlerStreamResumed),
    /// An event of a parked stream is skipped, and the stream resumes after it.
    #[event(name = "HandlerStreamSkipped")]
    StreamSkipped(HandlerStreamSkipped),
}

/// `HandlerPaused`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandlerPaused {
    /// The handler.
    pub handler: String,
    /// The operator, and the reason.
    pub actor: Actor,
}

/// `HandlerResumed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandlerResumed {
    /// The handler.
    pub handler: String,
    /// The operator, and the reason.
    pub actor: Actor,
}

/// `HandlerStreamResumed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandlerStreamResumed {
    /// The handler.
    pub handler: String,
    /// The stream, as `type/id`.
    pub stream: String,
    /// The operator, and the reason.
    pub actor: Actor,
}

/// `HandlerStreamSkipped`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandlerStreamSkipped {
    /// The handler.
    pub handler: String,
    /// The stream, as `type/id`.
    pub stream: String,
    /// The skipped event.
    pub position: Position,
    /// The operator, and the reason.
    pub actor: Actor,
}

/// The decisions about a handler so far. The aggregate's id is the handler's name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandlerControl {
    is_paused: bool,
    skips: BTreeSet<Position>,
    /// The number of decisions.
    decisions: u64,
    /// The number of the last decision that resumes all streams, and of the last one for each stream.
    all: u64,
    streams: BTreeMap<String, u64>,
}

impl HandlerControl {
    /// Whether it is paused.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.is_paused
    }

    /// Pauses the handler. Returns no event if it is paused already.
    #[must_use]
    pub fn pause(&self, handler: &str, actor: Actor) -> Vec<HandlerControlEvent> {
        if self.is_paused {
            return Vec::new();
        }
        let handler = handler.to_owned();
        vec![HandlerControlEvent::Paused(HandlerPaused {
            handler,
            actor,
        })]
    }

    /// Resumes the handler and retries all its parked streams. Not idempotent: each call causes a retry.
    #[must_use]
    pub fn resume(&self, handler: &str, actor: Actor) -> Vec<HandlerControlEvent> {
        let handler = handler.to_owned();
        vec![HandlerControlEvent::Resumed(HandlerResumed {
            handler,
            actor,
        })]
    }

    /// Retries one parked stream. Not idempotent: each call causes a retry.
    #[must_use]
    pub fn resume_stream(
        &self,
        handler: &str,
        stream: &str,
        actor: Actor,
    ) -> Vec<HandlerControlEvent> {
        let (handler, stream) = (handler.to_owned(), stream.to_owned());
        vec![HandlerControlEvent::StreamResumed(HandlerStreamResumed {
            handler,
            stream,
            actor,
        })]
    }

    /// Skips an event of a parked stream. Returns no event if it is skipped already.
    #[must_use]
    pub fn skip(
        &self,
        handler: &str,
        stream: &str,
        position: Position,
        actor: Actor,
    ) -> Vec<HandlerControlEvent> {
        if self.skips.contains(&position) {
            return Vec::new();
        }
        let (handler, stream) = (handler.to_owned(), stream.to_owned());
        vec![HandlerControlEvent::StreamSkipped(HandlerStreamSkipped {
            handler,
            stream,
            position,
            actor,
        })]
    }

    /// Whether the event at `position` is skipped.
    pub(super) fn skips(&self, position: Position) -> bool {
        self.skips.contains(&position)
    }

    /// The number of decisions.
    pub(super) fn decisions(&self) -> u64 {
        self.decisions
    }

    /// Whether a decision made after the stream was parked resumes it.
    pub(super) fn resumes(&self, parked: &ParkedStream) -> bool {
        // Only a decision that was made after the stream was parked: an older one must not resume it.
        let own = self.streams.get(&parked.stream.to_string());
        own.copied().unwrap_or(0).max(self.all) > parked.decisions
    }
}

impl Aggregate for HandlerControl {
    const TYPE: &'static str = "event_handler_control";
    const SNAPSHOT_VERSION: u32 = 1;
    type Event = HandlerControlEvent;

    fn evolve(&mut self, event: &HandlerControlEvent, _at: DateTime<Utc>) {
        self.decisions += 1;
        match event {
            HandlerControlEvent::Paused(_) => self.is_paused = true,
            HandlerControlEvent::Resumed(_) => {
                self.is_paused = false;
                self.all = self.decisions;
            }
            HandlerControlEvent::StreamResumed(resumed) => {
                self.streams.insert(resumed.stream.clone(), self.decisions);
            }
            HandlerControlEvent::StreamSkipped(skipped) => {
                self.skips.insert(skipped.position);
                self.streams.insert(skipped.stream.clone(), self.decisions);
            }
        }
    }
}

/// All readable decisions about a handler, oldest first.
///
/// # Errors
/// [`StoreError`] if the log cannot be read.
pub async fn handler_decisions(
    log: &dyn EventStore,
    handler: &str,
) -> Result<Vec<Decision<HandlerControlEvent>>, StoreError> {
    decision::all(log, &HandlerControl::stream(handler)).await
}
