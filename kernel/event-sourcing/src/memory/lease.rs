//! The leases of the store in memory.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::MemoryEventStore;
use crate::lease::{Lease, LeaseRetention, LeaseStore, MAX_HELD_LEASES};
use crate::store::StoreError;

#[async_trait]
impl LeaseStore for MemoryEventStore {
    async fn acquire_leases(
        &self,
        names: &[Arc<str>],
        owner: &str,
        ttl: Duration,
        retention: Option<LeaseRetention>,
    ) -> Result<Vec<Lease>, StoreError> {
        let mut contents = self.write();
        let (now, expires_at) = self.expiry(ttl);
        if let Some(retention) = retention {
            contents.delete_ended_leases(retention, now);
        }
        let mut leases = Vec::with_capacity(names.len());
        for name in distinct(names) {
            let token = match contents.leases.get(name) {
                Some(row) if row.is_held_by(owner, now) => row.token,
                Some(row) if row.expires_at > now => continue,
                _ => contents.next_token(name),
            };
            leases.push(contents.give(name, owner, token, expires_at));
        }
        Ok(leases)
    }

    async fn renew_leases(&self, owner: &str, ttl: Duration) -> Result<Vec<Lease>, StoreError> {
        let mut contents = self.write();
        let (now, expires_at) = self.expiry(ttl);
        let held = contents
            .leases
            .iter_mut()
            .filter(|(_, row)| row.is_held_by(owner, now));
        Ok(held
            .map(|(name, row)| {
                row.expires_at = expires_at;
                Lease {
                    name: Arc::clone(name),
                    token: row.token,
                }
            })
            .collect())
    }

    async fn release_leases(&self, names: &[Arc<str>], owner: &str) -> Result<(), StoreError> {
        let mut contents = self.write();
        let now = self.clock.now();
        for name in names {
            if let Some(row) = contents.leases.get_mut(name)
                && row.is_held_by(owner, now)
            {
                row.expires_at = now;
            }
        }
        Ok(())
    }

    async fn held_leases(&self, prefix: &str) -> Result<Vec<Arc<str>>, StoreError> {
        let contents = self.read();
        let now = self.clock.now();
        let held = contents
            .leases
            .iter()
            .filter(|(name, row)| name.starts_with(prefix) && row.expires_at > now);
        let mut names: Vec<_> = held.map(|(name, _)| Arc::clone(name)).collect();
        names.sort_unstable();
        names.truncate(MAX_HELD_LEASES);
        Ok(names)
    }

    async fn seize_leases(
        &self,
        names: &[Arc<str>],
        owner: &str,
        ttl: Duration,
    ) -> Result<Vec<Lease>, StoreError> {
        let mut contents = self.write();
        let (_, expires_at) = self.expiry(ttl);
        let seized = distinct(names).into_iter().map(|name| {
            let token = contents.next_token(name);
            contents.give(name, owner, token, expires_at)
        });
        Ok(seized.collect())
    }
}

fn distinct(names: &[Arc<str>]) -> BTreeSet<&Arc<str>> {
    names.iter().collect()
}
