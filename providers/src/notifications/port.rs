//! What a way of telling customers promises.

use std::fmt::Debug;

use async_trait::async_trait;
use domain::value::{EntityId, Money, UserId};
use sagas::{CallError, OperationKey};

/// Something to tell a customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    pub order_id: EntityId,
    pub user_id: UserId,
    pub kind: NotificationKind,
}

/// What happened to the order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotificationKind {
    /// It will be delivered.
    Confirmed {
        total: Money,
        /// What it can be followed by.
        tracking_number: Option<String>,
    },
    Cancelled {
        reason: String,
    },
    /// It is on its way.
    Shipped {
        /// What it can be followed by.
        tracking_number: Option<String>,
    },
    Delivered,
}

impl NotificationKind {
    /// One word for it.
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

/// Tells customers. The same notice may be sent more than once; repeats carry the same key, so that they can be
/// recognised. No order fails because of it.
#[async_trait]
pub trait Notifications: Debug + Send + Sync {
    /// Sends it.
    ///
    /// # Errors
    /// [`CallError`]; unless it is refused, sending it again may help.
    async fn send(&self, key: &OperationKey, notice: &Notification) -> Result<(), CallError>;
}
