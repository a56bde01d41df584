//! A saga as a table: each step with its action beside its compensation.
//!
//! ```text
//!   compensatable …  →  pivot  →  retriable …
//!   undone in reverse   decides   tried until it succeeds
//! ```
//!
//! The steps before the pivot can be undone, those behind it are repeated until they succeed. A saga without a
//! pivot decides when its last step is done.

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

/// A kind of saga: its data, and its tables by version.
pub trait Saga: Clone + fmt::Debug + Send + Sync + 'static {
    /// The name of its type, such as `order`.
    const NAME: &'static str;
    /// The stored name of its streams' type, such as `order_saga`. Each kind of saga has its own.
    const STREAM: &'static str;
    /// What it begins with, and what its steps add to it.
    type Data: Payload;
    /// The tables of all versions that may still be running, the latest last. A name that a step has in one of them
    /// means the same in all: what was stored of the step is read without asking for the version.
    const DEFINITIONS: &'static [SagaDefinition<Self>];
    /// The version of the table that new sagas run by.
    const DEFINITION_VERSION: u32 = Self::DEFINITIONS[Self::DEFINITIONS.len() - 1].definition;

    /// The table of a version.
    #[must_use]
    fn definition_of(definition: u32) -> Option<&'static SagaDefinition<Self>> {
        let mut tables = Self::DEFINITIONS.iter();
        tables.find(|table| table.definition == definition)
    }

    /// The streams that the commits of a step surely write, unless the step names others: a hint, so that a decision
    /// need not begin twice.
    #[must_use]
    fn lanes(_data: &Self::Data) -> Vec<Lane> {
        Vec::new()
    }
}

/// The events of a kind of saga.
pub type EventOf<S> = SagaEvent<<S as Saga>::Data>;

/// The steps of a saga, in order, and what goes into the commit of its end.
pub struct SagaDefinition<S: Saga> {
    /// Its version. A table that runs is never changed.
    pub definition: u32,
    /// Stages follow each other; the steps of one stage are independent and run side by side.
    pub stages: &'static [&'static [Step<S>]],
    /// How long a saga may take until its pivot. After it, it is undone.
    pub pivot_deadline: Duration,
    /// What goes into the commit in which it completes.
    pub completed: End<S>,
    /// What goes into the commit in which it is compensated.
    pub compensated: End<S>,
    /// What goes into the commit in which a person closes it.
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
    /// Version `definition`, with five minutes until its pivot, and ends that write nothing.
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
        self.stages.iter().scan(0, |begin, stage| {
            let range = *begin..*begin + stage.len();
            *begin = range.end;
            Some(range)
        })
    }

    /// The index of the step of this name.
    #[must_use]
    pub fn position(&self, name: &str) -> Option<usize> {
        self.steps().position(|step| step.name == name)
    }

    /// The index of the pivot; without one, that behind the last step.
    #[must_use]
    pub fn pivot(&self) -> usize {
        let steps = self.steps();
        let count = steps.clone().count();
        let pivot = steps.clone().position(|step| step.role == Role::Pivot);
        let retriable = steps.clone().position(|step| step.role == Role::Retriable);
        pivot.or(retriable).unwrap_or(count)
    }

    /// What is wrong with it: the first rule that it breaks. The versions of the tables ascend. Names are unique, and what
    /// is stored under a name is of one type in all versions; compensatable steps come first, then at most one pivot, alone in its stage, then retriable
    /// ones.
    #[must_use]
    pub fn validate(&self) -> Option<String> {
        let order = |role| match role {
            Role::Compensatable => 0,
            Role::Pivot => 1,
            Role::Retriable => 2,
        };
        if !S::DEFINITIONS.is_sorted_by(|one, next| one.definition < next.definition) {
            return Some("the definitions of the tables do not ascend".to_owned());
        }
        let mut least = 0;
        for stage in self.stages {
            let first = stage.first().map(|step| order(step.role));
            for step in *stage {
                if self.steps().filter(|other| other.name == step.name).count() > 1 {
                    return Some(format!("two steps are called {}", step.name));
                }
                if Some(order(step.role)) != first || order(step.role) < least {
                    return Some(format!(
                        "{} stands beside or behind a later role",
                        step.name
                    ));
                }
            }
            if first == Some(1) && stage.len() > 1 {
                return Some("a pivot stands alone in its stage".to_owned());
            }
            // A second pivot would come behind the decision.
            least = first.map_or(least, |first| if first == 1 { 2 } else { first });
        }
        self.steps().find_map(Step::flaw_across_versions)
    }
}

/// What a step's failure means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Can be undone: if it fails for good, the saga goes backwards.
    Compensatable,
    /// Decides: with it the saga will complete. Until then it can go backwards.
    Pivot,
    /// Is repeated until it succeeds; after too many tries a person is asked.
    Retriable,
}

/// How long one call may take, unless its step says otherwise.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an action may take over all its tries, unless its step says otherwise.
pub const STEP_TIMEOUT: Duration = Duration::from_secs(30);

/// One step.
pub struct Step<S: Saga> {
    /// Its stored name.
    pub name: &'static str,
    /// What its failure means.
    pub role: Role,
    /// What it does, and what undoes that.
    pub kind: StepKind<S>,
    /// The streams that its commits surely write; a hint, so that a decision need not begin twice.
    pub lanes: fn(&S::Data) -> Vec<Lane>,
    /// The time limit of one call.
    pub timeout: Duration,
    /// How long its action may take over all its tries, if it is not retriable.
    pub deadline: Duration,
    /// When it is tried again.
    pub retry: RetryPolicy,
}

impl<S: Saga> fmt::Debug for Step<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Step({}, {:?})", self.name, self.role)
    }
}

