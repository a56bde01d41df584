//! A lease has one owner at a time, an expiry by the store's time, and a token that never decreases.

use std::sync::Arc;
use std::time::Duration;

use event_sourcing::{Lease, Token};
use futures::future::join_all;

use crate::{Handle, Harness};

/// Duration of the leases in these tests.
pub(super) const TTL: Duration = Duration::from_mins(1);

const HALF: Duration = Duration::from_secs(30);

pub(super) fn names(names: &[&str]) -> Vec<Arc<str>> {
    names.iter().map(|name| Arc::from(*name)).collect()
}

pub(super) fn sorted(mut leases: Vec<Lease>) -> Vec<(String, Token)> {
    leases.sort_by(|a, b| a.name.cmp(&b.name));
    let pairs = leases
        .iter()
        .map(|lease| (lease.name.to_string(), lease.token));
    pairs.collect()
}

pub(super) async fn take_all(handle: &Handle, wanted: &[&str], owner: &str) -> Vec<Lease> {
    let taken = handle
        .leases
        .acquire_leases(&names(wanted), owner, TTL, None)
        .await;
    taken.expect("the store returns leases")
}

pub(super) async fn renew(handle: &Handle, owner: &str) -> Vec<(String, Token)> {
    let renewed = handle.leases.renew_leases(owner, TTL).await;
    sorted(renewed.expect("the store returns leases"))
}

pub(super) async fn release(handle: &Handle, name: &str, owner: &str) {
    let released = handle.leases.release_leases(&names(&[name]), owner).await;
    released.expect("the lease is released");
}

/// Acquires one lease, if it is free for this owner.
pub(super) async fn take(handle: &Handle, name: &str, owner: &str) -> Option<Lease> {
    let mut taken = take_all(handle, &[name], owner).await;
    assert!(taken.len() <= 1, "at most the requested lease");
    assert!(taken.iter().all(|lease| &*lease.name == name));
    taken.pop()
}

/// A lease that one owner holds is not returned to another, in the same process or another one. Leases with different
/// names are independent.
pub async fn a_lease_has_one_owner(harness: &dyn Harness) {
    let (one, two) = (harness.open().await, harness.open().await);
    assert!(take_all(&one, &[], "one").await.is_empty());
    let taken = sorted(take_all(&one, &["a", "b", "a"], "one").await);
    assert_eq!(
        taken.iter().map(|(name, _)| &**name).collect::<Vec<_>>(),
        ["a", "b"]
    );
    let taken = sorted(take_all(&two, &["a", "b", "c"], "two").await);
    assert_eq!(
        taken.iter().map(|(name, _)| &**name).collect::<Vec<_>>(),
        ["c"]
    );
    assert_eq!(take(&one, "c", "one").await, None);

    let held = |leases: Vec<(String, Token)>| {
        let names = leases.into_iter().map(|(name, _)| name);
        names.collect::<Vec<_>>()
    };
    assert_eq!(
        held(renew(&two, "one").await),
        ["a", "b"],
        "owners, not handles, hold leases"
    );
    assert_eq!(held(renew(&one, "two").await), ["c"]);
    assert!(renew(&one, "none").await.is_empty());
}

/// The owner keeps its token while its lease is valid. Every other acquisition returns a larger one, also for the same
/// owner after its own expiry or release.
pub async fn a_token_never_decreases(harness: &dyn Harness) {
    let handle = &harness.open().await;
    let first = take(handle, "a", "one").await.expect("a free lease");
    let again = take(handle, "a", "one").await.expect("the own lease");
    assert_eq!(again.token, first.token, "unchanged while it is valid");
    assert_eq!(renew(handle, "one").await, [("a".to_owned(), first.token)]);

    harness.advance(TTL * 2).await;
    let second = take(handle, "a", "one").await.expect("the expired lease");
    assert!(second.token > first.token, "grows after an expiry");
    release(handle, "a", "one").await;
    let third = take(handle, "a", "one").await.expect("the released lease");
    assert!(third.token > second.token, "grows after a release");
    harness.advance(TTL * 2).await;
    let fourth = take(handle, "a", "two").await.expect("the expired lease");
    assert!(fourth.token > third.token, "grows with a new owner");
}

/// A lease is valid as long as its owner renews or acquires it again. Otherwise it expires: it is free for others, and
/// cannot be renewed.
pub async fn a_lease_expires_unless_renewed(harness: &dyn Harness) {
    let handle = &harness.open().await;
    let first = take_all(handle, &["renewed", "taken", "left"], "one").await;
    assert_eq!(first.len(), 3);
    harness.advance(HALF).await;
    let token = take(handle, "taken", "one")
        .await
        .expect("the own lease")
        .token;
    assert!(
        first
            .iter()
            .any(|lease| lease.token == token && &*lease.name == "taken")
    );
    assert_eq!(
        renew(handle, "one").await.len(),
        3,
        "all three are still valid"
    );

    harness.advance(HALF + Duration::from_secs(10)).await;
    assert!(
        take_all(handle, &["renewed", "taken", "left"], "two")
            .await
            .is_empty()
    );
    harness.advance(HALF).await;
    assert!(
        renew(handle, "one").await.is_empty(),
        "an expired lease is not renewed"
    );
    assert_eq!(
        take_all(handle, &["renewed", "taken", "left"], "two")
            .await
            .len(),
        3
    );
    assert!(
        take_all(handle, &["renewed", "taken", "left"], "one")
            .await
            .is_empty()
    );
}

/// A released lease is free immediately. Only its owner can release a lease.
pub async fn a_released_lease_is_free(harness: &dyn Harness) {
    let (one, two) = (harness.open().await, harness.open().await);
    take_all(&one, &["a", "b"], "one").await;
    release(&two, "a", "two").await;
    release(&two, "unknown", "two").await;
    assert_eq!(take(&two, "a", "two").await, None, "it is still held");

    release(&one, "a", "one").await;
    assert!(take(&two, "a", "two").await.is_some());
    assert_eq!(
        take(&two, "b", "two").await,
        None,
        "the other one is not released"
    );
    release(&one, "a", "one").await;
    assert_eq!(
        take(&one, "a", "one").await,
        None,
        "a late release does not affect the new owner"
    );
}

/// Of concurrent acquirers of a free or expired lease, one wins.
pub async fn concurrent_acquirers_race_and_one_wins(harness: &dyn Harness) {
    let handles = [harness.open().await, harness.open().await];
    let mut last = None;
    for round in 0..10 {
        let takers = (0..8).map(|taker| {
            let handle = handles[taker % 2].clone();
            tokio::spawn(async move { take(&handle, "a", &format!("{round}-{taker}")).await })
        });
        let won: Vec<_> = join_all(takers)
            .await
            .into_iter()
            .filter_map(|joined| joined.expect("the taker ends"))
            .collect();
        assert_eq!(won.len(), 1, "round {round}: one taker wins, got {won:?}");
        let token = Some(won[0].token);
        assert!(token > last, "round {round}: the token grows");
        last = token;
        harness.advance(TTL * 2).await;
    }
}
