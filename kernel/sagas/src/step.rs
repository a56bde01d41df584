//! External steps, each a type with a request and a response.
//!
//! A step's name determines its response: a stored response is read without knowing by which version of the definition
//! the saga ran. So a step with a different response needs another name, or must read the old shape as well
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
    AnyProvider, CALL_TIMEOUT, External, InvalidOutput, ResponseType, Role, STEP_TIMEOUT, Saga,
    Step, StepKind, Writes,
};
use super::operation::{CallError, CompensationResult, OperationKey, OperationStatus};
use super::registry::ProviderRegistry;
use super::retry_policy::RetryPolicy;

/// A step that calls another system: at least once, under an idempotency key.
///
/// ```
/// use sagas::{ExternalStep, Saga, SagaDefinition, Step};
///
/// #[derive(Clone, Debug)]
/// struct Payout;
///
/// impl Saga for Payout {
///     const NAME: &'static str = "payout";
///     const STREAM: &'static str = "payout_saga";
///     const DEFINITIONS: &'static [SagaDefinition<Self>] =
///         &[SagaDefinition::new(1, &[&[Step::external::<Send>()]])];
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
/// assert!(Payout::definition_of(1).is_some());
/// ```
pub trait ExternalStep: Sized + 'static {
    /// Its stored name, unique in the saga over all versions of its definition.
    const NAME: &'static str;
    /// What its failure means for the saga. A compensatable step is undone by its provider.
    const ROLE: Role = Role::Compensatable;
    /// The timeout of one call.
    const TIMEOUT: Duration = CALL_TIMEOUT;
    /// The timeout over all its tries, if it is not retriable.
    const STEP_TIMEOUT: Duration = STEP_TIMEOUT;
    /// When it is retried.
    const RETRY: RetryPolicy = RetryPolicy::DEFAULT;
    /// The saga that it is a step of.
    type Saga: Saga;
    /// The request. All calls under the same key have the same request.
    type Request: Clone + Debug + Send + Sync + 'static;
    /// The response, as it is stored.
    type Response: Payload;

    /// Creates the request from the saga's data.
    fn request(data: &DataOf<Self>) -> Self::Request;

    /// Adds the response to the saga's data.
    fn apply_output(_data: &mut DataOf<Self>, _response: Self::Response) {}

    /// Writes of the commit of its completion.
    #[must_use]
    fn completed(_data: &DataOf<Self>, _key: &OperationKey, _response: Self::Response) -> Writes {
        Writes::none()
    }

    /// Writes of the commit of its compensation, if it is compensatable.
    #[must_use]
    fn compensated(_data: &DataOf<Self>, _undone: &CompensationResult) -> Writes {
        Writes::none()
    }

    /// Reads a stored response. Override it if the response has had another shape under the same name.
    ///
    /// # Errors
    /// If it is not a response of this step.
    fn read(output: &Value) -> Result<Self::Response, serde_json::Error> {
        Self::Response::deserialize(output)
    }
}

/// The data of a step's saga.
pub type DataOf<E> = <<E as ExternalStep>::Saga as Saga>::Data;

/// A retriable step that undoes a step of another saga: it has that step's provider undo the action under its key and
/// close the key. The engine needs only that provider.
pub trait UndoStep: Sized + 'static {
    /// Its stored name, as with [`ExternalStep::NAME`].
    const NAME: &'static str;
    /// The saga that it is a step of.
    type Saga: Saga;
    /// The step that it undoes.
    type Undoes: ExternalStep;

    /// The key and the request of an action that took effect; none if there is nothing to undo. An invalid key suspends
    /// the saga, and so does, after its tries, a provider that does not know the action.
    fn undoes(
        data: &<Self::Saga as Saga>::Data,
    ) -> Option<(OperationKey, <Self::Undoes as ExternalStep>::Request)>;

    /// Writes of the commit of its completion.
    #[must_use]
    fn completed(_data: &<Self::Saga as Saga>::Data, _undone: &CompensationResult) -> Writes {
        Writes::none()
    }
}

/// Executes a step. The engine puts a timeout on each call and may drop its future at any point, so every method must be
/// safe to call again. The engine calls with valid keys only ([`OperationKey::validate`]).
#[async_trait]
pub trait StepProvider<E: ExternalStep>: Debug + Send + Sync + 'static {
    /// Executes the action at most once for the key. A repeated call returns the first response.
    ///
    /// # Errors
    /// [`CallError`] states whether it had an effect: [`CallError::Declined`] also if the key is closed, and
    /// [`CallError::Unknown`] if it may have taken effect.
    async fn act(&self, key: &OperationKey, request: &E::Request)
    -> Result<E::Response, CallError>;

    /// Returns the status of an action.
    ///
    /// # Errors
    /// [`CallError`] if there is no answer; the variant does not matter.
    async fn look_up(&self, key: &OperationKey) -> Result<OperationStatus<E::Response>, CallError>;

    /// Undoes the action under the key, if it took effect, and closes the key, so that an action that arrives later is
    /// declined. Idempotent: a repeated undo returns the same result.
    ///
    /// # Errors
    /// [`CallError`] unless it is certain that the action is undone.
    async fn undo(
        &self,
        key: &OperationKey,
        request: &E::Request,
    ) -> Result<CompensationResult, CallError>;
}

impl ProviderRegistry {
    /// Sets the provider of step `E`.
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
            deadline: E::STEP_TIMEOUT,
            retry: E::RETRY,
        }
    }

    /// A retriable step that undoes a step of another saga.
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

fn read<E: ExternalStep>(output: &Value) -> Result<E::Response, InvalidOutput> {
    E::read(output).map_err(|source| misfit(E::NAME, source))
}

fn read_undone<U: UndoStep>(output: &Value) -> Result<CompensationResult, InvalidOutput> {
    CompensationResult::deserialize(output).map_err(|source| misfit(U::NAME, source))
}

fn misfit(step: &'static str, source: serde_json::Error) -> InvalidOutput {
    InvalidOutput { step, source }
}

/// Serializes a response for the saga log. If that fails, the call may have taken effect: its outcome is unknown.
fn store(response: &impl Serialize) -> Result<Value, CallError> {
    let stored = serde_json::to_value(response);
    stored.map_err(|error| CallError::unknown(format!("the response cannot be stored: {error}")))
}

/// The provider of a step, for the step's own saga.
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
        let status = self.0.look_up(key).await?;
        status.try_map(|response| store(&response))
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

/// The provider of a step, for a step of another saga that undoes it. Undo is idempotent, so there is no need to look
/// up; and a retriable step is not undone itself.
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
                let undone = self.0.undo(&key, &request).await?;
                if !undone.had_effect {
                    return Err(CallError::transient(CompensationResult::UNKNOWN_ACTION));
                }
                undone
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
