//! Waiting for the head.

use std::time::Duration;

use event_sourcing::{Position, StoreError};
use sql_database::SqliteFile;
use sql_database::sqlite::Readers;
use tokio::sync::watch;

use crate::error::nothing_happened;
use crate::read;

const OPERATION: &str = "wait for a position";

/// The writing handle is woken by its own commits. The poll beside it is all that a read-only handle has, and brings the
/// writer to the truth after a commit whose outcome was unknown.
pub(crate) async fn wait_for(
    committed: &watch::Sender<Position>,
    file: &SqliteFile,
    poll_interval: Duration,
    position: Position,
) -> Result<Position, StoreError> {
    // Subscribed before the first look, so that no commit falls between the two.
    let mut woken = committed.subscribe();
    loop {
        let seen = *woken.borrow_and_update();
        let head = if seen >= position {
            seen
        } else {
            polled(file).await?
        };
        if head >= position {
            return Ok(head);
        }
        let wake = woken.wait_for(|head| *head >= position);
        // A closed channel cannot be: this borrows its sender. A time-out is the poll.
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
