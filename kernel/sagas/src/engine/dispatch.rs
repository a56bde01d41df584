//! Drives the sagas that are due, each in a task of its own.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use event_sourcing::clock::after;
use tokio::task::JoinSet;

use super::schedule::{Due, NextWake};
use super::shared::Shared;
use crate::fields;

/// Puts a saga back, also if its task panics.
struct DriveGuard<'a> {
    shared: &'a Shared,
    due: Due,
    rest: NextWake,
}

impl Drop for DriveGuard<'_> {
    fn drop(&mut self) {
        let Due {
            saga_id, partition, ..
        } = &self.due;
        self.shared
            .schedule
            .reschedule(saga_id, *partition, self.rest);
    }
}

/// Drives what is due, until the stop; then waits for what is driven.
pub(super) async fn run(shared: &Arc<Shared>) {
    let mut driven = JoinSet::new();
    loop {
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
                    tracing::error!({ fields::ERROR } = &error as &dyn std::error::Error, "a saga's task failed");
                }
            }
            () = tokio::time::sleep(pause.min(Duration::from_hours(1))) => {}
        }
    }
}

async fn drive(shared: Arc<Shared>, due: Due) {
    let mut seat = DriveGuard {
        shared: &shared,
        rest: NextWake::Until(after(shared.clock.now(), shared.config.retry)),
        due,
    };
    let Some(driver) = shared.drivers.get(seat.due.kind) else {
        seat.rest = NextWake::OnSignal;
        return;
    };
    seat.rest = driver
        .drive(&shared, &seat.due.saga_id, seat.due.partition)
        .await;
}
