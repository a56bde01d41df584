//! Waits until the head reaches a position.

use std::time::Duration;

use event_sourcing::{Position, StoreError};
use sql_database::SqliteFile;
use sql_database::sqlite::Readers;
use tokio::sync::watch;

use crate::error::nothing_happened;
use crate::read;

const OPERATION: &str = "wait for a position";

/// A writing handle is woken by its own commits. It polls too, because a commit whose outcome was unknown notifies no
/// reader although it may be in the file. A read-only handle has only the poll.
pub(crate) async fn wait_for(
    committed: &watch::Sender<Position>,
    file: &SqliteFile,
    poll_interval: Duration,
    position: Position,
) -> Result<Position, StoreError> {
    // Subscribed before the first read of the head, so that a commit in between is not missed.
    let mut woken = committed.subscribe();
    loop {
        let seen = *woken.borrow_and_update();
        let head = if seen >= position {
            seen
        } else {
            // The channel holds only this handle's appends, so the file decides.
            polled(file).await?
        };
        if head >= position {
            return Ok(head);
        }
        let wake = woken.wait_for(|head| *head >= position);
        // The channel cannot be closed, because its sender is borrowed here. A timeout leads to the next poll.
        let _ = tokio::time::timeout(poll_interval, wake).await;
    }
}

async fn polled(file: &SqliteFile) -> Result<Position, StoreError> {
    let polled = async {
        let mut session = file.reader(Readers::Background).await?;
        let head = read::head(session.connection()).await;
        session.finish(head).await
    };
    polled.await.map_err(nothing_happened(OPERATION))
}
