//! What an order says no with.

use std::fmt;

use crate::value::{EntityId, OrderStatus};

/// The order is not in a state for what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("order {id} is {obstacle} and cannot be {asked}")]
pub struct OrderState {
    pub id: EntityId,
    /// What stands against it.
    pub obstacle: OrderObstacle,
    pub asked: OrderAct,
}

/// What stands against an act on an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderObstacle {
    /// How far it is.
    Status(OrderStatus),
    /// Somebody wants it undone.
    BeingCancelled,
}

/// What can be asked of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderAct {
    Confirm,
    /// Undo it, or note that it is undone.
    Cancel,
    /// Note that it left.
    Ship,
    /// Note that it arrived.
    Deliver,
    /// Close it as failed.
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
