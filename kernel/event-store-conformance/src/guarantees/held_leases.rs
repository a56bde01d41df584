//! Held leases can be listed and seized; ended ones with a retention are deleted.

use std::time::Duration;

use event_sourcing::{LeaseRetention, MAX_HELD_LEASES, Token};

use super::lease::{TTL, names, release, renew, sorted, take, take_all};
use crate::{Handle, Harness};

const RETENTION: LeaseRetention = LeaseRetention {
    prefix: "heartbeat/",
    period: Duration::from_hours(24),
};

async fn held(handle: &Handle, prefix: &str) -> Vec<String> {
    let held = handle.leases.held_leases(prefix).await;
    let held = held.expect("the store returns names");
    held.iter().map(ToString::to_string).collect()
}

async fn seize(handle: &Handle, wanted: &[&str], owner: &str) -> Vec<(String, Token)> {
    let seized = handle.leases.seize_leases(&names(wanted), owner, TTL).await;
    sorted(seized.expect("the store returns leases"))
}

/// All unexpired leases of all owners whose name starts with the prefix are listed in byte order; the prefix has no
/// wildcards.
pub async fn held_leases_are_listed_by_prefix(harness: &dyn Harness) {
    let (one, two) = (harness.open().await, harness.open().await);
    assert!(held(&one, "").await.is_empty());
    let wanted = ["a/é", "a/B", "a/a", "a", "b/a/", "A/a"];
    take_all(&one, &wanted, "one").await;
    take_all(&two, &["a/%", "a/_", "x%_/\\y", "xx_/\\y"], "two").await;
    let of_a = ["a/%", "a/B", "a/_", "a/a", "a/é"];
    assert_eq!(held(&one, "a/").await, of_a, "of both owners, in order");
    assert_eq!(held(&two, "a/").await, of_a, "the same for both handles");
    assert_eq!(held(&one, "").await.len(), 10, "all of them");
    assert_eq!(held(&one, "a/é").await, ["a/é"], "the name itself");
    assert!(held(&one, "a/aa").await.is_empty(), "longer than any name");
    assert_eq!(held(&one, "a/%").await, ["a/%"], "% is not a wildcard");
    assert_eq!(held(&one, "a/_").await, ["a/_"], "_ is not a wildcard");
    assert_eq!(
        held(&one, "x%_/\\").await,
        ["x%_/\\y"],
        "\\ is not an escape character"
    );

    release(&one, "a/B", "one").await;
    assert_eq!(held(&two, "a/").await, ["a/%", "a/_", "a/a", "a/é"]);
    harness.advance(TTL / 2).await;
    renew(&two, "two").await;
    harness.advance(TTL / 2 + Duration::from_secs(10)).await;
    assert_eq!(held(&one, "a/").await, ["a/%", "a/_"], "the renewed ones");
    assert!(take(&one, "a/a", "two").await.is_some());
    assert_eq!(held(&one, "a/").await, ["a/%", "a/_", "a/a"]);
}

/// A list has at most `MAX_HELD_LEASES` names: the first ones.
pub async fn a_long_list_is_truncated(harness: &dyn Harness) {
    let handle = &harness.open().await;
    let all: Vec<String> = (0..MAX_HELD_LEASES + 5)
        .map(|number| format!("a/{number:05}"))
        .collect();
    let wanted: Vec<&str> = all.iter().rev().map(String::as_str).collect();
    take_all(handle, &wanted, "one").await;
    take(handle, "A", "one").await.expect("a free lease");
    assert_eq!(held(handle, "a/").await, all[..MAX_HELD_LEASES]);
}

/// Acquiring a lease with a retention deletes the leases with its prefix that ended before its period, so that their
/// tokens restart. Leases that are held or ended later stay, and so do leases with other names. A call without a
/// retention deletes none.
pub async fn only_ended_leases_with_a_retention_are_deleted(harness: &dyn Harness) {
    let handle = &harness.open().await;
    let name = |id: &str| format!("{}{id}", RETENTION.prefix);
    let (dead, alive, next) = (name("dead"), name("alive"), name("next"));
    let taken_again = name("taken again");
    let like = RETENTION.prefix.replace('/', "-");
    let first = [&dead, &taken_again, "work", &like];
    let first = sorted(take_all(handle, &first, "dead").await);
    take(handle, &alive, "alive").await.expect("a free lease");
    harness.advance(RETENTION.period.saturating_sub(TTL)).await;
    let lately = take(handle, &alive, "alive").await.expect("an ended lease");
    assert!(lately.token > Token(1), "it ended within the period");

    harness.advance(RETENTION.period).await;
    let again = take(handle, &taken_again, "heir").await;
    let again = again.expect("an ended lease");
    assert!(again.token > Token(1), "the call has no retention");
    let wanted = names(&[&next]);
    let leases = &handle.leases;
    let acquired = leases.acquire_leases(&wanted, "next", TTL, Some(RETENTION));
    assert_eq!(acquired.await.expect("the store returns leases").len(), 1);
    let again = sorted(take_all(handle, &[&alive, &dead, "work", &like], "heir").await);
    let token = |leases: &[(String, Token)], name: &str| {
        let lease = leases.iter().find(|(lease, _)| lease == name);
        lease.expect("a lease of this name").1
    };
    assert_eq!(token(&again, &dead), Token(1), "it was deleted");
    assert!(
        token(&again, &alive) > lately.token,
        "it ended within the period"
    );
    for name in ["work", &like] {
        assert!(
            token(&again, name) > token(&first, name),
            "{name} is not deleted"
        );
    }
    let held = held(handle, RETENTION.prefix).await;
    assert_eq!(held, [alive, dead, next, taken_again]);
}

/// All requested leases change their owner immediately, each with a new token, also those that the owner already holds;
/// other leases are unchanged.
pub async fn seizing_takes_leases_from_any_holder(harness: &dyn Harness) {
    let (one, two) = (harness.open().await, harness.open().await);
    let before = sorted(take_all(&one, &["a", "b", "left"], "one").await);
    let own = take(&two, "own", "two").await.expect("a free lease");
    assert!(seize(&two, &[], "two").await.is_empty());

    let wanted = ["own", "b", "a", "new", "a"];
    let seized = seize(&two, &wanted, "two").await;
    let taken: Vec<_> = seized.iter().map(|(name, _)| &**name).collect();
    assert_eq!(taken, ["a", "b", "new", "own"], "each of them once");
    assert!(seized[0].1 > before[0].1, "a held lease gets a new token");
    assert!(seized[1].1 > before[1].1, "each of them does");
    assert!(seized[3].1 > own.token, "also the owner's lease");
    assert_eq!(renew(&two, "two").await, seized, "exactly these are held");
    assert_eq!(
        renew(&one, "one").await,
        before[2..],
        "the other lease is unchanged"
    );
    assert_eq!(
        take(&one, "a", "one").await,
        None,
        "it is held by the new owner"
    );

    harness.advance(TTL * 2).await;
    let again = seize(&one, &["a", "b"], "one").await;
    assert!(again[0].1 > seized[0].1, "tokens grow after an expiry");
    assert_eq!(held(&two, "").await, ["a", "b"]);
}
