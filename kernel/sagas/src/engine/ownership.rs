//! Which partitions this process owns, by lease.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use event_sourcing::id::Position;
use event_sourcing::lease::{Fence, Lease, Token};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::start::PARTITIONS;

/// What the names of the partitions' leases begin with.
pub(super) const PARTITION_PREFIX: &str = "saga/";

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
    pub(super) async fn wait_until_valid_for(&self, partition: u16, least: Duration) -> bool {
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

    /// How far the log is known.
    pub(super) fn read_up_to(&self) -> Position {
        Position(self.known.load(Ordering::Relaxed))
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

    pub(super) fn gain(&self, leases: &[Lease], asked_at: Instant, ttl: Duration, head: Position) {
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

    pub(super) fn partitions(&self) -> Vec<u16> {
        let held = self.held.lock();
        let held = (0..).zip(held.iter());
        held.filter_map(|(partition, held)| held.is_some().then_some(partition))
            .collect()
    }

    pub(super) fn drain(&self, partitions: &[u16]) {
        let mut held = self.held.lock();
        for partition in partitions {
            if let Some(Some(held)) = held.get_mut(usize::from(*partition)) {
                held.is_leaving = true;
            }
        }
    }

    pub(super) fn leaving(&self) -> Vec<(u16, Token)> {
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
pub(super) struct Renewal {
    /// The partitions that are another process's now.
    pub(super) lost: Vec<u16>,
    /// The leases of partitions that this process holds and did not know of: the answer to their taking was lost, or the
    /// store failed behind it.
    pub(super) unknown: Vec<Lease>,
}

/// The name of a partition's lease.
pub(super) fn name(partition: u16) -> Arc<str> {
    format!("{PARTITION_PREFIX}{partition:02}").into()
}

/// The partition whose lease has this name.
fn partition(name: &str) -> Option<usize> {
    name.strip_prefix(PARTITION_PREFIX)?.parse().ok()
}
