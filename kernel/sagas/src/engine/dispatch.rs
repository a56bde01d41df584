//! Drives the sagas that are due, each in its own task.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use event_sourcing::clock::after;
use tokio::task::JoinSet;

use super::schedule::{Due, NextWake};
use super::shared::Shared;
use crate::fields;

/// Reschedules a saga when its task ends, also by a panic: otherwise it would stay marked as running permanently, and
/// its partition could never be released.
struct DriveGuard<'a> {
    shared: &'a Shared,
    due: Due,
    next_wake: NextWake,
}

impl Drop for DriveGuard<'_> {
    fn drop(&mut self) {
        let Due {
            saga_id, partition, ..
        } = &self.due;
        self.shared
            .schedule
            .reschedule(saga_id, *partition, self.next_wake);
    }
}

/// Drives the sagas that are due until the stop; then waits for those in progress.
pub(super) async fn run(shared: &Arc<Shared>) {
    let mut driven = JoinSet::new();
    loop {
        // Before `changed` is awaited below: a notification sent in between is stored and returns immediately.
        let now = shared.clock.now();
        let next = shared.schedule.wake(now);
        while driven.len() < shared.config.drives
            && !shared.stop.is_cancelled()
            && let Some(due) = shared.schedule.take(&shared.ownership)
        {
            driven.spawn(drive(Arc::clone(shared), due));
        }
        if shared.stop.is_cancelled() && driven.is_empty() {
            return;
        }
        // At least a millisecond, because timers and clock differ in resolution; at most an hour, because the wall clock
        // may be set while the timer runs.
        let pause = next.map_or(Duration::MAX, |at| {
            (at - now)
                .max(TimeDelta::milliseconds(1))
                .to_std()
                .unwrap_or(Duration::MAX)
        });
        tokio::select! {
            () = shared.schedule.changed() => {}
            () = shared.stop.cancelled(), if !shared.stop.is_cancelled() => {}
            Some(ended) = driven.join_next() => {
                if let Err(error) = ended {
                    tracing::error!({ fields::ERROR } = &error as &dyn std::error::Error, "the task of a saga failed");
                }
            }
            () = tokio::time::sleep(pause.min(Duration::from_hours(1))) => {}
        }
    }
}

async fn drive(shared: Arc<Shared>, due: Due) {
    let mut guard = DriveGuard {
        shared: &shared,
        // What applies if the driver panics.
        next_wake: NextWake::Until(after(shared.clock.now(), shared.config.retry)),
        due,
    };
    let Some(driver) = shared.drivers.get(guard.due.kind) else {
        guard.next_wake = NextWake::OnSignal;
        return;
    };
    guard.next_wake = driver
        .drive(&shared, &guard.due.saga_id, guard.due.partition)
        .await;
}
