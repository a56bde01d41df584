//! The rows of the ledger.

use domain::value::{EntityId, Money};
use sagas::OperationKey;

/// The kind of provider, by its stored name. Each simulated step has its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProviderKind(pub &'static str);

impl ProviderKind {
    pub const PAYMENT: Self = Self("payment");
    pub const SHIPMENT: Self = Self("shipment");

    #[must_use]
    pub const fn name(self) -> &'static str {
        self.0
    }
}

/// The provider's decision on a new action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Executed, with this reference.
    Done(String),
    /// Declined, for this reason.
    Declined(String),
}

/// An action with its key, also as the subject of an undo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    pub kind: ProviderKind,
    pub key: OperationKey,
    pub order_id: EntityId,
    pub amount: Money,
    /// Applied if the key is new.
    pub decision: Decision,
    /// The reference of its undo, if it is undone.
    pub undo_reference: String,
}

/// The state of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Done,
    Declined,
    Compensated,
    /// Undone before any action arrived.
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

/// A row of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The order of the first call.
    pub order_id: String,
    pub amount: Money,
    pub state: State,
    /// The action's reference, or why it was declined.
    pub reference: String,
    /// The reference of its undo.
    pub undo_reference: String,
    /// How often the action arrived.
    pub deliveries: i64,
    /// How often its undo arrived.
    pub undos: i64,
}

pub(super) enum SimulatedCall {
    Act,
    Undo,
}
