//! A simulated provider as the provider of a step.

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

/// Maps a step to a row of the ledger.
pub trait SimulatedStep: ExternalStep {
    const KIND: ProviderKind;
    /// The reason of a random decline.
    const DECLINE_REASON: &'static str;

    /// The order, and the amount of money or the number of pieces.
    fn entry(request: &Self::Request) -> (&EntityId, Money);

    /// The references of the action and of its undo. The id is derived from the key, so that a repeat returns the same
    /// references.
    fn references(id: Uuid) -> (String, String);

    /// The response of the step.
    ///
    /// # Errors
    /// The reference is invalid.
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
    /// `provider` must be of the step's kind.
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
        let decline_reason = E::DECLINE_REASON;
        E::response(
            &self
                .0
                .act(ProviderRequest {
                    action,
                    decline_reason,
                })
                .await?,
        )
    }

    async fn look_up(&self, key: &OperationKey) -> Result<OperationStatus<E::Response>, CallError> {
        let status = self.0.look_up(key).await?;
        status.try_map(|reference| E::response(&reference))
    }

    async fn undo(
        &self,
        key: &OperationKey,
        request: &E::Request,
    ) -> Result<CompensationResult, CallError> {
        self.0.undo(action::<E>(key, request)).await
    }
}
