//! Leases: who may do a job, until when, and how to tell a late holder from the present one.
//!
//! A lease row has an owner, an expiry by the store's clock, and a token that only grows. Expiry alone does not
//! protect: a process that was stopped for longer than its lease goes on as if it held it (a zombie). So what the
//! holder writes carries the token as a [`Fence`], and the store refuses every token but the present one.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::store::StoreError;

/// Grows with each change of owner, also when an owner takes its own expired lease again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub u64);

/// What a commit shows to prove that its writer still holds a lease.
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

/// Keeps leases. Expiry is decided by the store's own time, never by a worker's clock.
#[async_trait]
pub trait LeaseStore: Send + Sync + 'static {
    /// Takes those of `names` that are free, expired, or already this owner's. An unexpired lease of the same owner
    /// keeps its token and is prolonged; any other one gets the next token. Those that somebody else holds are
    /// left out of the answer.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be reached.
    async fn acquire_leases(
        &self,
        names: &[Arc<str>],
        owner: &str,
        ttl: Duration,
    ) -> Result<Vec<Lease>, StoreError>;

    /// Prolongs all of this owner's unexpired leases in one statement and gives them back.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be reached.
    async fn renew_leases(&self, owner: &str, ttl: Duration) -> Result<Vec<Lease>, StoreError>;

    /// Ends those of `names` that this owner holds, so that others need not wait for the expiry.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be reached.
    async fn release_leases(&self, names: &[Arc<str>], owner: &str) -> Result<(), StoreError>;
}
