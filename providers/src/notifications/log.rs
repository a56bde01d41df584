//! Notices in the log.

use async_trait::async_trait;
use platform::fields;
use sagas::{CallError, OperationKey};

use super::{Notification, Notifications};

/// Writes a line a notice.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogNotifications;

#[async_trait]
impl Notifications for LogNotifications {
    async fn send(&self, key: &OperationKey, notice: &Notification) -> Result<(), CallError> {
        tracing::info!(
            { fields::ORDER_ID } = %notice.order_id,
            { fields::PROVIDER_KEY } = %key,
            { fields::NOTICE } = notice.kind.name(),
            "the customer is told"
        );
        Ok(())
    }
}
