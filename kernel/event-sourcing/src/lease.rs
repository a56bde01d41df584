//! Leases: which process may do a job, until when, and how a store rejects an earlier holder.
//!
//! A lease row has an owner, an expiry by the store's clock, and a token that only grows. Expiry alone does not
//! protect: a process that was paused for longer than its lease continues as if it still held it (a zombie). Therefore
//! the holder's writes carry the token as a [`Fence`], and the store rejects every token but the current one.
//!
//! A row stays when its lease ends, because a token that restarted would let a zombie's write pass. That is acceptable
//! while names are few. Where each start of a process takes a lease under a new name, such as a heartbeat, rows would
//! accumulate. No fence refers to such leases, so their owner specifies which of them the store deletes after they have
//! ended ([`LeaseRetention`]).

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::error::StoreError;

/// The maximum number of names that [`LeaseStore::held_leases`] returns.
pub const MAX_HELD_LEASES: usize = 1_000;

/// Which leases are deleted once they have ended.
///
/// The token of a deleted lease restarts, so no commit may be fenced by such a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseRetention {
    /// The prefix of their names, compared literally.
    pub prefix: &'static str,
    /// The minimum time for which a lease is retained after its end.
    pub period: Duration,
}

/// A fencing token. It grows with each change of owner, and when an owner takes its own expired lease again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub u64);

/// The proof in a commit that its writer still holds a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fence {
    /// The lease's name.
    pub lease: Arc<str>,
    /// The token that the writer got when it took the lease.
    pub token: Token,
}

/// A lease that was taken or renewed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Its name.
    pub name: Arc<str>,
    /// Its token.
    pub token: Token,
}

/// Stores leases. Expiry is decided by the store's clock, never by a worker's.
#[async_trait]
pub trait LeaseStore: Send + Sync + 'static {
    /// Takes those of `names` that are free, expired, or already held by this owner. An unexpired lease of the same
    /// owner is renewed with the same token; any other one gets the next token. Leases that another owner holds are not
    /// returned. Duplicate names count once.
    ///
    /// With a `retention`, leases that match it and ended longer ago than its period are deleted first. All other rows
    /// stay.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be reached.
    async fn acquire_leases(
        &self,
        names: &[Arc<str>],
        owner: &str,
        ttl: Duration,
        retention: Option<LeaseRetention>,
    ) -> Result<Vec<Lease>, StoreError>;

    /// Renews all of this owner's unexpired leases in one statement and returns them.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be reached.
    async fn renew_leases(&self, owner: &str, ttl: Duration) -> Result<Vec<Lease>, StoreError>;

    /// Ends those of `names` that this owner holds, so that other processes need not wait until they expire.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be reached.
    async fn release_leases(&self, names: &[Arc<str>], owner: &str) -> Result<(), StoreError>;

    /// The names of all unexpired leases of any owner that start with `prefix`, in byte order; only the first
    /// [`MAX_HELD_LEASES`]. The prefix is compared literally.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be reached.
    async fn held_leases(&self, prefix: &str) -> Result<Vec<Arc<str>>, StoreError>;

    /// Takes all of `names` from their owners, each with its next token: all of them or, with an error, none. Duplicate
    /// names count once.
    ///
    /// Call it only if no other process can be running, such as at the start of a process that has locked the directory
    /// of its SQLite files: existing leases then belong to a dead process and need not expire first. Otherwise it takes
    /// work from running processes: the fences protect the data, but the work of those processes is rejected until they
    /// notice.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be reached.
    async fn seize_leases(
        &self,
        names: &[Arc<str>],
        owner: &str,
        ttl: Duration,
    ) -> Result<Vec<Lease>, StoreError>;
}
