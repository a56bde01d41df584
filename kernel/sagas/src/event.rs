//! What is written down about a saga: the ledger.
//!
//! The stream of a saga tells everything that its engine knows. Every event names the saga and its subject (what it
//! is about, such as an order's id), so that a reader of the log needs no other row to place it.

use chrono::{DateTime, Utc};
use event_sourcing::event::{DecodeError, DomainEvent, EncodedEvent, Metadata, StoredEvent};
use event_sourcing::upcast;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::operation::Key;

/// What happens to a saga. `D` is what it begins with, `O` what its external steps bring back; a reader that needs
/// neither takes [`AnySagaEvent`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SagaEvent<D, O> {
    /// It began.
    Started(Started<D>),
    /// A call to the outside is about to be made.
    StepStarted(StepStarted),
    /// A step took effect.
    StepCompleted(StepCompleted<O>),
    /// A try of a step, or of its compensation, did not succeed.
    StepFailed(StepFailed),
    /// Somebody wants it undone.
    CancelRequested(CancelRequested),
    /// From here on it goes backwards.
    CompensationStarted(CompensationStarted),
    /// What a step did is undone, and its key is closed.
    StepCompensated(StepCompensated),
    /// An end: every step took effect.
    Completed(Ended),
    /// An end: nothing of it is left.
    Compensated(Ended),
    /// An end: a person closed it.
    Failed(Closed),
    /// It waits for a person.
    Suspended(Suspended),
    /// A person let it go on.
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
    pub key: Key,
    /// When the step gives up, over all its tries. None for those that only a person ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<DateTime<Utc>>,
}

/// `SagaStepCompleted`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepCompleted<O> {
    /// The saga.
    pub saga_id: String,
    /// What it is about.
    pub subject: String,
    /// The step.
    pub step: String,
    /// What the call brought back; none from local steps and from those that a person resolved.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub output: Option<O>,
    /// Set if a person declared the step done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Person>,
}

/// How a try ended that did not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailedAs {
    /// It did not happen, and will not: declined.
    Refused,
    /// It did not happen; another try may succeed.
    NotDone,
    /// Nobody knows whether it happened. The provider is asked before any other try.
    Unknown,
    /// It was undone, but the provider cannot close the key: it is asked again, for what may come late.
    NotClosed,
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
    pub outcome: FailedAs,
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
    pub by: Person,
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
    pub happened: bool,
    /// Set if a person declared it undone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Person>,
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
    pub by: Person,
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
    pub by: Person,
}

/// Who did something, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// A user, an operator, or a part of the program.
    pub who: String,
    /// For people.
    pub why: String,
}

/// Stands for data that a reader does not need.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Opaque;

impl<'de> Deserialize<'de> for Opaque {
    fn deserialize<T: serde::Deserializer<'de>>(from: T) -> Result<Self, T::Error> {
        serde::de::IgnoredAny::deserialize(from).map(|_| Self)
    }
}

/// Any saga's event, for readers that need neither what it began with nor what its calls brought back.
pub type AnySagaEvent = SagaEvent<Opaque, Opaque>;

/// The names of all events of sagas.
pub const SAGA_EVENTS: [&str; 12] = [
    "SagaStarted",
    "SagaStepStarted",
    "SagaStepCompleted",
    "SagaStepFailed",
    "SagaCancelRequested",
    "SagaCompensationStarted",
    "SagaStepCompensated",
    "SagaCompleted",
    "SagaCompensated",
    "SagaFailed",
    "SagaSuspended",
    "SagaResumed",
];