impl<S: Saga> Step<S> {
    /// A local step. One that is compensatable needs no undoing, unless [`undone_by`](Self::undone_by) says how.
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

    /// The same local step, undone by these writes. An external step is undone by its provider.
    #[must_use]
    pub const fn undone_by(mut self, undo: Local<S>) -> Self {
        if let StepKind::Local { undo: none, .. } = &mut self.kind {
            *none = Some(undo);
        }
        self
    }

    /// The same step, whose commits surely write these streams.
    #[must_use]
    pub const fn writing(mut self, lanes: fn(&S::Data) -> Vec<Lane>) -> Self {
        self.lanes = lanes;
        self
    }

    /// What is stored of it, if it is external.
    fn response(&self) -> Option<ResponseType> {
        match &self.kind {
            StepKind::Local { .. } => None,
            StepKind::External(external) => Some((external.response)()),
        }
    }

    /// How it contradicts one of the same name in another version.
    fn flaw_across_versions(&self) -> Option<String> {
        let others = S::DEFINITIONS.iter().flat_map(SagaDefinition::steps);
        let mut others = others.filter(|other| other.name == self.name);
        let other = others.find(|other| other.response() != self.response())?;
        let brings = |step: &Step<S>| step.response().map_or("nothing", |response| response.name);
        let (here, there) = (brings(self), brings(other));
        Some(format!(
            "step {} brings back {here}, and {there} in another version; it needs another name",
            self.name
        ))
    }

    /// Whether there is something to undo once it took effect.
    #[must_use]
    pub fn can_be_undone(&self) -> bool {
        match self.kind {
            StepKind::Local { undo, .. } => undo.is_some(),
            StepKind::External(_) => self.role == Role::Compensatable,
        }
    }
}

/// What a step does, beside what undoes it.
pub enum StepKind<S: Saga> {
    /// Its events and its completion are one commit: it happens exactly once.
    Local {
        /// Decides its writes.
        action: Local<S>,
        /// Decides the writes that undo it.
        undo: Option<Local<S>>,
    },
    /// A call to the outside: at least once, under a key. Made by [`Step::external`] and [`Step::undoing`].
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

/// An external step without its type: the functions that know it.
pub struct External<S: Saga> {
    /// Adds what it brought back to the data.
    pub(super) apply_output: fn(&mut S::Data, &Value) -> Result<(), Misfit>,
    /// Writes of the commit of its completion.
    pub(super) completed: fn(&S::Data, &OperationKey, &Value) -> Result<Writes, Misfit>,
    /// Writes of the commit of its undoing.
    pub(super) compensated: fn(&S::Data, &CompensationResult) -> Writes,
    /// The provider of the step, if there is one.
    pub(super) connect: fn(&ProviderRegistry) -> Option<Arc<dyn AnyProvider<S>>>,
    /// What is stored of it.
    pub(super) response: fn() -> ResponseType,
    /// Whether it undoes what a step of another saga did.
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

/// A type that is stored of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponseType {
    pub(super) id: TypeId,
    pub(super) name: &'static str,
}

/// What came back of a step, or was stored of it, is not what the step brings back.
#[derive(Debug, thiserror::Error)]
#[error("the output of step {step} does not fit: {source}")]
pub struct Misfit {
    pub(super) step: &'static str,
    pub(super) source: serde_json::Error,
}

/// Carries out one step of a saga, whatever the step's type. What goes in is the saga's data, what comes out is stored.
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

/// When a step is tried again: `min` after the first failure, twice as long after each further one, at most `max`,
/// each time shortened at random by up to a half, so that sagas that failed together do not come back together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The first pause.
    pub min: Duration,
    /// The longest pause.
    pub max: Duration,
    /// How many tries a compensation or a retriable step has before a person is asked.
    pub tries: u32,
}

impl RetryPolicy {
    /// One second to one minute, ten tries.
    pub const DEFAULT: Self = Self {
        min: Duration::from_secs(1),
        max: Duration::from_mins(1),
        tries: 10,
    };

    /// The same with no pause longer than `longest`. A pause that this cuts is shortened at random all the same.
    #[must_use]
    pub fn within(&self, longest: Duration) -> Self {
        let max = self.max.min(longest);
        Self { max, ..*self }
    }

    /// The pause after failure number `attempt`, from 1. `random` is any number.
    #[must_use]
    pub fn pause(&self, attempt: u32, random: u64) -> Duration {
        let doubled = 1_u32
            .checked_shl(attempt.saturating_sub(1))
            .unwrap_or(u32::MAX);
        let full = self.min.saturating_mul(doubled).min(self.max);
        let share = u32::try_from(random % 1_000).unwrap_or(0);
        full / 2 + full / 2_000 * share
    }
}

/// Decides the writes of a local step, appended together with its completion. A refusal means that it cannot be done.
pub type Local<S> = fn(
    &<S as Saga>::Data,
    &mut StateReader<'_, StepRejected>,
) -> Result<Writes, DecideError<StepRejected>>;

/// Decides the writes that an end of the saga brings with it. An end cannot be refused. The text is why it ended.
pub type End<S> = fn(
    &<S as Saga>::Data,
    &str,
    &mut StateReader<'_, Infallible>,
) -> Result<Writes, DecideError<Infallible>>;

/// Why a local step cannot be done. Stored and shown: short, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepRejected(pub String);

/// What a local step may do while it decides: read. It writes by what it returns, so that a refusal leaves
/// nothing half done. `R` is what the step may be refused with.
#[derive(Debug)]
pub struct StateReader<'a, R>(pub(super) UnitOfWork<'a, R>);

impl<R> StateReader<'_, R> {
    /// The state of an aggregate.
    ///
    /// # Errors
    /// [`DecideError::MissingStream`], if it was not read yet; hand it on with `?`.
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

    /// These, and events for the stream of an aggregate.
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
