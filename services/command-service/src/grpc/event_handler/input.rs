//! Converts messages into decisions about event handlers.

use contract::proto::{PauseEventHandlerParam, ResumeEventHandlerParam, SkipHandledEventParam};
use domain::{DomainError, ValidationError, ValidationErrors};
use event_sourcing::handler::ParkedStream;
use event_sourcing::{Actor, Position, quoted};

use super::super::input::acting;
use crate::handlers::{DecideOnHandler, HandlerDecision};

pub(super) fn pause(param: &PauseEventHandlerParam) -> Result<DecideOnHandler, DomainError> {
    let decision = (HandlerDecision::Pause, None);
    decided(&param.name, decision, &param.who, &param.reason)
}

/// `parked` are the currently parked streams.
pub(super) fn resume(
    param: &ResumeEventHandlerParam,
    parked: &[ParkedStream],
) -> Result<DecideOnHandler, DomainError> {
    let decision = match &param.stream {
        None => (HandlerDecision::Resume, None),
        Some(stream) => (
            HandlerDecision::ResumeStream(stream.clone()),
            parked_stream(stream, parked).err(),
        ),
    };
    decided(&param.name, decision, &param.who, &param.reason)
}

/// An operator can only skip the event that the stream is parked at, so no event is skipped by mistake.
pub(super) fn skip(
    param: &SkipHandledEventParam,
    parked: &[ParkedStream],
) -> Result<DecideOnHandler, DomainError> {
    let stream = param.stream.clone();
    let position = Position(u64::try_from(param.position).unwrap_or(0));
    let row = parked_stream(&stream, parked);
    let obstacle = row.and_then(|row| require_position(param.position, row.position));
    let decision = HandlerDecision::Skip { stream, position };
    decided(
        &param.name,
        (decision, obstacle.err()),
        &param.who,
        &param.reason,
    )
}

fn parked_stream<'p>(
    given: &str,
    parked: &'p [ParkedStream],
) -> Result<&'p ParkedStream, ValidationError> {
    let mut rows = parked.iter();
    rows.find(|row| row.stream.to_string() == given)
        .ok_or_else(|| ValidationError {
            field: "stream".to_owned(),
            message: format!("stream must be one that is parked, got {}", quoted(given)),
        })
}

fn require_position(given: i64, parked_at: Position) -> Result<(), ValidationError> {
    if u64::try_from(given) == Ok(parked_at.0) {
        return Ok(());
    }
    Err(ValidationError {
        field: "position".to_owned(),
        message: format!("position must be {parked_at}, where the stream is parked, got {given}"),
    })
}

fn decided(
    handler: &str,
    (decision, obstacle): (HandlerDecision, Option<ValidationError>),
    who: &str,
    reason: &str,
) -> Result<DecideOnHandler, DomainError> {
    let mut findings = ValidationErrors::default();
    let Some((who, reason)) = acting(&mut findings, who, reason) else {
        return Err(findings.into());
    };
    Ok(DecideOnHandler {
        handler: handler.to_owned(),
        decision,
        obstacle: obstacle.map(DomainError::from),
        actor: Actor {
            id: who.as_str().to_owned(),
            reason: reason.as_str().to_owned(),
        },
    })
}
