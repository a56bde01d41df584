//! What is written down about a saga: the ledger.
//!
//! The stream of a saga tells everything that its engine knows. Every event names the saga and its subject (what it
//! is about, such as an order's id), so that a reader of the log needs no other row to place it.

use chrono::{DateTime, Utc};
use event_sourcing::event::{Metadata, StoredEvent};
use event_sourcing::store::Filter;
use event_sourcing::{Actor, DomainEvent};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::names;
use super::operation::OperationKey;

/// What happens to a saga. `D` is what it begins with; a reader that does not need it takes [`AnySagaEvent`].
#[derive(Clone, Debug, PartialEq, Eq, DomainEvent)]
pub enum SagaEvent<D> {
    /// It began.
    #[event(name = names::STARTED)]
    Started(Started<D>),
    /// A call to the outside is about to be made.
    #[event(name = names::STEP_STARTED)]
    StepStarted(StepStarted),
    /// A step took effect.
    #[event(name = names::STEP_COMPLETED)]
    StepCompleted(StepCompleted),
    /// A try of a step, or of its compensation, did not succeed.
    #[event(name = names::STEP_FAILED)]
    StepFailed(StepFailed),
    /// Somebody wants it undone.
    #[event(name = names::CANCEL_REQUESTED)]
    CancelRequested(CancelRequested),
    /// From here on it goes backwards.
    #[event(name = names::COMPENSATION_STARTED)]
    CompensationStarted(CompensationStarted),
    /// What a step did is undone, and its key is closed.
    #[event(name = names::STEP_COMPENSATED)]
    StepCompensated(StepCompensated),
    /// An end: every step took effect.
    #[event(name = names::COMPLETED)]
    Completed(Ended),
    /// An end: nothing of it is left.
    #[event(name = names::COMPENSATED)]
    Compensated(Ended),
    /// An end: a person closed it.
    #[event(name = names::FAILED)]
    Failed(Closed),
    /// It waits for a person.
    #[event(name = names::SUSPENDED)]
    Suspended(Suspended),
    /// A person let it go on.
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
    /// The version of the table that it runs by, also after a newer binary has another one.
    pub definition: u32,
    /// Which lease its owner holds.
    pub partition: u16,
    /// What it begins with.
    pub data: D,
    /// The request that led to it; its later events continue that.
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
    /// Whether it is the step's compensation that is called.
    #[serde(default, skip_serializing_if = "is_false")]
    pub undo: bool,
    /// Which try it is, from 1; a person's resumption begins anew.
    pub attempt: u32,
    /// Names the action at the provider, the same for all tries.
    pub key: OperationKey,
    /// When the step gives up, over all its tries. None for those that only a person ends.
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
    /// What the call brought back, as the step's [`Response`](crate::ExternalStep::Response) is stored; none from local
    /// steps and from those that a person resolved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// Set if a person declared the step done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<Actor>,
}

/// How a try ended that did not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// It did not happen, and will not: declined.
    Declined,
    /// It did not happen; another try may succeed.
    Transient,
    /// Nobody knows whether it happened. The provider is asked before any other try.
    Unknown,
    /// It was undone, but the provider cannot close the key: it is asked again, for what may come late.
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
    /// Which try it was.
    pub attempt: u32,
    /// How it ended.
    pub outcome: FailureKind,
    /// Why, for people.
    pub reason: String,
    /// When the next try is due; none if there is none.
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
    /// Why, for people.
    pub reason: String,
    /// The step that could not be done, if that is why.
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
    /// Set if a person declared it undone.
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
    /// The step that it cannot pass.
    pub step: String,
    /// Whether it is the step's compensation.
    #[serde(default, skip_serializing_if = "is_false")]
    pub undo: bool,
    /// Why, for people.
    pub reason: String,
}

/// What a person did to a saga that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// A suspended saga goes on, and counts its tries anew.
    Resume,
    /// The next try is due now.
    Retry,
    /// The step counts as done by hand.
    Resolve,
}

/// `SagaResumed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resumed {
    /// The saga.
    pub saga_id: String,
    /// What it is about.
    pub subject: String,
    /// What was done.
    pub action: Action,
    /// The one step that it is about; none if it is about all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// Who and why.
    pub actor: Actor,
}

/// Stands for data that a reader does not need.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Opaque;

impl<'de> Deserialize<'de> for Opaque {
    fn deserialize<T: serde::Deserializer<'de>>(from: T) -> Result<Self, T::Error> {
        serde::de::IgnoredAny::deserialize(from).map(|_| Self)
    }
}

/// Any saga's event, for readers that do not need what it began with.
pub type AnySagaEvent = SagaEvent<Opaque>;

/// Selects events of these types, of whatever saga. In streams of the types `saga_streams`, which the reader knows, it
/// also selects every event of an unknown type, so that the reader does not pass over what a newer binary wrote.
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

    /// What that saga is about.
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
