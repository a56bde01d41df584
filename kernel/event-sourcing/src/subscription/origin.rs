//! Whether the log is the one that a checkpoint is of.
//!
//! A checkpoint of another log, or above the end of this one, would skip events in silence. It is compared with the
//! log when a runner begins, with every page that is written, and now and then in between. A page may come from
//! memory, so its last event is compared as well.

use std::convert::Infallible;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use uuid::Uuid;

use super::LeaseLost;
use crate::id::Position;
use crate::log::LogMark;
use crate::store::{EventStore, LogPage};

/// How often the log is looked at while no page is written.
const INTERVAL: Duration = Duration::from_secs(10);

/// The last event of a page, if it has one.
#[derive(Clone, Copy)]
pub(crate) struct LastEvent(Option<(Position, Uuid)>);

impl LastEvent {
    pub(crate) fn none() -> Self {
        Self(None)
    }

    /// The same, unless it is above a position.
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

/// Compares a checkpoint with the log.
pub(crate) async fn verify(log: &dyn EventStore, checkpoint: &LogMark) -> Result<(), LeaseLost> {
    let identity = log.identify(&[checkpoint.position]).await?;
    Ok(identity.verify(checkpoint)?)
}

/// The mark of `read_up_to`, after the checkpoint that the page began from and the page itself were compared with the log.
pub(crate) async fn mark(
    log: &dyn EventStore,
    from: Option<LogMark>,
    LastEvent(last): LastEvent,
    read_up_to: Position,
) -> Result<LogMark, LeaseLost> {
    let mut positions = vec![read_up_to];
    positions.extend(from.map(|from| from.position));
    positions.extend(last.map(|(position, _)| position));
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

/// Ends when the log is not the one that the last checkpoint is of.
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
            // Reading the log meets the same error, and retries.
            Ok(()) | Err(LeaseLost::Error(_)) => {}
            Err(lost) => return Err(lost),
        }
    }
}
