//! Detects that the log is replaced while the process runs.

use std::sync::Arc;
use std::time::Duration;

use event_sourcing::{EventStore, ForeignLog, LogMark};

use crate::fields;

/// How often the log is checked.
const INTERVAL: Duration = Duration::from_secs(5);

/// Returns when the log no longer contains this mark. The process must then stop: its cached stream states and the
/// sagas that it drives belong to a log that no longer exists. A store that does not answer is ignored here; commands
/// report it.
pub async fn watch(store: Arc<dyn EventStore>, mut known: LogMark) -> ForeignLog {
    loop {
        tokio::time::sleep(INTERVAL).await;
        let Ok(identity) = store.identify(&[known.position]).await else {
            continue;
        };
        if let Err(foreign) = identity.verify(&known) {
            tracing::error!(
                { fields::ERROR } = &foreign as &dyn std::error::Error,
                "the event store was restored or replaced while this process runs; the process stops"
            );
            return foreign;
        }
        known = identity.head;
    }
}
