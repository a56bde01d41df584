//! Notifications in the log.

use async_trait::async_trait;
use platform::fields;
use sagas::{CallError, OperationKey};

use super::{Notification, Notifications};

/// Logs each notification.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogNotifications;

#[async_trait]
impl Notifications for LogNotifications {
    async fn send(&self, key: &OperationKey, notification: &Notification) -> Result<(), CallError> {
        tracing::info!(
            { fields::ORDER_ID } = %notification.order_id,
            { fields::PROVIDER_KEY } = %key,
            { fields::NOTIFICATION } = notification.kind.name(),
            "the customer is notified"
        );
        Ok(())
    }
}
