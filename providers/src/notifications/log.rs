//! Notices in the log.

use async_trait::async_trait;
use platform::fields;
use sagas::{Failure, Key};

use super::{Notice, Notifications};

/// Writes a line a notice.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogNotifications;

#[async_trait]
impl Notifications for LogNotifications {
    async fn send(&self, key: &Key, notice: &Notice) -> Result<(), Failure> {
        tracing::info!(
            { fields::ORDER_ID } = %notice.order_id,
            { fields::PROVIDER_KEY } = %key,
            { fields::NOTICE } = notice.kind.name(),
            "the customer is told"
        );
        Ok(())
    }
}
