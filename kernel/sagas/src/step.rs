//! External steps, each a type with what it asks for and what it brings back.
//!
//! A step's name fixes its response: what was stored under a name is read without knowing by which table the saga ran.
//! So a step that is to bring back something else is another step with another name, or reads the old shape as well
//! ([`ExternalStep::read`]).

use std::any::{TypeId, type_name};
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use event_sourcing::event::Payload;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::definition::{
    AnyProvider, CALL_TIMEOUT, External, Misfit, ResponseType, RetryPolicy, Role, STEP_TIMEOUT,
    Saga, Step, StepKind, Writes,
};
use super::operation::{CallError, CompensationResult, OperationKey, OperationStatus};
use super::registry::ProviderRegistry;

/// A step that asks somebody outside for something: at least once, under a key.
///
/// ```
/// use sagas::{ExternalStep, Saga, Step, Table};
///
/// #[derive(Clone, Debug)]
/// struct Payout;
///
/// impl Saga for Payout {
///     const NAME: &'static str = "payout";
///     const STREAM: &'static str = "payout_saga";
///     const TABLES: &'static [Table<Self>] = &[Table::new(1, &[&[Step::external::<Send>()]])];
///     type Data = u64;
/// }
///
/// struct Send;
///
/// impl ExternalStep for Send {
///     const NAME: &'static str = "send";
///     type Saga = Payout;
///     type Request = u64;
///     /// The other bank's receipt.
///     type Response = String;
///
///     fn request(cents: &u64) -> u64 {
///         *cents
///     }
/// }
///
/// assert!(Payout::table(1).is_some());
/// ```
pub trait ExternalStep: Sized + 'static {
    /// Its stored name, which no other step of the saga has, in no version of its table.
    const NAME: &'static str;
    /// What its failure means. A compensatable one is undone by its provider.
    const ROLE: Role = Role::Compensatable;
    /// The time limit of one call.
    const TIMEOUT: Duration = CALL_TIMEOUT;
    /// How long it may take over all its tries, if it is not retriable.
    const DEADLINE: Duration = STEP_TIMEOUT;
    /// When it is tried again.
    const RETRY: RetryPolicy = RetryPolicy::DEFAULT;
    /// The saga that it is a step of.
    type Saga: Saga;
    /// What is asked for. The same key always asks for the same.
    type Request: Clone + Debug + Send + Sync + 'static;
    /// What it brings back, as it is stored.
    type Response: Payload;

    /// What is asked for.
    fn request(data: &DataOf<Self>) -> Self::Request;

    /// Adds what it brought back to the data.
    fn apply_output(_data: &mut DataOf<Self>, _response: Self::Response) {}

    /// Writes of the commit of its completion.
    #[must_use]
    fn completed(_data: &DataOf<Self>, _key: &OperationKey, _response: Self::Response) -> Writes {
        Writes::none()
    }

    /// Writes of the commit of its undoing, if it is compensatable.
    #[must_use]
    fn compensated(_data: &DataOf<Self>, _undone: &CompensationResult) -> Writes {
        Writes::none()
    }

    /// Reads what was stored. A step whose response has had another shape under the same name reads that as well.
    ///
    /// # Errors
    /// It is no response of this step.
    fn read(output: &Value) -> Result<Self::Response, serde_json::Error> {
        Self::Response::deserialize(output)
    }
}

/// The data of a step's saga.
pub type DataOf<E> = <<E as ExternalStep>::Saga as Saga>::Data;

/// A retriable step that undoes what a step of another saga did: what that step's provider did under its key is
/// reversed, and the key is closed. The engine needs no provider but that one.
pub trait UndoStep: Sized + 'static {
    /// Its stored name, as with [`ExternalStep::NAME`].
    const NAME: &'static str;
    /// The saga that it is a step of.
    type Saga: Saga;
    /// The step that it undoes.
    type Undoes: ExternalStep;

    /// The key that the step took effect under, and what it had asked for; nothing if there is nothing to undo. A key
    /// that no provider can take has the saga wait for an operator.
    fn undoes(
        data: &<Self::Saga as Saga>::Data,
    ) -> Option<(OperationKey, <Self::Undoes as ExternalStep>::Request)>;

    /// Writes of the commit of its completion.
    #[must_use]
    fn completed(_data: &<Self::Saga as Saga>::Data, _undone: &CompensationResult) -> Writes {
        Writes::none()
    }
}

/// Carries out a step. The engine puts a time limit on each call and may drop it at any point, so every method must be
/// safe to call again. The engine asks with valid keys only ([`OperationKey::validate`]).
#[async_trait]
pub trait StepProvider<E: ExternalStep>: Debug + Send + Sync + 'static {
    /// Does what the step asks for, at most once for the key, or finds that it was done under the key.
    ///
    /// # Errors
    /// [`CallError`] says whether it can still happen. It is refused also if the key is closed.
    async fn act(&self, key: &OperationKey, request: &E::Request)
    -> Result<E::Response, CallError>;

    /// Asks what became of an action.
    ///
    /// # Errors
    /// [`CallError`] if there is no answer; what kind does not matter.
    async fn look_up(&self, key: &OperationKey) -> Result<OperationStatus<E::Response>, CallError>;

    /// Reverses whatever happened under the key and closes it, so that an action that arrives later is refused. To
    /// undo twice is a success.
    ///
    /// # Errors
    /// [`CallError`] if it is not certain that it is undone.
    async fn undo(
        &self,
        key: &OperationKey,
        request: &E::Request,
    ) -> Result<CompensationResult, CallError>;
}

