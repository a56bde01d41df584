//! The partitions that this process owns by lease.
//!
//! ```text
//!            gain             caught_up            drain
//!   (none) ───────► catching up ───────► active ───────► draining
//!      ▲                 │                 │                 │
//!      └─────────────────┴──── lose ───────┴─────────────────┘
//! ```
//!
//! The fence, which the store checks in each commit, guarantees that two processes never write to the same saga. The
//! local times only delay calls; no guarantee depends on them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use event_sourcing::id::Position;
use event_sourcing::lease::{Fence, Lease, Token};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::start::PARTITIONS;

/// The prefix of the names of the partitions' leases.
pub(super) const PARTITION_PREFIX: &str = "saga/";

#[derive(Clone, Debug)]
struct HeldLease {
    token: Token,
    /// The lease is valid until this time of the monotonic clock, counted from before the request was sent: the store
    /// cannot have let it expire earlier.
    until: Instant,
    /// The index must have read the log up to here before a saga of the partition is driven: below this head lies all that
    /// earlier owners have written.
    caught_up_at: Option<Position>,
    /// The partition is to be released once none of its sagas is running.
    is_draining: bool,
}

/// The partitions of this process.
#[derive(Debug, Default)]
pub(super) struct Ownership {
    held: Mutex<Vec<Option<HeldLease>>>,
    /// The position up to which the index has read the log.
    known: AtomicU64,
    renewed: Notify,
}

impl Ownership {
    fn of<T>(&self, partition: u16, ask: impl FnOnce(&HeldLease) -> Option<T>) -> Option<T> {
        let held = self.held.lock();
        held.get(usize::from(partition))?.as_ref().and_then(ask)
    }

    /// Whether this process may write to the partition's sagas, which it also may while draining.
    pub(super) fn owns(&self, partition: u16) -> bool {
        self.token(partition).is_some()
    }

    fn token(&self, partition: u16) -> Option<Token> {
        self.of(partition, |held| {
            held.caught_up_at.is_none().then_some(held.token)
        })
    }

    /// Whether a drive of one of the partition's sagas may start.
    pub(super) fn may_start(&self, partition: u16) -> bool {
        self.of(partition, |held| {
            (held.caught_up_at.is_none() && !held.is_draining).then_some(())
        })
        .is_some()
    }

    /// The fence for a commit on one of the partition's sagas; none without a lease.
    pub(super) fn fence(&self, partition: u16) -> Option<Fence> {
        let token = self.token(partition)?;
        let lease = name(partition);
        Some(Fence { lease, token })
    }

    /// Removes a partition that another process owns now, or that is about to be released.
    pub(super) fn remove(&self, partition: u16, token: Token) {
        // The lease may have been acquired again in the meantime; then the token differs, and the new lease must stay.
        if let Some(slot) = self.held.lock().get_mut(usize::from(partition))
            && slot.as_ref().is_some_and(|held| held.token == token)
        {
            *slot = None;
        }
    }

    /// Waits until the lease is valid for at least `least`. Returns false if the partition is lost.
    pub(super) async fn wait_until_valid_for(&self, partition: u16, least: Duration) -> bool {
        loop {
            // Registered before the check: a renewal between the check and the wait would otherwise be missed.
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

    /// The position up to which the index has read the log.
    pub(super) fn read_up_to(&self) -> Position {
        Position(self.known.load(Ordering::Relaxed))
    }

    /// Records that the index has read up to `position`. Returns the partitions that become active with it.
    pub(super) fn caught_up(&self, position: Position) -> Vec<u16> {
        // The maximum, because `activate` reports a position that it read before, while the index moves on.
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

    /// Adds leases that were acquired by a request sent at `asked_at`. Their partitions become active once the index has read
    /// the log up to `head`, which must be queried after the lease was acquired.
    pub(super) fn add(&self, leases: &[Lease], asked_at: Instant, ttl: Duration, head: Position) {
        let mut slots = self.held.lock();
        slots.resize(usize::from(PARTITIONS), None);
        for lease in leases {
            if let Some(slot) = partition(&lease.name).and_then(|index| slots.get_mut(index)) {
                *slot = Some(HeldLease {
                    token: lease.token,
                    until: asked_at + ttl,
                    caught_up_at: Some(head),
                    is_draining: false,
                });
            }
        }
    }

    /// Extends the leases that were renewed and removes the partitions whose leases were not.
    pub(super) fn renew(&self, leases: &[Lease], asked_at: Instant, ttl: Duration) -> Renewal {
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
                // A different token means that another owner held the lease in between, and may have written.
                (Some(held), Some(token)) if held.token == token => held.until = asked_at + ttl,
                (Some(_), _) => {
                    renewal.lost.push(partition);
                    *slot = None;
                }
                // Not usable yet: a head must be queried for it first.
                (None, Some(token)) => renewal.unknown.push(Lease {
                    name: name(partition),
                    token,
                }),
                (None, None) => {}
            }
        }
        drop(slots);
        // Also if leases were lost: `wait_until_valid_for` then returns false.
        self.renewed.notify_waiters();
        renewal
    }

    pub(super) fn partitions(&self) -> Vec<u16> {
        let held = self.held.lock();
        let held = (0..).zip(held.iter());
        held.filter_map(|(partition, held)| held.is_some().then_some(partition))
            .collect()
    }

    /// Starts no further drives of these partitions. Their leases are still renewed, so that running drives can commit.
    pub(super) fn drain(&self, partitions: &[u16]) {
        let mut held = self.held.lock();
        for partition in partitions {
            if let Some(Some(held)) = held.get_mut(usize::from(*partition)) {
                held.is_draining = true;
            }
        }
    }

    pub(super) fn draining(&self) -> Vec<(u16, Token)> {
        let held = self.held.lock();
        let held = (0..).zip(held.iter());
        let leaving = held.filter_map(|(partition, held)| {
            let held = held.as_ref().filter(|held| held.is_draining)?;
            Some((partition, held.token))
        });
        leaving.collect()
    }
}

/// Differences between the store and this process that a renewal found.
#[derive(Debug, Default)]
pub(super) struct Renewal {
    /// Partitions whose leases expired or belong to another process.
    pub(super) lost: Vec<u16>,
    /// Leases that the store granted to this process and that it does not know of: the answer was lost, or reading the
    /// head failed after it.
    pub(super) unknown: Vec<Lease>,
}

/// The name of a partition's lease. Stored: all binaries must agree on it.
pub(super) fn name(partition: u16) -> Arc<str> {
    format!("{PARTITION_PREFIX}{partition:02}").into()
}

/// The partition whose lease has this name.
fn partition(name: &str) -> Option<usize> {
    name.strip_prefix(PARTITION_PREFIX)?.parse().ok()
}
