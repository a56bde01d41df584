//! The port of notifications.

use std::fmt::Debug;

use async_trait::async_trait;
use domain::value::{EntityId, Money, UserId};
use sagas::{CallError, OperationKey};

/// A message to a customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    pub order_id: EntityId,
    pub user_id: UserId,
    pub kind: NotificationKind,
}

/// What happened to the order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotificationKind {
    Confirmed {
        total: Money,
        tracking_number: Option<String>,
    },
    Cancelled {
        reason: String,
    },
    Shipped {
        tracking_number: Option<String>,
    },
    Delivered,
}

impl NotificationKind {
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Confirmed { .. } => "confirmed",
            Self::Cancelled { .. } => "cancelled",
            Self::Shipped { .. } => "shipped",
            Self::Delivered => "delivered",
        }
    }
}

/// Notifies customers, at least once: repeats have the same key, so that the receiver can recognize them. No order fails
/// because of a notification.
#[async_trait]
pub trait Notifications: Debug + Send + Sync {
    /// Sends it.
    ///
    /// # Errors
    /// [`CallError`]; unless it is [`CallError::Declined`], a retry may help.
    async fn send(&self, key: &OperationKey, notification: &Notification) -> Result<(), CallError>;
}