impl ProviderRegistry {
    /// Has `provider` carry out the step `E`, and undo it where another saga asks for that.
    pub(super) fn register<E: ExternalStep>(&mut self, provider: Arc<dyn StepProvider<E>>) {
        self.insert::<E>(provider);
    }

    fn provider<E: ExternalStep>(&self) -> Option<Arc<dyn StepProvider<E>>> {
        self.get::<E, Arc<dyn StepProvider<E>>>()
    }
}

impl<S: Saga> Step<S> {
    /// An external step.
    #[must_use]
    pub const fn external<E: ExternalStep<Saga = S>>() -> Self {
        Self {
            name: E::NAME,
            role: E::ROLE,
            kind: StepKind::External(External {
                apply_output: |data, output| {
                    E::apply_output(data, read::<E>(output)?);
                    Ok(())
                },
                completed: |data, key, output| Ok(E::completed(data, key, read::<E>(output)?)),
                compensated: E::compensated,
                connect: |registry| Some(Arc::new(Typed::<E>(registry.provider()?))),
                response: response::<E::Response>,
                is_undo: false,
            }),
            lanes: S::lanes,
            timeout: E::TIMEOUT,
            deadline: E::DEADLINE,
            retry: E::RETRY,
        }
    }

    /// A retriable step that undoes what a step of another saga did.
    #[must_use]
    pub const fn undoing<U: UndoStep<Saga = S>>() -> Self {
        Self {
            name: U::NAME,
            role: Role::Retriable,
            kind: StepKind::External(External {
                apply_output: |_, output| read_undone::<U>(output).map(|_| ()),
                completed: |data, _, output| Ok(U::completed(data, &read_undone::<U>(output)?)),
                compensated: |_, _| Writes::none(),
                connect: |registry| Some(Arc::new(Undoing::<U>(registry.provider()?))),
                response: response::<CompensationResult>,
                is_undo: true,
            }),
            lanes: S::lanes,
            timeout: <U::Undoes as ExternalStep>::TIMEOUT,
            deadline: Duration::MAX,
            retry: <U::Undoes as ExternalStep>::RETRY,
        }
    }
}

fn response<R: 'static>() -> ResponseType {
    ResponseType {
        id: TypeId::of::<R>(),
        name: type_name::<R>(),
    }
}

fn read<E: ExternalStep>(output: &Value) -> Result<E::Response, Misfit> {
    E::read(output).map_err(|source| misfit(E::NAME, source))
}

fn read_undone<U: UndoStep>(output: &Value) -> Result<CompensationResult, Misfit> {
    CompensationResult::deserialize(output).map_err(|source| misfit(U::NAME, source))
}

fn misfit(step: &'static str, source: serde_json::Error) -> Misfit {
    Misfit { step, source }
}

/// What is stored of a response. One that JSON cannot hold leaves open what happened, as one does that is not answered.
fn store(response: &impl Serialize) -> Result<Value, CallError> {
    let stored = serde_json::to_value(response);
    stored.map_err(|error| CallError::unknown(format!("the response cannot be stored: {error}")))
}

/// A step's provider, for the step's own saga.
struct Typed<E: ExternalStep>(Arc<dyn StepProvider<E>>);

#[async_trait]
impl<E: ExternalStep> AnyProvider<E::Saga> for Typed<E> {
    async fn act(&self, key: &OperationKey, data: &DataOf<E>) -> Result<Value, CallError> {
        key.validate()?;
        let request = E::request(data);
        store(&self.0.act(key, &request).await?)
    }

    async fn look_up(&self, key: &OperationKey) -> Result<OperationStatus<Value>, CallError> {
        key.validate()?;
        let standing = self.0.look_up(key).await?;
        standing.try_map(|response| store(&response))
    }

    async fn undo(
        &self,
        key: &OperationKey,
        data: &DataOf<E>,
    ) -> Result<CompensationResult, CallError> {
        key.validate()?;
        let request = E::request(data);
        self.0.undo(key, &request).await
    }
}

/// A step's provider, for a step of another saga that undoes it. To undo twice is a success, so that there is nothing to
/// look up; and a retriable step is not undone.
struct Undoing<U: UndoStep>(Arc<dyn StepProvider<U::Undoes>>);

#[async_trait]
impl<U: UndoStep> AnyProvider<U::Saga> for Undoing<U> {
    async fn act(
        &self,
        _key: &OperationKey,
        data: &<U::Saga as Saga>::Data,
    ) -> Result<Value, CallError> {
        let undone = match U::undoes(data) {
            Some((key, request)) => {
                key.validate()?;
                self.0.undo(&key, &request).await?
            }
            None => CompensationResult::NOTHING,
        };
        store(&undone)
    }

    async fn look_up(&self, _key: &OperationKey) -> Result<OperationStatus<Value>, CallError> {
        Ok(OperationStatus::Absent)
    }

    async fn undo(
        &self,
        _key: &OperationKey,
        _data: &<U::Saga as Saga>::Data,
    ) -> Result<CompensationResult, CallError> {
        Ok(CompensationResult::NOTHING)
    }
}
