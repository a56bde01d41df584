//! Which open sagas a caller wants listed.

use chrono::{DateTime, TimeDelta, Utc};
use contract::proto::{self, ListSagasParam};
use domain::fulfilment::parse_saga_type;
use domain::{DomainError, Findings, ValidationError};
use sagas::Summary;

use super::order_reply::saga_status;

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: i32 = 500;

/// A request for a page of open sagas.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    statuses: Vec<proto::SagaStatus>,
    saga_type: Option<&'static str>,
    step: Option<String>,
    started_until: Option<DateTime<Utc>>,
    pub(crate) limit: usize,
    /// Only ids below this one.
    pub(crate) after: Option<String>,
}

impl Wanted {
    pub(crate) fn read(param: &ListSagasParam, now: DateTime<Utc>) -> Result<Self, DomainError> {
        let mut findings = Findings::default();
        let statuses = param.statuses.iter().map(|status| known_status(*status));
        let statuses = findings.keep(statuses.collect::<Result<_, _>>());
        let limit = findings.keep(limit(param.limit));
        let saga_type = param.r#type.as_deref();
        let saga_type = saga_type
            .map(|text| parse_saga_type("type", text))
            .transpose();
        let saga_type = findings.keep(saga_type);
        let started_until = findings.keep(param.min_age_ms.map(|age| past(age, now)).transpose());
        let (Some(statuses), Some(saga_type), Some(limit), Some(started_until)) =
            (statuses, saga_type, limit, started_until)
        else {
            return Err(findings.into());
        };
        Ok(Self {
            statuses,
            saga_type,
            step: param.step.clone(),
            started_until,
            limit,
            after: Some(param.after.clone()).filter(|after| !after.is_empty()),
        })
    }

    /// Whether sagas of this type can be among them.
    pub(crate) fn has_type(&self, saga_type: &str) -> bool {
        self.saga_type.is_none_or(|wanted| wanted == saga_type)
    }

    pub(crate) fn matches(&self, saga: &Summary) -> bool {
        let status = saga_status(saga.status);
        (self.statuses.is_empty() || self.statuses.contains(&status))
            && self.has_type(saga.saga_type)
            && self
                .step
                .as_ref()
                .is_none_or(|step| saga.current_step == Some(step))
            && self
                .started_until
                .is_none_or(|until| saga.started_at <= until)
    }
}

fn known_status(given: i32) -> Result<proto::SagaStatus, ValidationError> {
    proto::SagaStatus::try_from(given)
        .ok()
        .filter(|status| *status != proto::SagaStatus::Unspecified)
        .ok_or_else(|| ValidationError {
            field: "statuses".to_owned(),
            message: format!("statuses must be numbers of SagaStatus from 1 to 7, got {given}"),
        })
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
