//! The definition of a saga: its steps, each action next to its compensation.
//!
//! ```text
//!   compensatable …  →  pivot  →  retriable …
//!   undone in reverse   decides   tried until it succeeds
//! ```
//!
//! The steps before the pivot can be undone, those after it are retried until they succeed. A saga without a pivot is
//! decided when its last compensatable step is done.

use std::any::TypeId;
use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use event_sourcing::aggregate::Aggregate;
use event_sourcing::event::Payload;
use event_sourcing::execute::{DecideError, Lane, UnitOfWork};
use serde_json::Value;

use super::event::SagaEvent;
use super::operation::{CallError, CompensationResult, OperationKey, OperationStatus};
use super::registry::ProviderRegistry;
use super::retry_policy::RetryPolicy;

/// A kind of saga: its data, and the versions of its definition.
///
/// A transfer between two accounts; [`ExternalStep`](crate::ExternalStep) shows a step that calls another system:
///
/// ```
/// use chrono::{DateTime, Utc};
/// use event_sourcing::{Aggregate, DomainEvent};
/// use sagas::{Role, Saga, SagaDefinition, Step, Writes};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Debug, Serialize, Deserialize, DomainEvent)]
/// #[event(name = "Moved")]
/// struct Moved(i64);
///
/// #[derive(Clone, Debug, Default, Serialize, Deserialize)]
/// struct Account(i64);
///
/// impl Aggregate for Account {
///     const TYPE: &'static str = "account";
///     const SNAPSHOT_VERSION: u32 = 1;
///     type Event = Moved;
///     fn evolve(&mut self, event: &Moved, _: DateTime<Utc>) {
///         self.0 += event.0;
///     }
/// }
///
/// /// Its data is the amount in cents.
/// #[derive(Clone, Debug)]
/// struct Transfer;
///
/// impl Saga for Transfer {
///     const NAME: &'static str = "transfer";
///     const STREAM: &'static str = "transfer_saga";
///     type Data = i64;
///     const DEFINITIONS: &'static [SagaDefinition<Self>] =
///         &[SagaDefinition::new(1, &[&[WITHDRAW], &[DEPOSIT]])];
/// }
///
/// const WITHDRAW: Step<Transfer> =
///     Step::<Transfer>::local("withdraw", Role::Compensatable, |cents, _| Ok(moved("alice", -cents)))
///         .undone_by(|cents, _| Ok(moved("alice", *cents)));
/// const DEPOSIT: Step<Transfer> =
///     Step::<Transfer>::local("deposit", Role::Pivot, |cents, _| Ok(moved("bob", *cents)));
///
/// fn moved(account: &str, cents: i64) -> Writes {
///     Writes::none().and::<Account>(account, vec![Moved(cents)])
/// }
/// assert_eq!(Transfer::DEFINITIONS[0].validate(), None);
/// ```
pub trait Saga: Clone + fmt::Debug + Send + Sync + 'static {
    /// The name of its type, such as `order`.
    const NAME: &'static str;
    /// The stored name of its streams' type, such as `order_saga`. Each kind of saga has its own.
    const STREAM: &'static str;
    /// The data that it starts with; its steps add their outputs.
    type Data: Payload;
    /// All versions of the definition that may still be running, the latest last. A step name means the same step in all
    /// versions: a stored output is read without knowing the version.
    const DEFINITIONS: &'static [SagaDefinition<Self>];
    /// The version of the definition for new sagas.
    const DEFINITION_VERSION: u32 = Self::DEFINITIONS[Self::DEFINITIONS.len() - 1].definition;

    /// The version of its snapshots, below 1000. Raise it if `Data` is stored in another shape, or if a step adds
    /// another output to it: its older snapshots are then ignored, and those of other sagas are kept.
    const SNAPSHOT_VERSION: u32 = 1;

    /// The definition of a version; none if this binary does not have it.
    #[must_use]
    fn definition_of(definition: u32) -> Option<&'static SagaDefinition<Self>> {
        let mut definitions = Self::DEFINITIONS.iter();
        definitions.find(|one| one.definition == definition)
    }

    /// The streams that the commits of a step write, unless [`Step::writing`] names others. A hint: a stream that is missing
    /// here is loaded on demand, and the decision runs again.
    #[must_use]
    fn lanes(_data: &Self::Data) -> Vec<Lane> {
        Vec::new()
    }
}

