//! Which partitions this process owns, by lease.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use event_sourcing::failure_log::FailureLog;
use event_sourcing::id::Position;
use event_sourcing::lease::{Fence, Lease, LeaseRetention, Token};
use event_sourcing::store::StoreError;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Shared;
use crate::fields;
use crate::start::PARTITIONS;

const PARTITION_PREFIX: &str = "saga/";

/// What the names of heartbeats begin with; the rest is the id that each start of a process makes anew. A process holds
/// its heartbeat for as long as it is alive, so that the others can count who shares the partitions.
const HEARTBEAT_PREFIX: &str = "saga-process/";

/// A heartbeat guards nothing, and each start adds one.
const HEARTBEAT_RETENTION: LeaseRetention = LeaseRetention {
    prefix: HEARTBEAT_PREFIX,
    period: Duration::from_hours(24),
};

#[derive(Clone, Debug)]
struct Held {
    token: Token,
    /// Until when it surely holds, by this process's own time: counted from before it was asked for.
    until: Instant,
    /// The log must be known up to here before anything is done.
    caught_up_at: Option<Position>,
    /// Others are to have it, once nothing is driven.
    is_leaving: bool,
}

/// The partitions of this process.
#[derive(Debug, Default)]
pub(super) struct Ownership {
    held: Mutex<Vec<Option<Held>>>,
    /// How far the log is known.
    known: AtomicU64,
    renewed: Notify,
}

impl Ownership {
    fn of<T>(&self, partition: u16, ask: impl FnOnce(&Held) -> Option<T>) -> Option<T> {
        let held = self.held.lock();
        held.get(usize::from(partition))?.as_ref().and_then(ask)
    }

    /// Whether it may write its sagas.
    pub(super) fn owns(&self, partition: u16) -> bool {
        self.token(partition).is_some()
    }

    fn token(&self, partition: u16) -> Option<Token> {
        self.of(partition, |held| {
            held.caught_up_at.is_none().then_some(held.token)
        })
    }

    /// Whether it may begin to drive one of its sagas.
    pub(super) fn may_begin(&self, partition: u16) -> bool {
        self.of(partition, |held| {
            (held.caught_up_at.is_none() && !held.is_leaving).then_some(())
        })
        .is_some()
    }

    /// What a commit on one of its sagas carries; none if it is not its own.
    pub(super) fn fence(&self, partition: u16) -> Option<Fence> {
        let token = self.token(partition)?;
        let lease = name(partition);
        Some(Fence { lease, token })
    }

    /// Gives a partition up at once: somebody else has it. It may have been taken anew since, under another token.
    pub(super) fn lose(&self, partition: u16, token: Token) {
        if let Some(slot) = self.held.lock().get_mut(usize::from(partition))
            && slot.as_ref().is_some_and(|held| held.token == token)
        {
            *slot = None;
        }
    }

    /// Waits until the lease surely lasts for `least`, and says whether the partition is still this process's.
    pub(super) async fn lasts(&self, partition: u16, least: Duration) -> bool {
        loop {
            let mut renewed = std::pin::pin!(self.renewed.notified());
            renewed.as_mut().enable();
            let Some(until) = self.of(partition, |held| Some(held.until)) else {
                return false;
            };
            if until >= Instant::now() + least {
                return true;
            }
            renewed.await;
        }
    }

    /// The log is known up to `position`: gives the partitions that waited for that.
    pub(super) fn caught_up(&self, position: Position) -> Vec<u16> {
        self.known.fetch_max(position.0, Ordering::Relaxed);
        let mut held = self.held.lock();
        let mut ready = Vec::new();
        for (partition, held) in (0..).zip(held.iter_mut()) {
            if let Some(held) = held
                && held.caught_up_at.is_some_and(|needed| needed <= position)
            {
                held.caught_up_at = None;
                ready.push(partition);
            }
        }
        ready
    }

    fn gain(&self, leases: &[Lease], asked_at: Instant, ttl: Duration, head: Position) {
        let mut slots = self.held.lock();
        slots.resize(usize::from(PARTITIONS), None);
        for lease in leases {
            if let Some(slot) = partition(&lease.name).and_then(|index| slots.get_mut(index)) {
                *slot = Some(Held {
                    token: lease.token,
                    until: asked_at + ttl,
                    caught_up_at: Some(head),
                    is_leaving: false,
                });
            }
        }
    }

    /// Prolongs what was renewed and drops what was not.
    fn renew(&self, leases: &[Lease], asked_at: Instant, ttl: Duration) -> Renewal {
        let mut tokens = [None; PARTITIONS as usize];
        for lease in leases {
            if let Some(token) = partition(&lease.name).and_then(|index| tokens.get_mut(index)) {
                *token = Some(lease.token);
            }
        }
        let mut slots = self.held.lock();
        slots.resize(usize::from(PARTITIONS), None);
        let mut renewal = Renewal::default();
        for (partition, (slot, token)) in (0..).zip(slots.iter_mut().zip(tokens)) {
            match (slot.as_mut(), token) {
                (Some(held), Some(token)) if held.token == token => held.until = asked_at + ttl,
                (Some(_), _) => {
                    renewal.lost.push(partition);
                    *slot = None;
                }
                (None, Some(token)) => renewal.unknown.push(Lease {
                    name: name(partition),
                    token,
                }),
                (None, None) => {}
            }
        }
        drop(slots);
        self.renewed.notify_waiters();
        renewal
    }

