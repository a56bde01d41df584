//! Validates requests about sagas.

use chrono::{DateTime, TimeDelta, Utc};
use contract::proto::{self, ListSagasParam, ResolveSagaParam, SagaActionParam, ShowSagaParam};
use domain::fulfilment::parse_saga_type;
use domain::value::EntityId;
use domain::{DomainError, ValidationError, ValidationErrors};
use event_sourcing::Actor;
use sagas::{SagaFilter, SagaStatus};

use super::super::input::acting;

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: i32 = 500;

/// Which saga to show.
pub(super) enum ShownBy {
    Saga(EntityId),
    /// The latest one of an order.
    Order(EntityId),
}

/// The saga to show, and the version after which its events start.
pub(super) fn show(param: &ShowSagaParam) -> Result<(ShownBy, u64), DomainError> {
    let mut findings = ValidationErrors::default();
    let shown_by = match (param.saga_id.as_str(), param.order_id.as_str()) {
        (saga_id, "") => EntityId::parse("sagaId", saga_id).map(ShownBy::Saga),
        ("", order_id) => EntityId::parse("orderId", order_id).map(ShownBy::Order),
        _ => Err(ValidationError {
            field: "sagaId".to_owned(),
            message: "sagaId and orderId exclude each other, got both".to_owned(),
        }),
    };
    let shown_by = findings.check(shown_by);
    let after = u64::try_from(param.after_version).map_err(|_| ValidationError {
        field: "afterVersion".to_owned(),
        message: format!(
            "afterVersion must be 0 or more, got {}",
            param.after_version
        ),
    });
    let (Some(shown_by), Some(after)) = (shown_by, findings.check(after)) else {
        return Err(findings.into());
    };
    Ok((shown_by, after))
}

/// The saga's id, and the operator with the reason.
pub(super) fn action(param: &SagaActionParam) -> Result<(EntityId, Actor), DomainError> {
    let mut findings = ValidationErrors::default();
    let saga_id = findings.check(EntityId::parse("sagaId", &param.saga_id));
    let by = acting(&mut findings, &param.who, &param.reason);
    let (Some(saga_id), Some((who, why))) = (saga_id, by) else {
        return Err(findings.into());
    };
    let person = Actor {
        id: who.as_str().to_owned(),
        reason: why.as_str().to_owned(),
    };
    Ok((saga_id, person))
}

/// The fields that a resolution shares with all other actions.
pub(super) fn as_action(param: &ResolveSagaParam) -> SagaActionParam {
    SagaActionParam {
        saga_id: param.saga_id.clone(),
        who: param.who.clone(),
        reason: param.reason.clone(),
    }
}

/// The filter of a list of open sagas.
pub(super) fn filter(
    param: &ListSagasParam,
    now: DateTime<Utc>,
) -> Result<SagaFilter, DomainError> {
    let mut findings = ValidationErrors::default();
    let statuses = param.statuses.iter().map(|status| known_status(*status));
    let statuses = findings.check(statuses.collect::<Result<_, _>>());
    let limit = findings.check(limit(param.limit));
    let saga_type = param.r#type.as_deref();
    let saga_type = saga_type
        .map(|text| parse_saga_type("type", text))
        .transpose();
    let saga_type = findings.check(saga_type);
    let started_until = findings.check(param.min_age_ms.map(|age| past(age, now)).transpose());
    let (Some(statuses), Some(saga_type), Some(limit), Some(started_until)) =
        (statuses, saga_type, limit, started_until)
    else {
        return Err(findings.into());
    };
    Ok(SagaFilter {
        statuses,
        saga_type,
        step: param.step.clone(),
        started_until,
        limit,
        after: Some(param.after.clone()).filter(|after| !after.is_empty()),
    })
}

fn known_status(given: i32) -> Result<SagaStatus, ValidationError> {
    use proto::SagaStatus as Wire;
    match Wire::try_from(given) {
        Ok(Wire::Started) => Ok(SagaStatus::Started),
        Ok(Wire::Running) => Ok(SagaStatus::Running),
        Ok(Wire::Compensating) => Ok(SagaStatus::Compensating),
        Ok(Wire::Suspended) => Ok(SagaStatus::Suspended),
        Ok(Wire::Completed) => Ok(SagaStatus::Completed),
        Ok(Wire::Compensated) => Ok(SagaStatus::Compensated),
        Ok(Wire::Failed) => Ok(SagaStatus::Failed),
        Ok(Wire::Unspecified) | Err(_) => Err(ValidationError {
            field: "statuses".to_owned(),
            message: format!("statuses must be numbers of SagaStatus from 1 to 7, got {given}"),
        }),
    }
}

fn limit(given: i32) -> Result<usize, ValidationError> {
    match usize::try_from(given) {
        Ok(0) => Ok(DEFAULT_LIMIT),
        Ok(limit) if given <= MAX_LIMIT => Ok(limit),
        _ => Err(ValidationError {
            field: "limit".to_owned(),
            message: format!(
                "limit must be 1 to {MAX_LIMIT}, or 0 for {DEFAULT_LIMIT}, got {given}"
            ),
        }),
    }
}

fn past(age_ms: i64, now: DateTime<Utc>) -> Result<DateTime<Utc>, ValidationError> {
    TimeDelta::try_milliseconds(age_ms)
        .filter(|age| *age >= TimeDelta::zero())
        .and_then(|age| now.checked_sub_signed(age))
        .ok_or_else(|| ValidationError {
            field: "minAgeMs".to_owned(),
            message: format!("minAgeMs must be a number of milliseconds from 0, got {age_ms}"),
        })
}