/// The events of a kind of saga.
pub type EventOf<S> = SagaEvent<<S as Saga>::Data>;

/// One version of a saga's definition: its steps in order, and the events of its ends.
pub struct SagaDefinition<S: Saga> {
    /// Its version. A definition by which sagas may be running must not be changed.
    pub definition: u32,
    /// Stages are executed one after another; the steps of one stage are independent and run concurrently.
    pub stages: &'static [&'static [Step<S>]],
    /// Time limit from the start until the pivot is done. After that the saga is compensated.
    pub pivot_deadline: Duration,
    /// Writes of the commit in which it completes.
    pub completed: End<S>,
    /// Writes of the commit in which it is compensated.
    pub compensated: End<S>,
    /// Writes of the commit in which an operator closes it.
    pub failed: End<S>,
}

impl<S: Saga> fmt::Debug for SagaDefinition<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.steps().map(|step| step.name))
            .finish()
    }
}

impl<S: Saga> SagaDefinition<S> {
    /// Version `definition`, with a pivot deadline of five minutes, and ends that write nothing.
    #[must_use]
    pub const fn new(definition: u32, stages: &'static [&'static [Step<S>]]) -> Self {
        Self {
            definition,
            stages,
            pivot_deadline: Duration::from_mins(5),
            completed: |_, _, _| Ok(Writes::none()),
            compensated: |_, _, _| Ok(Writes::none()),
            failed: |_, _, _| Ok(Writes::none()),
        }
    }

    /// Its steps, stage after stage. A step's index counts in this order.
    #[must_use]
    pub fn steps(&self) -> impl DoubleEndedIterator<Item = &'static Step<S>> + Clone + use<S> {
        self.stages.iter().flat_map(|stage| stage.iter())
    }

    /// The indexes of each stage's steps.
    pub(super) fn ranges(&self) -> impl Iterator<Item = std::ops::Range<usize>> + use<S> {
        self.stages.iter().scan(0, |start, stage| {
            let range = *start..*start + stage.len();
            *start = range.end;
            Some(range)
        })
    }

    /// The index of the step with this name.
    #[must_use]
    pub fn position(&self, name: &str) -> Option<usize> {
        self.steps().position(|step| step.name == name)
    }

    /// The index of the pivot; without one, of the first retriable step; without that, the number of steps.
    #[must_use]
    pub fn pivot(&self) -> usize {
        let steps = self.steps();
        let count = steps.clone().count();
        let pivot = steps.clone().position(|step| step.role == Role::Pivot);
        let retriable = steps.clone().position(|step| step.role == Role::Retriable);
        pivot.or(retriable).unwrap_or(count)
    }

    /// Returns the first rule that the definition breaks; none if it is valid. Versions ascend. Step names are unique, and
    /// the output of a step has the same type in all versions. Compensatable steps are first, then at most one pivot, alone
    /// in its stage, then retriable steps.
    #[must_use]
    pub fn validate(&self) -> Option<String> {
        let order = |role| match role {
            Role::Compensatable => 0,
            Role::Pivot => 1,
            Role::Retriable => 2,
        };
        if !S::DEFINITIONS.is_sorted_by(|one, next| one.definition < next.definition) {
            return Some("the versions of the definition do not ascend".to_owned());
        }
        let mut least = 0;
        for stage in self.stages {
            let first = stage.first().map(|step| order(step.role));
            for step in *stage {
                if self.steps().filter(|other| other.name == step.name).count() > 1 {
                    return Some(format!("two steps have the name {}", step.name));
                }
                if Some(order(step.role)) != first || order(step.role) < least {
                    return Some(format!(
                        "{} is next to or after a step of a later role",
                        step.name
                    ));
                }
            }
            if first == Some(1) && stage.len() > 1 {
                return Some("a pivot must be alone in its stage".to_owned());
            }
            // A second pivot would follow the decision.
            least = first.map_or(least, |first| if first == 1 { 2 } else { first });
        }
        self.steps().find_map(Step::flaw_across_versions)
    }
}

