//! Leases: who may do a job, until when, and how to tell a late holder from the present one.
//!
//! A lease row has an owner, an expiry by the store's clock, and a token that only grows. Expiry alone does not
//! protect: a process that was stopped for longer than its lease goes on as if it held it (a zombie). So what the
//! holder writes carries the token as a [`Fence`], and the store refuses every token but the present one.
//!
//! A lease's row stays when the lease ends, because a token that began again would let a zombie in. That is fine while
//! names are few. Where each start of a process takes a lease under a name of its own, such as a heartbeat, rows would pile
//! up. Such rows guard nothing and no fence refers to them, so the one who takes them also says which of them the store
//! deletes once they have ended ([`LeaseRetention`]).

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::error::StoreError;

/// The most names that [`LeaseStore::held_leases`] answers.
pub const MAX_HELD_LEASES: usize = 1_000;

/// Which leases are deleted once they have ended.
///
/// The token of a deleted lease begins again, so no commit may be fenced by one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseRetention {
    /// What their names begin with. No character has a special meaning.
    pub prefix: &'static str,
    /// For how long after its end a lease is kept at least.
    pub period: Duration,
}

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
    /// left out of the answer. A name that is given twice counts once.
    ///
    /// With a `retention`, the leases that it names and whose period has passed since their end are deleted before that.
    /// The rows of all other leases stay.
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

    /// The names of all unexpired leases that begin with `prefix`, whoever holds them: in the order of their bytes, and
    /// of more than [`MAX_HELD_LEASES`] the first ones. No character of `prefix` has a special meaning.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be reached.
    async fn held_leases(&self, prefix: &str) -> Result<Vec<Arc<str>>, StoreError>;

    /// Takes every one of `names` at once, whoever holds them, each with its next token: all of them or, with an error,
    /// none. A name that is given twice counts once.
    ///
    /// It is right only where the caller knows that no other process is at work, such as at the start of a process that
    /// has locked the folder of its SQLite files: the leases that it finds are then those of a process that died, and
    /// there is no reason to wait for their end. Elsewhere it takes work from living processes. Their fences keep the data
    /// right also then, but each of them does its work in vain until it notices.
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
