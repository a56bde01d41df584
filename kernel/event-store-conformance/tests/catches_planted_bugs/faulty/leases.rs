//! Leases with one mistake.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use event_sourcing::{Lease, LeaseStore, PRESENCE, StoreError, Token};

use super::{Bug, Faulty};

impl Faulty {
    fn ttl(&self, ttl: Duration) -> Duration {
        if self.bug == Bug::NeverExpires {
            Duration::MAX
        } else {
            ttl
        }
    }

    /// What the names begin with inside, so that the store takes them for what they are not.
    fn disguise(&self) -> &'static str {
        match self.bug {
            Bug::ForgetsEveryLease => PRESENCE,
            Bug::ForgetsNoLease => "~",
            _ => "",
        }
    }

    fn inside(&self, names: &[Arc<str>]) -> Vec<Arc<str>> {
        let disguise = self.disguise();
        names
            .iter()
            .map(|name| format!("{disguise}{name}").into())
            .collect()
    }

    fn outside(&self, name: &str) -> Arc<str> {
        name.strip_prefix(self.disguise()).unwrap_or(name).into()
    }

    fn shown(&self, leases: Vec<Lease>) -> Vec<Lease> {
        let shown = leases.into_iter().map(|lease| Lease {
            name: self.outside(&lease.name),
            token: match self.bug {
                Bug::KeepsTokens => Token(1),
                _ => lease.token,
            },
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
    ) -> Result<Vec<Lease>, StoreError> {
        let owner = if self.bug == Bug::SharesLeases {
            "everybody"
        } else {
            owner
        };
        let names = self.inside(names);
        let leases = self.inner.acquire_leases(&names, owner, self.ttl(ttl));
        Ok(self.shown(leases.await?))
    }

    async fn renew_leases(&self, owner: &str, ttl: Duration) -> Result<Vec<Lease>, StoreError> {
        let leases = self.inner.renew_leases(owner, self.ttl(ttl)).await?;
        Ok(self.shown(leases))
    }

    async fn release_leases(&self, names: &[Arc<str>], owner: &str) -> Result<(), StoreError> {
        let owner = if self.bug == Bug::ReleasesForAnybody {
            "one"
        } else {
            owner
        };
        self.inner.release_leases(&self.inside(names), owner).await
    }

    async fn held_leases(&self, prefix: &str) -> Result<Vec<Arc<str>>, StoreError> {
        let length = match self.bug {
            Bug::ListsTooMuch => prefix.chars().next().map_or(0, char::len_utf8),
            _ => prefix.len(),
        };
        let prefix = format!("{}{}", self.disguise(), &prefix[..length]);
        let mut names = self.inner.held_leases(&prefix).await?;
        if self.bug == Bug::ListsAHundred {
            names.truncate(100);
        }
        Ok(names.iter().map(|name| self.outside(name)).collect())
    }

    async fn seize_leases(
        &self,
        names: &[Arc<str>],
        owner: &str,
        ttl: Duration,
    ) -> Result<Vec<Lease>, StoreError> {
        let names = self.inside(names);
        let leases = match self.bug {
            Bug::SeizesWhatIsFree => self.inner.acquire_leases(&names, owner, ttl).await,
            _ => self.inner.seize_leases(&names, owner, ttl).await,
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
