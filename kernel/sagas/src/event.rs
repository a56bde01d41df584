//! The events of a saga: the saga log.
//!
//! A saga's stream holds everything that its engine knows. Every event carries the saga's id and its subject (what it is
//! about, such as an order's id), so that a reader of the log needs no other row to relate it.

use chrono::{DateTime, Utc};
use event_sourcing::event::{Metadata, StoredEvent};
use event_sourcing::store::Filter;
use event_sourcing::{Actor, DomainEvent};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::names;
use super::operation::OperationKey;

/// An event of a saga. `D` is the data that it starts with; a reader that does not need it uses [`AnySagaEvent`].
#[derive(Clone, Debug, PartialEq, Eq, DomainEvent)]
pub enum SagaEvent<D> {
    /// It started.
    #[event(name = names::STARTED)]
    Started(Started<D>),
    /// The intent to call a provider, recorded before the call.
    #[event(name = names::STEP_STARTED)]
    StepStarted(StepStarted),
    /// A step took effect.
    #[event(name = names::STEP_COMPLETED)]
    StepCompleted(StepCompleted),
    /// A try of a step, or of its compensation, failed.
    #[event(name = names::STEP_FAILED)]
    StepFailed(StepFailed),
    /// An operator or a client asked to cancel it.
    #[event(name = names::CANCEL_REQUESTED)]
    CancelRequested(CancelRequested),
    /// From here on it compensates.
    #[event(name = names::COMPENSATION_STARTED)]
    CompensationStarted(CompensationStarted),
    /// The effect of a step is undone, and its key is closed.
    #[event(name = names::STEP_COMPENSATED)]
    StepCompensated(StepCompensated),
    /// An end: every step took effect.
    #[event(name = names::COMPLETED)]
    Completed(Ended),
    /// An end: every effect is undone.
    #[event(name = names::COMPENSATED)]
    Compensated(Ended),
    /// An end: an operator closed it.
    #[event(name = names::FAILED)]
    Failed(Closed),
    /// It waits for an operator.
    #[event(name = names::SUSPENDED)]
    Suspended(Suspended),
    /// It continues: an operator resumed it, or a retry was requested.
    #[event(name = names::RESUMED)]
    Resumed(Resumed),
}

/// `SagaStarted`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started<D> {
    /// The saga.
    pub saga_id: String,
    /// What it is about.
    pub subject: String,
    /// The name of its type.
    pub saga_type: String,
    /// The version of the definition that it runs by, also after a newer binary has another one.
    pub definition: u32,
    /// The partition whose owner drives it.
    pub partition: u16,
    /// The data that it starts with.
    pub data: D,
    /// The metadata of the request that started it; its later events carry it too.
    pub origin: Metadata,
}

/// `SagaStepStarted`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepStarted {
    /// The saga.
    pub saga_id: String,
    /// What it is about.
    pub subject: String,
    /// The step.
    pub step: String,
    /// Whether the call is the step's compensation.
    #[serde(default, skip_serializing_if = "is_false")]
    pub undo: bool,
    /// The number of the try, from 1; a resumption starts again at 1.
    pub attempt: u32,
    /// The idempotency key of the action at the provider, the same for all tries.
    pub key: OperationKey,
    /// When the action is given up, over all its tries. None for a compensation and for a retriable step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<DateTime<Utc>>,
}

/// `SagaStepCompleted`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepCompleted {
    /// The saga.
    pub saga_id: String,
    /// What it is about.
    pub subject: String,
    /// The step.
    pub step: String,
    /// The step's [`Response`](crate::ExternalStep::Response) as JSON; none for local steps and for those that an operator
    /// resolved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// Set if an operator declared the step done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<Actor>,
}

/// How a try failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// It had no effect, and never will under this key.
    Declined,
    /// It had no effect; a retry may succeed.
    Transient,
    /// It is unknown whether it took effect. The provider is asked before another try.
    Unknown,
    /// It was undone, but the provider cannot close the key: the undo is repeated later, in case the action arrives late.
    KeyOpen,
}

/// `SagaStepFailed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepFailed {
    /// The saga.
    pub saga_id: String,
    /// What it is about.
    pub subject: String,
    /// The step.
    pub step: String,
    /// Whether it was the step's compensation.
    #[serde(default, skip_serializing_if = "is_false")]
    pub undo: bool,
    /// The number of the try.
    pub attempt: u32,
    /// How it ended.
    pub outcome: FailureKind,
    /// Why, for an operator.
    pub reason: String,
    /// When the next try is due; none if there is no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<DateTime<Utc>>,
}