    fn partitions(&self) -> Vec<u16> {
        let held = self.held.lock();
        let held = (0..).zip(held.iter());
        held.filter_map(|(partition, held)| held.is_some().then_some(partition))
            .collect()
    }

    fn leave(&self, partitions: &[u16]) {
        let mut held = self.held.lock();
        for partition in partitions {
            if let Some(Some(held)) = held.get_mut(usize::from(*partition)) {
                held.is_leaving = true;
            }
        }
    }

    fn leaving(&self) -> Vec<(u16, Token)> {
        let held = self.held.lock();
        let held = (0..).zip(held.iter());
        let leaving = held.filter_map(|(partition, held)| {
            let held = held.as_ref().filter(|held| held.is_leaving)?;
            Some((partition, held.token))
        });
        leaving.collect()
    }
}

/// What a renewal found that was not known.
#[derive(Debug, Default)]
struct Renewal {
    /// The partitions that are another process's now.
    lost: Vec<u16>,
    /// The leases of partitions that this process holds and did not know of: the answer to their taking was lost, or the
    /// store failed behind it.
    unknown: Vec<Lease>,
}

fn name(partition: u16) -> Arc<str> {
    format!("{PARTITION_PREFIX}{partition:02}").into()
}

/// The partition whose lease has this name.
fn partition(name: &str) -> Option<usize> {
    name.strip_prefix(PARTITION_PREFIX)?.parse().ok()
}

#[expect(clippy::cast_precision_loss, reason = "a gauge")]
fn measure(shared: &Shared) {
    let (open, suspended) = shared.schedule.count(&shared.ownership);
    metrics::gauge!("saga_active").set(open as f64);
    metrics::gauge!("saga_suspended").set(suspended as f64);
}

/// Takes, keeps and gives back partitions; gives all back when the sagas have come to rest.
pub(super) async fn keep(shared: &Shared, rested: &CancellationToken) {
    let heartbeat: Arc<str> = format!("{HEARTBEAT_PREFIX}{}", shared.config.owner).into();
    let failures = FailureLog::new();
    while !rested.is_cancelled() {
        let tried = renew(shared, &heartbeat).await;
        measure(shared);
        let pause = match tried {
            Ok(()) => {
                failures.log_recovery(Instant::now(), "the leases of sagas are kept again");
                shared.config.lease / 3
            }
            Err(error) => {
                if let Some(suppressed) = failures.failed(Instant::now()) {
                    tracing::warn!(
                        { fields::ERROR } = &error as &dyn std::error::Error,
                        { fields::SUPPRESSED } = suppressed,
                        "the leases of sagas could not be kept; it is tried again"
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
        // They expire by themselves.
        tracing::warn!(
            { fields::ERROR } = &error as &dyn std::error::Error,
            "the leases of sagas were not given back"
        );
    }
}

async fn seize(shared: &Shared) -> Result<(), StoreError> {
    let (owner, ttl) = (&shared.config.owner, shared.config.lease);
    let names: Vec<_> = (0..PARTITIONS).map(name).collect();
    let asked_at = Instant::now();
    let leases = shared.leases.seize_leases(&names, owner, ttl).await?;
    admit(shared, &leases, asked_at).await
}

async fn renew(shared: &Shared, heartbeat: &Arc<str>) -> Result<(), StoreError> {
    let (owner, ttl) = (&shared.config.owner, shared.config.lease);
    let asked_at = Instant::now();
    let renewed = shared.leases.renew_leases(owner, ttl).await?;
    let Renewal { lost, unknown } = shared.ownership.renew(&renewed, asked_at, ttl);
    if let Some(first) = lost.first() {
        shared.failures.lost_partitions(*first, lost.len());
    }
    if shared.stop.is_cancelled() {
        return Ok(());
    }
    if !unknown.is_empty() {
        admit(shared, &unknown, asked_at).await?;
    }
    if shared.config.is_alone {
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
    let processes = shared.leases.held_leases(HEARTBEAT_PREFIX).await?;
    let processes = processes.len().max(1);
    let quota = usize::from(PARTITIONS).div_ceil(processes);
    let mine = shared.ownership.partitions();
    if let Some(surplus) = mine.get(quota..) {
        shared.ownership.leave(surplus);
    }
    give_back(shared).await?;
    if mine.len() < quota {
        take(shared, quota - mine.len()).await?;
    }
    Ok(())
}

/// Gives back what others are to have and nobody drives.
async fn give_back(shared: &Shared) -> Result<(), StoreError> {
    let mut left = shared.ownership.leaving();
    left.retain(|(partition, _)| !shared.schedule.is_driven(*partition));
    if left.is_empty() {
        return Ok(());
    }
    for (partition, token) in &left {
        shared.ownership.lose(*partition, *token);
    }
    let names: Vec<_> = left.iter().map(|(partition, _)| name(*partition)).collect();
    shared
        .leases
        .release_leases(&names, &shared.config.owner)
        .await
}

/// Takes up to `count` partitions that nobody holds.
async fn take(shared: &Shared, count: usize) -> Result<(), StoreError> {
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
    admit(shared, &leases, asked_at).await
}

/// Owns what was taken, once the log is known up to a head that is read now.
async fn admit(shared: &Shared, leases: &[Lease], asked_at: Instant) -> Result<(), StoreError> {
    let head = shared.store.head().await?;
    shared
        .ownership
        .gain(leases, asked_at, shared.config.lease, head);
    let known = Position(shared.ownership.known.load(Ordering::Relaxed));
    for partition in shared.ownership.caught_up(known) {
        shared.schedule.touch_partition(partition);
    }
    Ok(())
}
