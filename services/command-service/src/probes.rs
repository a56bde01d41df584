//! What `/health` says of the write side, and when it is ready: if its last write succeeded, or, while there is none, a
//! write of its own that is no event.
//!
//! A database that answers reads says nothing about writes: the disk may be full, the server a replica, a right gone. So
//! each database has a row that is written again while nothing else is.
//!
//! ```text
//!   idle for 5 s ──► probe ──► succeeded ──► connected
//!                     ▲   └──► failed ──► not writable, or disconnected ── 1 s ──► probe
//!   a write failed ───┘                        ▲
//!   a write was answered ──► connected         └── at once, where it is the store's fault and not the batch's
//! ```

use std::time::Duration;

use command_database::CommandDatabase;
use event_sourcing::LastWrite;
use event_store_any::AnyEventStore;
use platform::Tasks;
use platform::health::{Component, ComponentState, Health, within};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// How long nothing may be written before it is tried.
const IDLE: Duration = Duration::from_secs(5);
/// The pause before a write that failed is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// The longest that a probe may take.
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);

/// Adds the parts, with their first answers.
pub(crate) async fn start(
    health: &Health,
    tasks: &Tasks,
    opened: &AnyEventStore,
    database: &CommandDatabase,
    writes: watch::Receiver<LastWrite>,
) {
    let events = Events {
        opened: opened.clone(),
        part: health.part("event_store"),
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
                // A store that fails one write after another is not asked in a loop.
                tokio::time::sleep(RETRY).await;
            }
            is_written = self.probe().await;
        }
    }

    /// Follows the writes until there was none for as long as `until`, or one failed; says which.
    async fn written_until(&mut self, mut until: Instant, mut is_written: bool) -> bool {
        loop {
            tokio::select! {
                () = sleep_until(until) => return false,
                changed = self.writes.changed() => if changed.is_err() {
                    // The executor has ended, and the process is about to.
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
                // Perhaps only the batch could not be kept.
                LastWrite::Failed => return true,
            }
        }
    }

    /// Writes, and says whether that succeeded.
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

/// What the part says after a write that failed.
fn unwritten(is_read: bool) -> ComponentState {
    ComponentState::down(if is_read {
        "not writable"
    } else {
        "disconnected"
    })
}