/// What the failure of a step means for the saga.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Can be undone: if it fails permanently, the saga is compensated.
    Compensatable,
    /// Decides: once it is done, the saga will complete. Until then it can be compensated.
    Pivot,
    /// Is retried until it succeeds; after the last try of its [`RetryPolicy`] the saga is suspended.
    Retriable,
}

/// Timeout of one call, unless its step sets another.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// Deadline of an action over all its tries, unless its step sets another.
pub const STEP_TIMEOUT: Duration = Duration::from_secs(30);

/// One step.
pub struct Step<S: Saga> {
    /// Its stored name.
    pub name: &'static str,
    /// What its failure means for the saga.
    pub role: Role,
    /// Its action, and what undoes it.
    pub kind: StepKind<S>,
    /// The streams that its commits write; a hint, as with [`Saga::lanes`].
    pub lanes: fn(&S::Data) -> Vec<Lane>,
    /// The timeout of one call.
    pub timeout: Duration,
    /// The time limit of its action over all its tries, if it is not retriable.
    pub deadline: Duration,
    /// When it is retried.
    pub retry: RetryPolicy,
}

impl<S: Saga> fmt::Debug for Step<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Step({}, {:?})", self.name, self.role)
    }
}

impl<S: Saga> Step<S> {
    /// A local step. Nothing undoes it, unless [`undone_by`](Self::undone_by) sets how.
    #[must_use]
    pub const fn local(name: &'static str, role: Role, action: Local<S>) -> Self {
        let undo = None;
        Self {
            name,
            role,
            kind: StepKind::Local { action, undo },
            lanes: S::lanes,
            timeout: CALL_TIMEOUT,
            deadline: STEP_TIMEOUT,
            retry: RetryPolicy::DEFAULT,
        }
    }

    /// Sets the writes that undo a local step. No effect on an external step, which is undone by its provider.
    #[must_use]
    pub const fn undone_by(mut self, undo: Local<S>) -> Self {
        if let StepKind::Local { undo: none, .. } = &mut self.kind {
            *none = Some(undo);
        }
        self
    }

    /// Sets the streams that its commits write, as a hint.
    #[must_use]
    pub const fn writing(mut self, lanes: fn(&S::Data) -> Vec<Lane>) -> Self {
        self.lanes = lanes;
        self
    }

    /// The type of its stored output, if it is external.
    fn response(&self) -> Option<ResponseType> {
        match &self.kind {
            StepKind::Local { .. } => None,
            StepKind::External(external) => Some((external.response)()),
        }
    }

    /// How it contradicts the step of the same name in another version.
    fn flaw_across_versions(&self) -> Option<String> {
        let others = S::DEFINITIONS.iter().flat_map(SagaDefinition::steps);
        let mut others = others.filter(|other| other.name == self.name);
        let other = others.find(|other| other.response() != self.response())?;
        let returns = |step: &Step<S>| step.response().map_or("nothing", |response| response.name);
        let (here, there) = (returns(self), returns(other));
        Some(format!(
            "step {} returns {here}, and {there} in another version; it needs another name",
            self.name
        ))
    }

    /// Whether there is something to undo once it has taken effect.
    #[must_use]
    pub fn can_be_undone(&self) -> bool {
        match self.kind {
            StepKind::Local { undo, .. } => undo.is_some(),
            StepKind::External(_) => self.role == Role::Compensatable,
        }
    }
}

/// The action of a step, next to what undoes it.
pub enum StepKind<S: Saga> {
    /// Its events and its completion are one commit: it takes effect exactly once.
    Local {
        /// Decides its writes.
        action: Local<S>,
        /// Decides the writes that undo it.
        undo: Option<Local<S>>,
    },
    /// A call to a provider: at least once, under an idempotency key. Created by [`Step::external`] and
    /// [`Step::undoing`].
    External(External<S>),
}

impl<S: Saga> fmt::Debug for StepKind<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Local { .. } => "Local",
            Self::External(_) => "External",
        })
    }
}

