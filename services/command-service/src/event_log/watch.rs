//! Notices that the log is replaced while the process runs.

use std::sync::Arc;
use std::time::Duration;

use event_sourcing::{EventStore, ForeignLog, LogMark};
use platform::fields;

/// How often the log is looked at.
const INTERVAL: Duration = Duration::from_secs(5);

/// Ends when the log is no longer the one that had this mark. What the process has in memory, the states of streams and
/// the sagas that it drives, is then of a log that is gone. An error is met again by those who need the log.
pub async fn watch(store: Arc<dyn EventStore>, mut known: LogMark) -> ForeignLog {
    loop {
        tokio::time::sleep(INTERVAL).await;
        let Ok(identity) = store.identify(&[known.position]).await else {
            continue;
        };
        if let Err(foreign) = identity.verify(&known) {
            tracing::error!(
                { fields::ERROR } = &foreign as &dyn std::error::Error,
                "the event store was restored or replaced while this process runs; it ends"
            );
            return foreign;
        }
        known = identity.head;
    }
}
