//! Who holds leases can be listed; all of them can be taken at once; those with a retention do not pile up.

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
    let held = held.expect("the names are answered");
    held.iter().map(ToString::to_string).collect()
}

async fn seize(handle: &Handle, wanted: &[&str], owner: &str) -> Vec<(String, Token)> {
    let seized = handle.leases.seize_leases(&names(wanted), owner, TTL).await;
    sorted(seized.expect("the leases are answered"))
}

/// All unexpired leases whose name begins with the prefix are listed in the order of their bytes, whoever holds them; no
/// character of the prefix has a special meaning.
pub async fn the_leases_that_are_held_are_listed_by_prefix(harness: &dyn Harness) {
    let (one, two) = (harness.open().await, harness.open().await);
    assert!(held(&one, "").await.is_empty());
    let wanted = ["a/é", "a/B", "a/a", "a", "b/a/", "A/a"];
    take_all(&one, &wanted, "one").await;
    take_all(&two, &["a/%", "a/_", "x%_/\\y", "xx_/\\y"], "two").await;
    let of_a = ["a/%", "a/B", "a/_", "a/a", "a/é"];
    assert_eq!(held(&one, "a/").await, of_a, "of both owners, in order");
    assert_eq!(held(&two, "a/").await, of_a, "whoever asks");
    assert_eq!(held(&one, "").await.len(), 10, "all of them");
    assert_eq!(held(&one, "a/é").await, ["a/é"], "the name itself");
    assert!(held(&one, "a/aa").await.is_empty(), "longer than any name");
    assert_eq!(held(&one, "a/%").await, ["a/%"], "% is a character");
    assert_eq!(held(&one, "a/_").await, ["a/_"], "_ is a character");
    assert_eq!(held(&one, "x%_/\\").await, ["x%_/\\y"], "so is \\");

    release(&one, "a/B", "one").await;
    assert_eq!(held(&two, "a/").await, ["a/%", "a/_", "a/a", "a/é"]);
    harness.advance(TTL / 2).await;
    renew(&two, "two").await;
    harness.advance(TTL / 2 + Duration::from_secs(10)).await;
    assert_eq!(held(&one, "a/").await, ["a/%", "a/_"], "the renewed ones");
    assert!(take(&one, "a/a", "two").await.is_some());
    assert_eq!(held(&one, "a/").await, ["a/%", "a/_", "a/a"]);
}

/// At most the stated number of names is answered: the first ones.
pub async fn a_long_list_is_cut_off(harness: &dyn Harness) {
    let handle = &harness.open().await;
    let all: Vec<String> = (0..MAX_HELD_LEASES + 5)
        .map(|number| format!("a/{number:05}"))
        .collect();
    let wanted: Vec<&str> = all.iter().rev().map(String::as_str).collect();
    take_all(handle, &wanted, "one").await;
    take(handle, "A", "one").await.expect("a free lease");
    assert_eq!(held(handle, "a/").await, all[..MAX_HELD_LEASES]);
}

/// Who takes a lease with a retention has those deleted that it names and that ended long ago, so that their tokens begin
/// again. One that lasts or that ended lately stays, and so do all others and all that a call without a retention finds.
pub async fn an_ended_lease_with_a_retention_is_deleted_and_no_other_one(harness: &dyn Harness) {
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
    assert!(lately.token > Token(1), "it ended lately");

    harness.advance(RETENTION.period).await;
    let again = take(handle, &taken_again, "heir").await;
    let again = again.expect("an ended lease");
    assert!(again.token > Token(1), "no retention was given");
    let wanted = names(&[&next]);
    let leases = &handle.leases;
    let acquired = leases.acquire_leases(&wanted, "next", TTL, Some(RETENTION));
    assert_eq!(acquired.await.expect("the leases are answered").len(), 1);
    let again = sorted(take_all(handle, &[&alive, &dead, "work", &like], "heir").await);
    let token = |leases: &[(String, Token)], name: &str| {
        let lease = leases.iter().find(|(lease, _)| lease == name);
        lease.expect("a lease of this name").1
    };
    assert_eq!(token(&again, &dead), Token(1), "it was forgotten");
    assert!(token(&again, &alive) > lately.token, "it ended lately");
    for name in ["work", &like] {
        assert!(
            token(&again, name) > token(&first, name),
            "{name} is not forgotten"
        );
    }
    let held = held(handle, RETENTION.prefix).await;
    assert_eq!(held, [alive, dead, next, taken_again]);
}

/// All of them change hands at once, each under its next token, also those that the owner itself holds; names that are not
/// asked for stay as they are.
pub async fn seizing_takes_leases_from_whoever_holds_them(harness: &dyn Harness) {
    let (one, two) = (harness.open().await, harness.open().await);
    let before = sorted(take_all(&one, &["a", "b", "left"], "one").await);
    let own = take(&two, "own", "two").await.expect("a free lease");
    assert!(seize(&two, &[], "two").await.is_empty());

    let wanted = ["own", "b", "a", "new", "a"];
    let seized = seize(&two, &wanted, "two").await;
    let taken: Vec<_> = seized.iter().map(|(name, _)| &**name).collect();
    assert_eq!(taken, ["a", "b", "new", "own"], "every one, and once");
    assert!(seized[0].1 > before[0].1, "a held one has its next token");
    assert!(seized[1].1 > before[1].1, "so has each of them");
    assert!(seized[3].1 > own.token, "the own one too");
    assert_eq!(renew(&two, "two").await, seized, "they last, and no other");
    assert_eq!(renew(&one, "one").await, before[2..], "the rest is left");
    assert_eq!(take(&one, "a", "one").await, None, "it is held now");

    harness.advance(TTL * 2).await;
    let again = seize(&one, &["a", "b"], "one").await;
    assert!(again[0].1 > seized[0].1, "tokens grow behind an expiry");
    assert_eq!(held(&two, "").await, ["a", "b"]);
}
