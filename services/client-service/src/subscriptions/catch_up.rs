//! A subscription that begins before the messages that its group remembers.

use std::time::Duration;

use contract::status::Reason;
use event_sourcing::Backoff;
use graphql_http::ApiError;
use grpc_calls::Effect;
use tokio::time::Instant;
use tonic::Status;

use super::group::Group;
use crate::errors::from_grpc;
use crate::upstream::Page;

/// How long pages are tried again while the read side does not answer.
const INTERRUPTION_TIMEOUT: Duration = Duration::from_secs(30);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const MAX_PAUSE: Duration = Duration::from_secs(1);

impl Group {
    /// The next changes after a position, and at most up to another one. Short interruptions of the read side are waited
    /// for.
    ///
    /// # Errors
    /// The read side does not answer for long, or will not reach the changes.
    pub(super) async fn read_page(&self, (after, end): (u64, u64)) -> Result<Page, ApiError> {
        let start = Instant::now();
        let mut backoff = Backoff::new(FIRST_PAUSE, MAX_PAUSE);
        loop {
            let status = match self.try_page((after, end)).await {
                Ok(page) => return Ok(page),
                Err(status) => status,
            };
            let is_final = matches!(
                Reason::of(&status),
                Some(Reason::ReadSideStalled | Reason::PositionAboveHead)
            );
            if is_final || start.elapsed() >= INTERRUPTION_TIMEOUT {
                return Err(from_grpc(&status, Effect::Read));
            }
            tokio::time::sleep(backoff.next_pause()).await;
        }
    }

    async fn try_page(&self, range: (u64, u64)) -> Result<Page, Status> {
        let services = self.services();
        // Few at the same time, so that clients that resume together do not use all streams of the connection.
        let _permit = services.page_permit().await;
        services
            .changes_after(self.origin(), self.selection(), range)
            .await
    }
}
