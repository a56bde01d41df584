//! A simulated provider in the words of the step that it carries out.

use std::fmt;
use std::marker::PhantomData;

use async_trait::async_trait;
use domain::value::{EntityId, Money};
use sagas::{
    CallError, CompensationResult, ExternalStep, OperationKey, OperationStatus, StepProvider,
};
use uuid::Uuid;

use super::provider::{Provider, ProviderRequest};
use super::record::{Action, Decision, ProviderKind};

/// What the book says of a step.
pub trait SimulatedStep: ExternalStep {
    const KIND: ProviderKind;
    /// Why the provider refuses when it does so at random.
    const REFUSAL: &'static str;

    /// The order, and money or pieces.
    fn entry(request: &Self::Request) -> (&EntityId, Money);

    /// What the provider calls the action, and what reverses it. The id follows from the key, so that a repeat makes the
    /// same.
    fn references(id: Uuid) -> (String, String);

    /// What the step brings back.
    ///
    /// # Errors
    /// No event could hold it.
    fn response(reference: &str) -> Result<Self::Response, CallError>;
}

/// The simulated provider of a step.
pub struct SimulatedProvider<E>(Provider, PhantomData<fn() -> E>);

impl<E> fmt::Debug for SimulatedProvider<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<E: SimulatedStep> SimulatedProvider<E> {
    /// What `provider`, one of the step's kind, does.
    #[must_use]
    pub fn new(provider: Provider) -> Self {
        Self(provider, PhantomData)
    }
}

fn action<E: SimulatedStep>(key: &OperationKey, request: &E::Request) -> Action {
    let name = format!("{}:{key}", E::KIND.name());
    let id = Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes());
    let (reference, undo_reference) = E::references(id);
    let (order_id, amount) = E::entry(request);
    Action {
        kind: E::KIND,
        key: key.clone(),
        order_id: order_id.clone(),
        amount,
        decision: Decision::Done(reference),
        undo_reference,
    }
}

#[async_trait]
impl<E: SimulatedStep> StepProvider<E> for SimulatedProvider<E> {
    async fn act(
        &self,
        key: &OperationKey,
        request: &E::Request,
    ) -> Result<E::Response, CallError> {
        let action = action::<E>(key, request);
        let refusal = E::REFUSAL;
        E::response(&self.0.act(ProviderRequest { action, refusal }).await?)
    }

    async fn look_up(&self, key: &OperationKey) -> Result<OperationStatus<E::Response>, CallError> {
        let standing = self.0.look_up(key).await?;
        standing.try_map(|reference| E::response(&reference))
    }

    async fn undo(
        &self,
        key: &OperationKey,
        request: &E::Request,
    ) -> Result<CompensationResult, CallError> {
        self.0.undo(action::<E>(key, request)).await
    }
}
