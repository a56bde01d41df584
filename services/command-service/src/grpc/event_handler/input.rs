//! Decisions about event handlers from messages.

use contract::proto::{PauseEventHandlerParam, ResumeEventHandlerParam, SkipHandledEventParam};
use domain::{DomainError, Findings, ValidationError};
use event_sourcing::handler::ParkedStream;
use event_sourcing::{Actor, Position};

use super::super::input::acting;
use crate::handlers::{DecideOnHandler, HandlerDecision};

pub(super) fn pause(param: &PauseEventHandlerParam) -> Result<DecideOnHandler, DomainError> {
    decided(
        Findings::default(),
        &param.name,
        Some(HandlerDecision::Pause),
        &param.who,
        &param.reason,
    )
}

/// `parked` are the streams that are parked.
pub(super) fn resume(
    param: &ResumeEventHandlerParam,
    parked: &[ParkedStream],
) -> Result<DecideOnHandler, DomainError> {
    let mut findings = Findings::default();
    let decision = match &param.stream {
        None => Some(HandlerDecision::Resume),
        Some(stream) => findings
            .keep(parked_stream(stream, parked))
            .map(|row| HandlerDecision::ResumeStream(row.stream.to_string())),
    };
    decided(findings, &param.name, decision, &param.who, &param.reason)
}

/// No event is skipped unseen: the stream must be parked at it.
pub(super) fn skip(
    param: &SkipHandledEventParam,
    parked: &[ParkedStream],
) -> Result<DecideOnHandler, DomainError> {
    let mut findings = Findings::default();
    let row = findings.keep(parked_stream(&param.stream, parked));
    let position = row.and_then(|row| findings.keep(position(param.position, row.position)));
    let decision = row
        .zip(position)
        .map(|(row, position)| HandlerDecision::Skip {
            stream: row.stream.to_string(),
            position,
        });
    decided(findings, &param.name, decision, &param.who, &param.reason)
}

fn parked_stream<'p>(
    given: &str,
    parked: &'p [ParkedStream],
) -> Result<&'p ParkedStream, ValidationError> {
    let mut rows = parked.iter();
    rows.find(|row| row.stream.to_string() == given)
        .ok_or_else(|| ValidationError {
            field: "stream".to_owned(),
            message: format!("stream must be one that is parked, got {given:?}"),
        })
}

fn position(given: i64, parked_at: Position) -> Result<Position, ValidationError> {
    if u64::try_from(given) == Ok(parked_at.0) {
        return Ok(parked_at);
    }
    Err(ValidationError {
        field: "position".to_owned(),
        message: format!("position must be {parked_at}, where the stream is parked, got {given}"),
    })
}

fn decided(
    mut findings: Findings,
    handler: &str,
    decision: Option<HandlerDecision>,
    who: &str,
    reason: &str,
) -> Result<DecideOnHandler, DomainError> {
    let actor = acting(&mut findings, who, reason);
    let (Some(decision), Some((who, reason))) = (decision, actor) else {
        return Err(findings.into());
    };
    Ok(DecideOnHandler {
        handler: handler.to_owned(),
        decision,
        actor: Actor {
            id: who.as_str().to_owned(),
            reason: reason.as_str().to_owned(),
        },
    })
}