/// `SagaCancelRequested`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelRequested {
    /// The saga.
    pub saga_id: String,
    /// What it is about.
    pub subject: String,
    /// Who and why.
    pub actor: Actor,
}

/// `SagaCompensationStarted`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompensationStarted {
    /// The saga.
    pub saga_id: String,
    /// What it is about.
    pub subject: String,
    /// Why, for an operator.
    pub reason: String,
    /// The step that failed, if that is why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
}

/// `SagaStepCompensated`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepCompensated {
    /// The saga.
    pub saga_id: String,
    /// What it is about.
    pub subject: String,
    /// The step.
    pub step: String,
    /// Whether there was something to undo.
    pub had_effect: bool,
    /// Set if an operator declared it undone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<Actor>,
}

/// `SagaCompleted` and `SagaCompensated`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// The saga.
    pub saga_id: String,
    /// What it is about.
    pub subject: String,
}

/// `SagaFailed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// The saga.
    pub saga_id: String,
    /// What it is about.
    pub subject: String,
    /// Who and why.
    pub actor: Actor,
}

/// `SagaSuspended`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspended {
    /// The saga.
    pub saga_id: String,
    /// What it is about.
    pub subject: String,
    /// The step that it cannot complete or undo.
    pub step: String,
    /// Whether it is the step's compensation.
    #[serde(default, skip_serializing_if = "is_false")]
    pub undo: bool,
    /// Why, for an operator.
    pub reason: String,
}

/// How a saga was resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResumeKind {
    /// A suspended saga continues, and its tries are counted from zero.
    Resume,
    /// The next try is due now.
    Retry,
    /// The step counts as done manually.
    Resolve,
}

/// `SagaResumed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resumed {
    /// The saga.
    pub saga_id: String,
    /// What it is about.
    pub subject: String,
    /// How it was resumed.
    pub action: ResumeKind,
    /// The only step that it applies to; none if it applies to all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// Who and why.
    pub actor: Actor,
}

/// A placeholder for data that a reader does not need.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Opaque;

impl<'de> Deserialize<'de> for Opaque {
    fn deserialize<T: serde::Deserializer<'de>>(from: T) -> Result<Self, T::Error> {
        serde::de::IgnoredAny::deserialize(from).map(|_| Self)
    }
}

/// Any saga's event, for readers that do not need the saga's data.
pub type AnySagaEvent = SagaEvent<Opaque>;

/// Selects events of these types, of all kinds of saga. In streams of the types `saga_streams`, which the reader knows, it
/// also selects every event of an unknown type, so that the reader does not silently skip what a newer binary wrote.
#[must_use]
pub fn event_filter(saga_streams: &[&'static str], event_types: &[&'static str]) -> Filter {
    let others = AnySagaEvent::TYPES.iter().copied();
    let others: Vec<_> = others.filter(|name| !event_types.contains(name)).collect();
    let streams = Filter::of_streams(saga_streams).ignoring(&others);
    Filter::of_types(event_types).or(streams)
}

impl<D> SagaEvent<D> {
    /// The saga that it belongs to.
    #[must_use]
    pub fn saga_id(&self) -> &str {
        self.ids().0
    }

    /// What the saga is about.
    #[must_use]
    pub fn subject(&self) -> &str {
        self.ids().1
    }

    fn ids(&self) -> (&str, &str) {
        let (saga_id, subject) = match self {
            Self::Started(e) => (&e.saga_id, &e.subject),
            Self::StepStarted(e) => (&e.saga_id, &e.subject),
            Self::StepCompleted(e) => (&e.saga_id, &e.subject),
            Self::StepFailed(e) => (&e.saga_id, &e.subject),
            Self::CancelRequested(e) => (&e.saga_id, &e.subject),
            Self::CompensationStarted(e) => (&e.saga_id, &e.subject),
            Self::StepCompensated(e) => (&e.saga_id, &e.subject),
            Self::Completed(e) | Self::Compensated(e) => (&e.saga_id, &e.subject),
            Self::Failed(e) => (&e.saga_id, &e.subject),
            Self::Suspended(e) => (&e.saga_id, &e.subject),
            Self::Resumed(e) => (&e.saga_id, &e.subject),
        };
        (saga_id, subject)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_false(flag: &bool) -> bool {
    !flag
}