impl<D: DeserializeOwned, O: DeserializeOwned> SagaEvent<D, O> {
    /// Reads a stored event.
    ///
    /// # Errors
    /// [`DecodeError`] if the name or the shape is unknown or the data do not fit it.
    pub fn read(event_type: &str, version: u32, data: &str) -> Result<Self, DecodeError> {
        let stored = Stored(event_type, version, data);
        match event_type {
            "SagaStarted" => stored.lift(Self::Started),
            "SagaStepStarted" => stored.lift(Self::StepStarted),
            "SagaStepCompleted" => stored.lift(Self::StepCompleted),
            "SagaStepFailed" => stored.lift(Self::StepFailed),
            "SagaCancelRequested" => stored.lift(Self::CancelRequested),
            "SagaCompensationStarted" => stored.lift(Self::CompensationStarted),
            "SagaStepCompensated" => stored.lift(Self::StepCompensated),
            "SagaCompleted" => stored.lift(Self::Completed),
            "SagaCompensated" => stored.lift(Self::Compensated),
            "SagaFailed" => stored.lift(Self::Failed),
            "SagaSuspended" => stored.lift(Self::Suspended),
            "SagaResumed" => stored.lift(Self::Resumed),
            other => Err(DecodeError::UnknownType {
                event_type: other.to_owned(),
            }),
        }
    }
}

/// An event as it was stored: name, shape, data.
struct Stored<'a>(&'a str, u32, &'a str);

impl Stored<'_> {
    fn lift<T: DeserializeOwned, E>(&self, variant: fn(T) -> E) -> Result<E, DecodeError> {
        upcast::read(self.0, self.1, self.2, &[]).map(variant)
    }
}

impl<D, O> SagaEvent<D, O> {
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

    /// The stored name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Started(_) => "SagaStarted",
            Self::StepStarted(_) => "SagaStepStarted",
            Self::StepCompleted(_) => "SagaStepCompleted",
            Self::StepFailed(_) => "SagaStepFailed",
            Self::CancelRequested(_) => "SagaCancelRequested",
            Self::CompensationStarted(_) => "SagaCompensationStarted",
            Self::StepCompensated(_) => "SagaStepCompensated",
            Self::Completed(_) => "SagaCompleted",
            Self::Compensated(_) => "SagaCompensated",
            Self::Failed(_) => "SagaFailed",
            Self::Suspended(_) => "SagaSuspended",
            Self::Resumed(_) => "SagaResumed",
        }
    }
}

/// What a saga's data and outputs must be able to do for who reads them.
pub trait StoredPayload:
    Clone + std::fmt::Debug + DeserializeOwned + Send + Sync + 'static
{
}

impl<T> StoredPayload for T where
    T: Clone + std::fmt::Debug + DeserializeOwned + Send + Sync + 'static
{
}

/// What a saga's data and outputs must be able to do.
pub trait Payload: StoredPayload + Serialize {}

impl<T> Payload for T where T: StoredPayload + Serialize {}

impl<D: Payload, O: Payload> DomainEvent for SagaEvent<D, O> {
    fn encode(&self) -> EncodedEvent {
        let data = match self {
            Self::Started(e) => serde_json::to_string(e),
            Self::StepStarted(e) => serde_json::to_string(e),
            Self::StepCompleted(e) => serde_json::to_string(e),
            Self::StepFailed(e) => serde_json::to_string(e),
            Self::CancelRequested(e) => serde_json::to_string(e),
            Self::CompensationStarted(e) => serde_json::to_string(e),
            Self::StepCompensated(e) => serde_json::to_string(e),
            Self::Completed(e) | Self::Compensated(e) => serde_json::to_string(e),
            Self::Failed(e) => serde_json::to_string(e),
            Self::Suspended(e) => serde_json::to_string(e),
            Self::Resumed(e) => serde_json::to_string(e),
        };
        EncodedEvent {
            event_type: self.name(),
            schema_version: 1,
            data: data.unwrap_or_else(|error| {
                unreachable!("sagas keep plain structs, so JSON can hold them: {error}")
            }),
        }
    }
}

impl<D: StoredPayload, O: StoredPayload> StoredEvent for SagaEvent<D, O> {
    const TYPES: &'static [&'static str] = &SAGA_EVENTS;

    fn decode(event_type: &str, schema_version: u32, data: &str) -> Result<Self, DecodeError> {
        Self::read(event_type, schema_version, data)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_false(flag: &bool) -> bool {
    !flag
}

fn none<T>() -> Option<T> {
    None
}