/// An external step with its type erased: functions that know the type.
pub struct External<S: Saga> {
    /// Adds its output to the data.
    pub(super) apply_output: fn(&mut S::Data, &Value) -> Result<(), InvalidOutput>,
    /// Writes of the commit of its completion.
    pub(super) completed: fn(&S::Data, &OperationKey, &Value) -> Result<Writes, InvalidOutput>,
    /// Writes of the commit of its compensation.
    pub(super) compensated: fn(&S::Data, &CompensationResult) -> Writes,
    /// The provider of the step, if there is one.
    pub(super) connect: fn(&ProviderRegistry) -> Option<Arc<dyn AnyProvider<S>>>,
    /// The type of its stored output.
    pub(super) response: fn() -> ResponseType,
    /// Whether it undoes a step of another saga.
    #[cfg_attr(
        not(feature = "testing"),
        expect(dead_code, reason = "only the testing kit asks")
    )]
    pub(super) is_undo: bool,
}

impl<S: Saga> fmt::Debug for External<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "External({:?})", (self.response)())
    }
}

/// The type of the stored output of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponseType {
    pub(super) id: TypeId,
    pub(super) name: &'static str,
}

/// The output of a step, as returned or as stored, is not a value of the step's response type.
#[derive(Debug, thiserror::Error)]
#[error("the output of step {step} is invalid: {source}")]
pub struct InvalidOutput {
    pub(super) step: &'static str,
    pub(super) source: serde_json::Error,
}

/// The provider of one step, with the step's type erased: takes the saga's data and returns the output as it is stored.
#[async_trait]
pub(super) trait AnyProvider<S: Saga>: Send + Sync {
    async fn act(&self, key: &OperationKey, data: &S::Data) -> Result<Value, CallError>;

    async fn look_up(&self, key: &OperationKey) -> Result<OperationStatus<Value>, CallError>;

    async fn undo(
        &self,
        key: &OperationKey,
        data: &S::Data,
    ) -> Result<CompensationResult, CallError>;
}

/// Decides the writes of a local step, appended in the commit of its completion. A rejection fails the step permanently.
pub type Local<S> = fn(
    &<S as Saga>::Data,
    &mut StateReader<'_, StepRejected>,
) -> Result<Writes, DecideError<StepRejected>>;

/// Decides the writes of an end of the saga, which cannot be rejected. The text is why it was compensated or closed.
pub type End<S> = fn(
    &<S as Saga>::Data,
    &str,
    &mut StateReader<'_, Infallible>,
) -> Result<Writes, DecideError<Infallible>>;

/// Why a local step cannot be done. Stored and shown to operators and clients: keep it short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepRejected(pub String);

/// Read access for a local step while it decides. Its writes are what it returns, so that a rejection leaves nothing half
/// done. `R` is the type of the rejection.
#[derive(Debug)]
pub struct StateReader<'a, R>(pub(super) UnitOfWork<'a, R>);

impl<R> StateReader<'_, R> {
    /// The state of an aggregate.
    ///
    /// # Errors
    /// [`DecideError::MissingStream`] if it is not loaded; return it with `?`, and the decision runs again.
    pub fn state<A: Aggregate>(&mut self, id: &str) -> Result<std::sync::Arc<A>, DecideError<R>> {
        self.0.state::<A>(id)
    }
}

type Planned =
    Box<dyn FnOnce(&mut UnitOfWork<'_, Infallible>) -> Result<(), DecideError<Infallible>> + Send>;

/// Events for streams, to be appended together.
#[derive(Default)]
pub struct Writes(Vec<Planned>);

impl fmt::Debug for Writes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Writes({})", self.0.len())
    }
}

impl Writes {
    /// No events.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Adds events for the stream of an aggregate.
    #[must_use]
    pub fn and<A: Aggregate>(mut self, id: impl Into<String>, events: Vec<A::Event>) -> Self {
        let id = id.into();
        self.0
            .push(Box::new(move |work| work.append::<A>(&id, &events)));
        self
    }

    pub(super) fn append_to<R>(self, work: &mut UnitOfWork<'_, R>) -> Result<(), DecideError<R>> {
        let mut work = work.rejecting();
        let mut planned = self.0.into_iter();
        let appended = planned.try_for_each(|planned| planned(&mut work));
        appended.map_err(DecideError::missing_stream)
    }
}
