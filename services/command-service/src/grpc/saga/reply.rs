//! Converts sagas and their events into messages.

use contract::proto::{self, Saga, SagaEvent};
use contract::time::to_timestamp;
use event_sourcing::{Actor, DecodeError, Envelope};
use sagas::event::{
    AnySagaEvent, FailureKind, ResumeKind, SagaEvent as Event, StepFailed, StepStarted,
};
use sagas::{SagaStatus, Summary};

use super::super::reply::signed;

pub(super) fn saga(summary: &Summary) -> Saga {
    let names = |steps: &[&str]| steps.iter().map(|step| (*step).to_owned()).collect();
    Saga {
        id: summary.saga_id.clone(),
        r#type: summary.saga_type.to_owned(),
        order_id: summary.subject.clone(),
        status: status(summary.status).into(),
        current_step: summary.current_step.map(ToOwned::to_owned),
        completed_steps: names(&summary.completed_steps),
        compensated_steps: names(&summary.compensated_steps),
        failure_reason: summary.failure.clone(),
        started_at: Some(to_timestamp(summary.started_at)),
        completed_at: summary.ended_at.map(to_timestamp),
        updated_at: Some(to_timestamp(summary.updated_at)),
        version: signed(summary.version.0),
        attempts: number(summary.attempts),
        retry_at: summary.retry_at.map(to_timestamp),
        deadline: summary.deadline.map(to_timestamp),
        definition: number(summary.definition),
        supported_definitions: summary
            .unsupported
            .iter()
            .flat_map(|definition| &definition.supported)
            .map(|version| number(*version))
            .collect(),
    }
}

fn number(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn status(status: SagaStatus) -> proto::SagaStatus {
    match status {
        SagaStatus::Started => proto::SagaStatus::Started,
        SagaStatus::Running => proto::SagaStatus::Running,
        SagaStatus::Compensating => proto::SagaStatus::Compensating,
        SagaStatus::Suspended => proto::SagaStatus::Suspended,
        SagaStatus::Completed => proto::SagaStatus::Completed,
        SagaStatus::Compensated => proto::SagaStatus::Compensated,
        SagaStatus::Failed => proto::SagaStatus::Failed,
    }
}

/// One entry of a saga's timeline.
pub(super) fn event(envelope: &Envelope) -> Result<SagaEvent, DecodeError> {
    let event = envelope.decode::<AnySagaEvent>()?;
    let line = SagaEvent {
        version: signed(envelope.version.0),
        position: signed(envelope.position.0),
        at: Some(to_timestamp(envelope.recorded_at)),
        event_type: envelope.event_type.clone(),
        ..SagaEvent::default()
    };
    Ok(match event {
        Event::Started(_) | Event::Completed(_) | Event::Compensated(_) => line,
        Event::StepStarted(e) => started(line, e),
        Event::StepFailed(e) => failed(line, e),
        Event::StepCompleted(e) => SagaEvent {
            step: Some(e.step),
            ..with_actor(line, e.actor)
        },
        Event::StepCompensated(e) => SagaEvent {
            step: Some(e.step),
            undo: true,
            outcome: (!e.had_effect).then(|| "nothing to undo".to_owned()),
            ..with_actor(line, e.actor)
        },
        Event::CompensationStarted(e) => SagaEvent {
            step: e.step,
            why: Some(e.reason),
            ..line
        },
        Event::Suspended(e) => SagaEvent {
            step: Some(e.step),
            undo: e.undo,
            why: Some(e.reason),
            ..line
        },
        Event::CancelRequested(e) => with_actor(line, Some(e.actor)),
        Event::Failed(e) => with_actor(line, Some(e.actor)),
        Event::Resumed(e) => SagaEvent {
            action: Some(action(e.action).to_owned()),
            step: e.step,
            ..with_actor(line, Some(e.actor))
        },
    })
}

fn started(line: SagaEvent, e: StepStarted) -> SagaEvent {
    SagaEvent {
        step: Some(e.step),
        undo: e.undo,
        attempt: attempt(e.attempt),
        key: Some(e.key.as_str().to_owned()),
        deadline: e.deadline.map(to_timestamp),
        ..line
    }
}

fn failed(line: SagaEvent, e: StepFailed) -> SagaEvent {
    let outcome = match e.outcome {
        FailureKind::Declined => "declined",
        FailureKind::Transient => "transient",
        FailureKind::Unknown => "unknown",
        FailureKind::KeyOpen => "key_open",
    };
    SagaEvent {
        step: Some(e.step),
        undo: e.undo,
        attempt: attempt(e.attempt),
        outcome: Some(outcome.to_owned()),
        retry_at: e.retry_at.map(to_timestamp),
        why: Some(e.reason),
        ..line
    }
}

fn action(action: ResumeKind) -> &'static str {
    match action {
        ResumeKind::Resume => "resume",
        ResumeKind::Retry => "retry",
        ResumeKind::Resolve => "resolve",
    }
}

fn with_actor(line: SagaEvent, person: Option<Actor>) -> SagaEvent {
    let (who, why) = person.map(|person| (person.id, person.reason)).unzip();
    SagaEvent { who, why, ..line }
}

fn attempt(attempt: u32) -> Option<i32> {
    i32::try_from(attempt).ok()
}
