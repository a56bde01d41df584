//! Saves snapshots in the background, so that no command waits for one.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use uuid::Uuid;

use super::load::to_snapshot;
use super::state::{AggregateType, AnyState};
use crate::clock::Clock;
use crate::failure_log::FailureLog;
use crate::fields;
use crate::id::Version;
use crate::store::EventStore;
use crate::stream::StreamId;

/// The bound of the queue. When it is full the snapshot is dropped; the next multiple of the interval takes another.
const QUEUE: usize = 64;

#[derive(Clone, Debug)]
pub(super) struct Snapshots {
    queue: mpsc::Sender<SnapshotJob>,
}

struct SnapshotJob {
    kind: &'static AggregateType,
    stream: StreamId,
    state: AnyState,
    version: Version,
    last_event: Uuid,
}

impl Snapshots {
    pub(super) fn start(
        store: Arc<dyn EventStore>,
        clock: Arc<dyn Clock>,
    ) -> (Self, JoinHandle<()>) {
        metrics::counter!("event_store_snapshots_dropped_total").increment(0);
        let (queue, due) = mpsc::channel(QUEUE);
        (Self { queue }, tokio::spawn(run(store, clock, due)))
    }

    /// `state` must be durable; `last_event` is the event at `version`.
    pub(super) fn take(
        &self,
        kind: &'static AggregateType,
        stream: &StreamId,
        state: &AnyState,
        version: Version,
        last_event: Uuid,
    ) {
        let due = SnapshotJob {
            kind,
            stream: stream.clone(),
            state: Arc::clone(state),
            version,
            last_event,
        };
        // Never waits: a snapshot is only an optimization, and must not slow down commands.
        if self.queue.try_send(due).is_err() {
            metrics::counter!("event_store_snapshots_dropped_total").increment(1);
        }
    }
}

async fn run(
    store: Arc<dyn EventStore>,
    clock: Arc<dyn Clock>,
    mut due: mpsc::Receiver<SnapshotJob>,
) {
    let failures = FailureLog::new();
    while let Some(SnapshotJob {
        kind,
        stream,
        state,
        version,
        last_event,
    }) = due.recv().await
    {
        let Some(snapshot) = to_snapshot(kind, stream, &state, version, last_event, &*clock) else {
            continue;
        };
        if let Err(error) = store.save_snapshot(&snapshot).await {
            if let Some(suppressed) = failures.failed(Instant::now()) {
                tracing::warn!(
                    { fields::ERROR } = &error as &dyn std::error::Error,
                    { fields::SUPPRESSED } = suppressed,
                    "snapshot not saved"
                );
            }
        } else {
            failures.log_recovery(Instant::now(), "snapshots are saved again");
        }
    }
}
