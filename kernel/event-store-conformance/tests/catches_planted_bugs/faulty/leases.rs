//! Leases with one bug.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use event_sourcing::{Lease, LeaseRetention, LeaseStore, StoreError, Token};

use super::{Bug, Faulty};

impl Faulty {
    fn ttl(&self, ttl: Duration) -> Duration {
        if self.bug == Bug::NeverExpires {
            Duration::MAX
        } else {
            ttl
        }
    }

    fn retention(&self, retention: Option<LeaseRetention>) -> Option<LeaseRetention> {
        match self.bug {
            Bug::ForgetsEveryLease => retention.map(|retention| LeaseRetention {
                prefix: "",
                ..retention
            }),
            Bug::ForgetsNoLease => None,
            _ => retention,
        }
    }

    fn shown(&self, leases: Vec<Lease>) -> Vec<Lease> {
        let shown = leases.into_iter().map(|lease| Lease {
            token: match self.bug {
                Bug::KeepsTokens => Token(1),
                _ => lease.token,
            },
            ..lease
        });
        shown.collect()
    }
}

#[async_trait]
impl LeaseStore for Faulty {
    async fn acquire_leases(
        &self,
        names: &[Arc<str>],
        owner: &str,
        ttl: Duration,
        retention: Option<LeaseRetention>,
    ) -> Result<Vec<Lease>, StoreError> {
        let owner = if self.bug == Bug::SharesLeases {
            "any owner"
        } else {
            owner
        };
        let (ttl, retention) = (self.ttl(ttl), self.retention(retention));
        let leases = self.inner.acquire_leases(names, owner, ttl, retention);
        Ok(self.shown(leases.await?))
    }

    async fn renew_leases(&self, owner: &str, ttl: Duration) -> Result<Vec<Lease>, StoreError> {
        let leases = self.inner.renew_leases(owner, self.ttl(ttl)).await?;
        Ok(self.shown(leases))
    }

    async fn release_leases(&self, names: &[Arc<str>], owner: &str) -> Result<(), StoreError> {
        let owner = if self.bug == Bug::ReleasesForAnyOwner {
            "one"
        } else {
            owner
        };
        self.inner.release_leases(names, owner).await
    }

    async fn held_leases(&self, prefix: &str) -> Result<Vec<Arc<str>>, StoreError> {
        let length = match self.bug {
            Bug::ListsTooMuch => prefix.chars().next().map_or(0, char::len_utf8),
            _ => prefix.len(),
        };
        let mut names = self.inner.held_leases(&prefix[..length]).await?;
        if self.bug == Bug::ListsAHundred {
            names.truncate(100);
        }
        Ok(names)
    }

    async fn seize_leases(
        &self,
        names: &[Arc<str>],
        owner: &str,
        ttl: Duration,
    ) -> Result<Vec<Lease>, StoreError> {
        let leases = match self.bug {
            Bug::SeizesOnlyFreeLeases => self.inner.acquire_leases(names, owner, ttl, None).await,
            _ => self.inner.seize_leases(names, owner, ttl).await,
        };
        let mut leases = self.shown(leases?);
        if self.bug == Bug::SeizesUnderOldTokens {
            for lease in &mut leases {
                lease.token.0 -= 1;
            }
        }
        Ok(leases)
    }
}
