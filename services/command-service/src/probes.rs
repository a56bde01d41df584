//! Health and readiness of the write side: it is up while its last write succeeded. When idle, it writes a probe row
//! that is not an event.
//!
//! Successful reads prove nothing about writes: the disk may be full, the server a replica, a privilege revoked. So
//! each database has a row that is rewritten while there are no other writes.
//!
//! ```text
//!   idle for 5 s ──► probe ──► succeeded ──► connected
//!                     ▲   └──► failed ──► not writable, or disconnected ── 1 s ──► probe
//!   a write failed ───┘                        ▲
//!   a write was answered ──► connected         └── immediately if the store failed rather than the batch
//! ```

use std::time::Duration;

use command_database::CommandDatabase;
use event_sourcing::LastWrite;
use event_store_any::AnyEventStore;
use platform::Tasks;
use platform::health::{Component, ComponentState, Health, within};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// How long the service is idle before it writes a probe.
const IDLE: Duration = Duration::from_secs(5);
/// The delay before the next probe after a failed write.
const RETRY: Duration = Duration::from_secs(1);
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);

/// Adds the health components, with the results of their first probes.
pub(crate) async fn start(
    health: &Health,
    tasks: &Tasks,
    opened: &AnyEventStore,
    database: &CommandDatabase,
    writes: watch::Receiver<LastWrite>,
) {
    let events = Events {
        opened: opened.clone(),
        part: health.component("event_store"),
        writes,
    };
    let first = events.probe().await;
    let stopping = tasks.stopping();
    tasks.spawn("probe of the event store", async move {
        stopping.run_until_cancelled(events.watch(first)).await;
    });
    let database = database.clone();
    health
        .probe("database", IDLE, tasks, move || {
            let database = database.clone();
            async move {
                match database.probe_write().await {
                    Ok(()) => connected(),
                    Err(_) => unwritten(database.ping().await.is_ok()),
                }
            }
        })
        .await;
}

struct Events {
    opened: AnyEventStore,
    part: Component,
    writes: watch::Receiver<LastWrite>,
}

impl Events {
    async fn watch(mut self, mut is_written: bool) {
        loop {
            let pause = if is_written { IDLE } else { RETRY };
            let failed = self.written_until(Instant::now() + pause, is_written).await;
            if failed {
                // Without this delay a store that fails every write would be probed in a tight loop.
                tokio::time::sleep(RETRY).await;
            }
            is_written = self.probe().await;
        }
    }

    /// Follows the writes until the service was idle until `until` (returns false) or a write failed (returns true).
    async fn written_until(&mut self, mut until: Instant, mut is_written: bool) -> bool {
        loop {
            tokio::select! {
                () = sleep_until(until) => return false,
                changed = self.writes.changed() => if changed.is_err() {
                    // The executor has stopped, so the process is stopping. This task is cancelled with it.
                    std::future::pending::<()>().await;
                },
            }
            let last = *self.writes.borrow_and_update();
            match last {
                LastWrite::None => {}
                LastWrite::Answered => {
                    if !is_written {
                        self.part.set(&connected());
                        is_written = true;
                    }
                    until = Instant::now() + IDLE;
                }
                LastWrite::Unavailable => {
                    self.part.set(&unwritten(false));
                    return true;
                }
                // The batch may have been at fault, not the store; the probe decides.
                LastWrite::Failed => return true,
            }
        }
    }

    /// Writes the probe row and returns whether that succeeded.
    async fn probe(&self) -> bool {
        let probe = async {
            match self.opened.probe_write().await {
                Ok(()) => connected(),
                Err(_) => unwritten(self.opened.store().head().await.is_ok()),
            }
        };
        let state = within(PROBE_TIMEOUT, probe).await;
        self.part.set(&state);
        state.up
    }
}

fn connected() -> ComponentState {
    ComponentState::up("connected")
}

/// The component's state after a failed write.
fn unwritten(is_read: bool) -> ComponentState {
    ComponentState::down(if is_read {
        "not writable"
    } else {
        "disconnected"
    })
}
