//! Verifies that a checkpoint belongs to the log.
//!
//! A checkpoint of another log, or above the head of this one, would skip events silently. It is compared with the log
//! when a runner starts, with every page that is written, and periodically in between. A page may be served from
//! memory, so its last event is compared too.

use std::convert::Infallible;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use uuid::Uuid;

use super::LeaseLost;
use crate::id::Position;
use crate::log::LogMark;
use crate::store::{EventStore, LogPage};

/// The interval of the comparison while no page is written.
const INTERVAL: Duration = Duration::from_secs(10);

/// The last event of a page, if it has one.
#[derive(Clone, Copy)]
pub(crate) struct LastEvent(Option<(Position, Uuid)>);

impl LastEvent {
    pub(crate) fn none() -> Self {
        Self(None)
    }

    /// The same event, or none if it is above a position.
    pub(crate) fn up_to(self, read_up_to: Position) -> Self {
        Self(self.0.filter(|(position, _)| *position <= read_up_to))
    }

    pub(crate) fn of(page: &LogPage) -> Self {
        Self(
            page.events()
                .next_back()
                .map(|event| (event.position, event.event_id)),
        )
    }
}

/// Verifies that a checkpoint belongs to the log.
pub(crate) async fn verify(log: &dyn EventStore, checkpoint: &LogMark) -> Result<(), LeaseLost> {
    let identity = log.identify(&[checkpoint.position]).await?;
    Ok(identity.verify(checkpoint)?)
}

/// The mark of `read_up_to`, after comparing the checkpoint before the page and the page itself with the log.
pub(crate) async fn mark(
    log: &dyn EventStore,
    from: Option<LogMark>,
    LastEvent(last): LastEvent,
    read_up_to: Position,
) -> Result<LogMark, LeaseLost> {
    let mut positions = vec![read_up_to];
    positions.extend(from.map(|from| from.position));
    positions.extend(last.map(|(position, _)| position));
    // One call, so that all positions are compared with the same log: it could be replaced between two calls.
    let identity = log.identify(&positions).await?;
    if let Some(from) = from {
        identity.verify(&from)?;
    }
    if let Some((position, event)) = last {
        identity.verify(&LogMark {
            log: identity.head.log,
            position,
            event: Some(event),
        })?;
    }
    let mark = identity.mark_at(read_up_to);
    identity.verify(&mark)?;
    Ok(mark)
}

/// Returns when the last checkpoint no longer belongs to the log.
pub(crate) async fn watch(
    log: &dyn EventStore,
    checkpoint: &watch::Sender<Option<LogMark>>,
) -> Result<Infallible, LeaseLost> {
    let mut ticks = tokio::time::interval_at(Instant::now() + INTERVAL, INTERVAL);
    loop {
        ticks.tick().await;
        let present = *checkpoint.borrow();
        let Some(present) = present else {
            continue;
        };
        match verify(log, &present).await {
            // The reader of the log gets the same error, and retries.
            Ok(()) | Err(LeaseLost::Error(_)) => {}
            Err(lost) => return Err(lost),
        }
    }
}
