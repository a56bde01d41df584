//! Sagas as printed, converted from the messages of both services.

use chrono::{DateTime, TimeDelta, Utc};
use contract::time::{from_micros, from_timestamp};
use contract::{proto, query};
use sagas::SagaStatus;
use serde::{Serialize, Serializer};

/// A saga's status. A newer service may send one that this binary does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Known(SagaStatus),
    Unknown,
}

impl State {
    pub fn name(self) -> &'static str {
        match self {
            Self::Known(status) => status.as_str(),
            Self::Unknown => "unknown",
        }
    }

    fn of(given: i32) -> Self {
        SagaStatus::ALL
            .into_iter()
            .find(|status| number(*status) == given)
            .map_or(Self::Unknown, Self::Known)
    }
}

impl Serialize for State {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.name())
    }
}

/// A status's number on the wire, the same in both services' enums.
pub fn number(status: SagaStatus) -> i32 {
    let status = match status {
        SagaStatus::Started => proto::SagaStatus::Started,
        SagaStatus::Running => proto::SagaStatus::Running,
        SagaStatus::Compensating => proto::SagaStatus::Compensating,
        SagaStatus::Completed => proto::SagaStatus::Completed,
        SagaStatus::Failed => proto::SagaStatus::Failed,
        SagaStatus::Compensated => proto::SagaStatus::Compensated,
        SagaStatus::Suspended => proto::SagaStatus::Suspended,
    };
    status.into()
}

/// A saga. Fields that the answering service does not know are absent.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Saga {
    #[serde(rename = "sagaId")]
    pub id: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub order_id: String,
    pub state: State,
    pub current_step: Option<String>,
    pub completed_steps: Vec<String>,
    pub compensated_steps: Vec<String>,
    pub failure_reason: Option<String>,
    pub started_at: DateTime<Utc>,
    pub completed_at: Option<DateTime<Utc>>,
    pub updated_at: DateTime<Utc>,
    #[serde(flatten)]
    pub progress: Option<SagaProgress>,
}

/// Fields that only the write side knows.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SagaProgress {
    pub attempts: i32,
    pub retry_at: Option<DateTime<Utc>>,
    pub deadline: Option<DateTime<Utc>>,
    pub definition: i32,
    /// Empty if the answering service has the definition, otherwise the versions that it has.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub supported_definitions: Vec<i32>,
    pub version: i64,
}

impl Saga {
    /// The version of its definition, if the answering service lacks it and the saga has not ended.
    pub fn unsupported_definition(&self) -> Option<i32> {
        let progress = self.progress.as_ref()?;
        let is_open = self.completed_at.is_none();
        (is_open && !progress.supported_definitions.is_empty()).then_some(progress.definition)
    }

    /// Its state, as operators read it.
    pub fn state_text(&self) -> String {
        match self.unsupported_definition() {
            Some(version) => format!("unsupported definition version {version}"),
            None => self.state.name().to_owned(),
        }
    }

    /// The duration from start to end, or to now while it is open.
    pub fn took(&self, now: DateTime<Utc>) -> TimeDelta {
        self.completed_at.unwrap_or(now) - self.started_at
    }
}

impl From<proto::Saga> for Saga {
    fn from(saga: proto::Saga) -> Self {
        let time = |at: Option<_>| at.as_ref().and_then(from_timestamp);
        Self {
            id: saga.id,
            kind: saga.r#type,
            order_id: saga.order_id,
            state: State::of(saga.status),
            current_step: saga.current_step,
            completed_steps: saga.completed_steps,
            compensated_steps: saga.compensated_steps,
            failure_reason: saga.failure_reason,
            started_at: time(saga.started_at).unwrap_or_default(),
            completed_at: time(saga.completed_at),
            updated_at: time(saga.updated_at).unwrap_or_default(),
            progress: Some(SagaProgress {
                attempts: saga.attempts,
                retry_at: time(saga.retry_at),
                deadline: time(saga.deadline),
                definition: saga.definition,
                supported_definitions: saga.supported_definitions,
                version: saga.version,
            }),
        }
    }
}

impl From<query::Saga> for Saga {
    fn from(saga: query::Saga) -> Self {
        Self {
            id: saga.id,
            kind: saga.r#type,
            order_id: saga.order_id,
            state: State::of(saga.status),
            current_step: saga.current_step,
            completed_steps: saga.completed_steps,
            compensated_steps: saga.compensated_steps,
            failure_reason: saga.failure_reason,
            started_at: from_micros(saga.started_at_micros).unwrap_or_default(),
            completed_at: saga.completed_at_micros.and_then(from_micros),
            updated_at: from_micros(saga.updated_at_micros).unwrap_or_default(),
            progress: None,
        }
    }
}

/// One event of a saga.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    pub version: i64,
    pub position: i64,
    pub at: DateTime<Utc>,
    #[serde(rename = "type")]
    pub kind: String,
    pub step: Option<String>,
    pub undo: bool,
    pub attempt: Option<i32>,
    pub key: Option<String>,
    pub deadline: Option<DateTime<Utc>>,
    pub outcome: Option<String>,
    pub retry_at: Option<DateTime<Utc>>,
    pub action: Option<String>,
    pub who: Option<String>,
    pub why: Option<String>,
}

impl From<proto::SagaEvent> for Event {
    fn from(event: proto::SagaEvent) -> Self {
        let time = |at: Option<_>| at.as_ref().and_then(from_timestamp);
        Self {
            version: event.version,
            position: event.position,
            at: time(event.at).unwrap_or_default(),
            kind: event.event_type,
            step: event.step,
            undo: event.undo,
            attempt: event.attempt,
            key: event.key,
            deadline: time(event.deadline),
            outcome: event.outcome,
            retry_at: time(event.retry_at),
            action: event.action,
            who: event.who,
            why: event.why,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_services_number_the_states_alike() {
        for status in SagaStatus::ALL {
            let number = number(status);
            let read = query::SagaStatus::try_from(number).expect("a status");
            let written = proto::SagaStatus::try_from(number).expect("a status");
            assert_eq!(read.as_str_name(), written.as_str_name());
            assert_eq!(State::of(number), State::Known(status));
            let suffix = format!("_{}", status.name());
            assert!(read.as_str_name().ends_with(&suffix), "{status:?}");
        }
        assert_eq!(State::of(99), State::Unknown);
    }
}
