//! Why an order rejects a command.

use std::fmt;

use sagas::ActionRejected;

use crate::value::{EntityId, OrderStatus};

/// The state of the order does not allow the action.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("order {id} is {obstacle} and cannot be {asked}")]
pub struct OrderState {
    pub id: EntityId,
    pub obstacle: OrderObstacle,
    pub asked: OrderAct,
}

/// The order's saga cannot be cancelled, or this binary cannot read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderSagaState {
    pub order_id: EntityId,
    pub rejected: ActionRejected,
}

impl std::error::Error for OrderSagaState {}

impl fmt::Display for OrderSagaState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "order {} cannot be cancelled now: ", self.order_id)?;
        match &self.rejected {
            ActionRejected::Unsupported(unsupported) => write!(f, "its saga has {unsupported}"),
            // The illegal transition is for operators, who see it at the saga.
            ActionRejected::Corrupt(_) => f.write_str("its saga is corrupt and needs an operator"),
            other => fmt::Display::fmt(other, f),
        }
    }
}

/// Why an action on an order is not possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderObstacle {
    Status(OrderStatus),
    /// Its cancellation was requested.
    BeingCancelled,
}

/// An action on an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderAct {
    Confirm,
    Cancel,
    Ship,
    Deliver,
    Fail,
}

impl fmt::Display for OrderObstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => status.fmt(f),
            Self::BeingCancelled => f.write_str("being cancelled"),
        }
    }
}

impl fmt::Display for OrderAct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Confirm => "confirmed",
            Self::Cancel => "cancelled",
            Self::Ship => "shipped",
            Self::Deliver => "delivered",
            Self::Fail => "closed as failed",
        })
    }
}
