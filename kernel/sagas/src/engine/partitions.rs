//! Acquires, renews and releases partitions, so that all processes own about the same number.

use std::sync::Arc;
use std::time::Duration;

use event_sourcing::failure_log::FailureLog;
use event_sourcing::lease::{Lease, LeaseRetention};
use event_sourcing::store::StoreError;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::ownership::{PARTITION_PREFIX, Renewal, name};
use super::shared::Shared;
use crate::fields;
use crate::start::PARTITIONS;

/// The prefix of the names of heartbeats; the owner's id follows. A process holds its heartbeat, a lease, while it is
/// alive, so that the others can count the processes that share the partitions.
const HEARTBEAT_PREFIX: &str = "saga-process/";

/// A heartbeat fences nothing, so old ones can be deleted; each start adds one.
const HEARTBEAT_RETENTION: LeaseRetention = LeaseRetention {
    prefix: HEARTBEAT_PREFIX,
    period: Duration::from_hours(24),
};

#[expect(clippy::cast_precision_loss, reason = "a gauge")]
fn measure(shared: &Shared) {
    let (open, suspended) = shared.schedule.count(&shared.ownership);
    metrics::gauge!("saga_active").set(open as f64);
    metrics::gauge!("saga_suspended").set(suspended as f64);
}

/// Maintains the leases until `rested` is cancelled, when the last drive has ended; then releases them.
pub(super) async fn maintain(shared: &Shared, rested: &CancellationToken) {
    let heartbeat: Arc<str> = format!("{HEARTBEAT_PREFIX}{}", shared.config.owner).into();
    let failures = FailureLog::new();
    while !rested.is_cancelled() {
        let tried = renew(shared, &heartbeat).await;
        measure(shared);
        let pause = match tried {
            Ok(()) => {
                failures.log_recovery(Instant::now(), "the leases of sagas are renewed again");
                shared.config.lease / 3
            }
            Err(error) => {
                if let Some(suppressed) = failures.failed(Instant::now()) {
                    tracing::warn!(
                        { fields::ERROR } = &error as &dyn std::error::Error,
                        { fields::SUPPRESSED } = suppressed,
                        "the leases of sagas could not be renewed; retrying"
                    );
                }
                shared.config.retry
            }
        };
        tokio::select! {
            () = rested.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
    let names: Vec<_> = (0..PARTITIONS).map(name).chain([heartbeat]).collect();
    if let Err(error) = shared
        .leases
        .release_leases(&names, &shared.config.owner)
        .await
    {
        // Not retried: they expire by themselves.
        tracing::warn!(
            { fields::ERROR } = &error as &dyn std::error::Error,
            "the leases of sagas were not released"
        );
    }
}

/// Takes over all partitions without waiting for expiry. Only safe because no other process can write to the store.
async fn seize(shared: &Shared) -> Result<(), StoreError> {
    let (owner, ttl) = (&shared.config.owner, shared.config.lease);
    let names: Vec<_> = (0..PARTITIONS).map(name).collect();
    let asked_at = Instant::now();
    let leases = shared.leases.seize_leases(&names, owner, ttl).await?;
    activate(shared, &leases, asked_at).await
}

async fn renew(shared: &Shared, heartbeat: &Arc<str>) -> Result<(), StoreError> {
    let (owner, ttl) = (&shared.config.owner, shared.config.lease);
    // Before the request: the lease may be counted as valid for less than the store grants, never for more.
    let asked_at = Instant::now();
    let renewed = shared.leases.renew_leases(owner, ttl).await?;
    let Renewal { lost, unknown } = shared.ownership.renew(&renewed, asked_at, ttl);
    if let Some(first) = lost.first() {
        shared.failures.lost_partitions(*first, lost.len());
    }
    // While draining, renew what is owned for the calls in flight and acquire nothing.
    if shared.stop.is_cancelled() {
        return Ok(());
    }
    if !unknown.is_empty() {
        activate(shared, &unknown, asked_at).await?;
    }
    if shared.config.single_process {
        let owns_all = shared.ownership.partitions().len() == usize::from(PARTITIONS);
        return if owns_all {
            Ok(())
        } else {
            seize(shared).await
        };
    }
    if !renewed.iter().any(|lease| lease.name == *heartbeat) {
        let names = [Arc::clone(heartbeat)];
        let retention = Some(HEARTBEAT_RETENTION);
        let leases = &shared.leases;
        leases.acquire_leases(&names, owner, ttl, retention).await?;
    }
    // Counted after the own heartbeat is held, so that a process that has just started counts itself.
    let processes = shared.leases.held_leases(HEARTBEAT_PREFIX).await?;
    let processes = processes.len().max(1);
    let quota = usize::from(PARTITIONS).div_ceil(processes);
    let mine = shared.ownership.partitions();
    if let Some(surplus) = mine.get(quota..) {
        shared.ownership.drain(surplus);
    }
    release(shared).await?;
    if mine.len() < quota {
        acquire(shared, quota - mine.len()).await?;
    }
    Ok(())
}

/// Releases the draining partitions of which no saga is running.
async fn release(shared: &Shared) -> Result<(), StoreError> {
    let mut left = shared.ownership.draining();
    left.retain(|(partition, _)| !shared.schedule.is_running(*partition));
    if left.is_empty() {
        return Ok(());
    }
    // First locally, then in the store: no drive may start on a partition whose lease another process can acquire. If the
    // request fails, the lease expires, or the next renewal reports it as unknown and the partition is activated again.
    for (partition, token) in &left {
        shared.ownership.remove(*partition, *token);
    }
    let names: Vec<_> = left.iter().map(|(partition, _)| name(*partition)).collect();
    shared
        .leases
        .release_leases(&names, &shared.config.owner)
        .await
}

/// Acquires up to `count` partitions without an owner.
async fn acquire(shared: &Shared, count: usize) -> Result<(), StoreError> {
    let held = shared.leases.held_leases(PARTITION_PREFIX).await?;
    let free = (0..PARTITIONS)
        .map(name)
        .filter(|name| !held.contains(name));
    let names: Vec<_> = free.take(count).collect();
    if names.is_empty() {
        return Ok(());
    }
    let (owner, ttl) = (&shared.config.owner, shared.config.lease);
    let asked_at = Instant::now();
    let leases = &shared.leases;
    let leases = leases.acquire_leases(&names, owner, ttl, None).await?;
    activate(shared, &leases, asked_at).await
}

/// Adds acquired leases. The head is queried now, after the leases were granted: whatever earlier owners wrote is at or
/// below it, and what they still send is rejected by the fence.
async fn activate(shared: &Shared, leases: &[Lease], asked_at: Instant) -> Result<(), StoreError> {
    let head = shared.store.head().await?;
    shared
        .ownership
        .add(leases, asked_at, shared.config.lease, head);
    // The index may have read up to the head already, and then it reports no further progress on an idle log.
    let known = shared.ownership.read_up_to();
    for partition in shared.ownership.caught_up(known) {
        shared.schedule.wake_partition(partition);
    }
    Ok(())
}
