//! The contract of every provider.

use domain::fulfilment::{Charge, Shipment};
use domain::value::{Reference, TrackingNumber};
use providers::{Payments, Shipping};
use sagas::{CallError, CompensationResult, OperationStatus};

use crate::support::{charge, key, shipment};

/// An action and its undo, for either port.
pub trait Actions {
    type Done: Clone + std::fmt::Debug + PartialEq + Send;

    async fn act(&self, key: &str, order: &str) -> Result<Self::Done, CallError>;
    async fn look_up(&self, key: &str) -> Result<OperationStatus<Self::Done>, CallError>;
    async fn undo(&self, key: &str, order: &str) -> Result<CompensationResult, CallError>;
}

pub struct Charges<'a>(pub &'a Payments);

/// Shipments of 3 pieces.
pub struct Shipments<'a>(pub &'a Shipping);

impl Charges<'_> {
    fn charge(order: &str) -> Charge {
        charge(order, 1_234)
    }
}

impl Actions for Charges<'_> {
    type Done = Reference;

    async fn act(&self, name: &str, order: &str) -> Result<Reference, CallError> {
        self.0.act(&key(name), &Self::charge(order)).await
    }

    async fn look_up(&self, name: &str) -> Result<OperationStatus<Reference>, CallError> {
        self.0.look_up(&key(name)).await
    }

    async fn undo(&self, name: &str, order: &str) -> Result<CompensationResult, CallError> {
        self.0.undo(&key(name), &Self::charge(order)).await
    }
}

impl Shipments<'_> {
    fn shipment(order: &str) -> Shipment {
        shipment(order, 3)
    }
}

impl Actions for Shipments<'_> {
    type Done = TrackingNumber;

    async fn act(&self, name: &str, order: &str) -> Result<TrackingNumber, CallError> {
        self.0.act(&key(name), &Self::shipment(order)).await
    }

    async fn look_up(&self, name: &str) -> Result<OperationStatus<TrackingNumber>, CallError> {
        self.0.look_up(&key(name)).await
    }

    async fn undo(&self, name: &str, order: &str) -> Result<CompensationResult, CallError> {
        self.0.undo(&key(name), &Self::shipment(order)).await
    }
}

/// Checks the whole contract.
pub async fn all(actions: &impl Actions) {
    a_repeat_returns_the_first_answer(actions).await;
    an_undo_reverses_and_closes(actions).await;
    an_undo_that_arrives_first_closes_the_key(actions).await;
    keys_are_independent(actions).await;
}

async fn a_repeat_returns_the_first_answer(actions: &impl Actions) {
    assert_eq!(actions.look_up("again").await, Ok(OperationStatus::Absent));
    let first = actions.act("again", "o-again").await.expect("done");
    assert_eq!(actions.act("again", "o-again").await, Ok(first.clone()));
    assert_eq!(
        actions.look_up("again").await,
        Ok(OperationStatus::Done(first))
    );
    let other = actions.act("again", "o-other").await;
    assert!(matches!(other, Err(CallError::Declined(_))), "{other:?}");
}

async fn an_undo_reverses_and_closes(actions: &impl Actions) {
    actions.act("undo", "o-undo").await.expect("done");
    let undone = actions.undo("undo", "o-undo").await.expect("undone");
    assert!(undone.had_effect);
    assert!(undone.reference.is_some());
    assert_eq!(actions.undo("undo", "o-undo").await, Ok(undone));
    assert_eq!(
        actions.look_up("undo").await,
        Ok(OperationStatus::Compensated)
    );
    assert_closed(actions, "undo", "o-undo").await;
}

async fn an_undo_that_arrives_first_closes_the_key(actions: &impl Actions) {
    assert_eq!(
        actions.undo("early", "o-early").await,
        Ok(CompensationResult::NOTHING)
    );
    assert_eq!(
        actions.look_up("early").await,
        Ok(OperationStatus::Compensated)
    );
    assert_closed(actions, "early", "o-early").await;
    assert_eq!(
        actions.undo("early", "o-early").await,
        Ok(CompensationResult::NOTHING)
    );
}

async fn keys_are_independent(actions: &impl Actions) {
    let one = actions.act("key/one", "o-keys").await.expect("done");
    let two = actions.act("key/two", "o-keys").await.expect("done");
    assert_ne!(one, two);
    actions.undo("key/one", "o-keys").await.expect("undone");
    assert_eq!(
        actions.look_up("key/two").await,
        Ok(OperationStatus::Done(two))
    );
}

async fn assert_closed(actions: &impl Actions, key: &str, order: &str) {
    let late = actions.act(key, order).await;
    let Err(CallError::Declined(reason)) = &late else {
        panic!("{key}: {late:?}");
    };
    assert!(reason.contains("closed"), "{reason}");
    assert_eq!(actions.look_up(key).await, Ok(OperationStatus::Compensated));
}
