//! Converts messages into decisions about projections.

use contract::proto::{PauseProjectionParam, ResumeProjectionParam, SkipProjectionEventParam};
use domain::value::EntityId;
use domain::{DomainError, ValidationError, ValidationErrors};
use event_sourcing::Position;
use event_sourcing::projection::Actor;

use super::super::input::acting;
use crate::projection_decision::{DecideOnProjection, ProjectionDecision};

/// The event to skip must be in the log.
pub(super) fn skip(
    param: &SkipProjectionEventParam,
    head: Position,
) -> Result<DecideOnProjection, DomainError> {
    let mut findings = ValidationErrors::default();
    let position = findings.check(position(param.position, head));
    let decision = position.map(ProjectionDecision::Skip);
    decided(
        findings,
        &param.projection,
        decision,
        &param.who,
        &param.reason,
    )
}

pub(super) fn pause(param: &PauseProjectionParam) -> Result<DecideOnProjection, DomainError> {
    let decision = Some(ProjectionDecision::Pause);
    decided(
        ValidationErrors::default(),
        &param.projection,
        decision,
        &param.who,
        &param.reason,
    )
}

pub(super) fn resume(param: &ResumeProjectionParam) -> Result<DecideOnProjection, DomainError> {
    let decision = Some(ProjectionDecision::Resume);
    decided(
        ValidationErrors::default(),
        &param.projection,
        decision,
        &param.who,
        &param.reason,
    )
}

fn decided(
    mut findings: ValidationErrors,
    projection: &str,
    decision: Option<ProjectionDecision>,
    who: &str,
    reason: &str,
) -> Result<DecideOnProjection, DomainError> {
    let projection = findings.check(EntityId::parse("projection", projection));
    let actor = acting(&mut findings, who, reason);
    let (Some(projection), Some(decision), Some((who, reason))) = (projection, decision, actor)
    else {
        return Err(findings.into());
    };
    Ok(DecideOnProjection {
        projection,
        decision,
        actor: Actor {
            id: who.as_str().to_owned(),
            reason: reason.as_str().to_owned(),
        },
    })
}

fn position(given: i64, head: Position) -> Result<Position, ValidationError> {
    let position = u64::try_from(given).unwrap_or(0);
    if (1..=head.0).contains(&position) {
        return Ok(Position(position));
    }
    Err(ValidationError {
        field: "position".to_owned(),
        message: format!("position must be 1 to {head} (the last event), got {given}"),
    })
}
