//! What the book says of a call.

use domain::value::{EntityId, Money};
use sagas::OperationKey;

/// Whose book, by the name that it is stored under. Each simulated step says its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProviderKind(pub &'static str);

impl ProviderKind {
    pub const PAYMENT: Self = Self("payment");
    pub const SHIPMENT: Self = Self("shipment");

    /// As it is stored.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.0
    }
}

/// What the provider says to an action that is new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is done, under this reference.
    Done(String),
    /// It is refused for good, for this reason.
    Declined(String),
}

/// An action under a key, or what an undo needs to know of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    pub kind: ProviderKind,
    pub key: OperationKey,
    /// The order that it is for.
    pub order_id: EntityId,
    pub amount: Money,
    /// What happens if the key is new.
    pub decision: Decision,
    /// The name of what reverses it, if that happens.
    pub undo_reference: String,
}

/// What holds under a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Done,
    Declined,
    Compensated,
    /// Closed before anything came.
    Closed,
}

impl State {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Declined => "declined",
            Self::Compensated => "compensated",
            Self::Closed => "closed",
        }
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        [Self::Done, Self::Declined, Self::Compensated, Self::Closed]
            .into_iter()
            .find(|state| state.name() == name)
    }
}

/// A row of the book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The order that the first call was for.
    pub order_id: String,
    pub amount: Money,
    pub state: State,
    /// The action's reference, or why it was refused.
    pub reference: String,
    /// The reference of the reversal.
    pub undo_reference: String,
    /// How often the action came.
    pub deliveries: i64,
    /// How often its undo came.
    pub undos: i64,
}

pub(super) enum SimulatedCall {
    Act,
    Undo,
}
