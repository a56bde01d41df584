//! Notices in the log.

use async_trait::async_trait;

use super::{Notice, Notifications};
use crate::providers::{Failure, Key};

/// Writes a line a notice.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogNotifications;

#[async_trait]
impl Notifications for LogNotifications {
    async fn send(&self, key: &Key, notice: &Notice) -> Result<(), Failure> {
        tracing::info!(
            { platform::fields::ORDER_ID } = %notice.order_id,
            { platform::fields::PROVIDER_KEY } = %key,
            { platform::fields::NOTICE } = notice.kind.name(),
            "the customer is told"
        );
        Ok(())
    }
}
