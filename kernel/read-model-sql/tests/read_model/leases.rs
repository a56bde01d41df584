//! A lease has one holder at a time, and its token never decreases.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use event_sourcing::{Lease, LeaseRetention, LeaseStore, Token};
use read_model_sql::{SqlLeaseStore, Statement};

use crate::support::Fresh;

const LONG: Duration = Duration::from_mins(10);
const HEARTBEATS: LeaseRetention = LeaseRetention {
    prefix: "heartbeat/",
    period: Duration::from_hours(24),
};

fn names(names: &[&str]) -> Vec<Arc<str>> {
    names.iter().map(|name| Arc::from(*name)).collect()
}

async fn take(store: &SqlLeaseStore, owner: &str, wanted: &[&str]) -> Vec<Lease> {
    acquire(store, owner, wanted, None).await
}

async fn acquire(
    store: &SqlLeaseStore,
    owner: &str,
    wanted: &[&str],
    retention: Option<LeaseRetention>,
) -> Vec<Lease> {
    let mut leases = store
        .acquire_leases(&names(wanted), owner, LONG, retention)
        .await
        .expect("a result");
    leases.sort_by(|a, b| a.name.cmp(&b.name));
    leases
}

fn lease(name: &str, token: u64) -> Lease {
    Lease {
        name: name.into(),
        token: Token(token),
    }
}

/// Expires every lease: advances the injected clock, or changes the rows in the database.
async fn expire(fresh: &Fresh) {
    fresh.clock.advance(TimeDelta::hours(1));
    let database = fresh.open().await;
    if database.engine() == read_model_sql::Engine::Postgres {
        let mut transaction = database.begin().await.expect("a transaction");
        transaction
            .execute(Statement::new(
                "test",
                "UPDATE read_model_leases SET expires_at = expires_at - 3600000000",
            ))
            .await
            .expect("moved");
        transaction.commit("test").await.expect("committed");
    }
}

#[tokio::test]
async fn one_holder_at_a_time() {
    for fresh in Fresh::both().await {
        let store = SqlLeaseStore::new(fresh.open().await);
        let other = SqlLeaseStore::new(fresh.open().await);
        assert_eq!(
            take(&store, "a", &["x", "y"]).await,
            [lease("x", 1), lease("y", 1)]
        );
        assert_eq!(take(&other, "b", &["y", "z", "z"]).await, [lease("z", 1)]);
        assert_eq!(take(&store, "a", &["x"]).await, [lease("x", 1)], "renewed");
    }
}

#[tokio::test]
async fn a_lease_of_a_clock_that_was_set_back_is_expired() {
    let fresh = Fresh::sqlite();
    let store = SqlLeaseStore::new(fresh.open().await);
    take(&store, "a", &["x"]).await;
    fresh.clock.advance(TimeDelta::hours(-25));
    assert_eq!(take(&store, "b", &["x"]).await, [lease("x", 2)]);
    assert_eq!(take(&store, "a", &["x"]).await, []);
}

#[tokio::test]
async fn an_expired_lease_gets_a_new_token_for_any_owner() {
    for fresh in Fresh::both().await {
        let store = SqlLeaseStore::new(fresh.open().await);
        take(&store, "a", &["x", "y"]).await;
        expire(&fresh).await;
        assert_eq!(
            take(&store, "a", &["x"]).await,
            [lease("x", 2)],
            "also for the same owner"
        );
        assert_eq!(take(&store, "b", &["y"]).await, [lease("y", 2)]);
    }
}

#[tokio::test]
async fn only_held_leases_are_renewed() {
    for fresh in Fresh::both().await {
        let store = SqlLeaseStore::new(fresh.open().await);
        take(&store, "a", &["x"]).await;
        take(&store, "b", &["y"]).await;
        let renewed = store.renew_leases("a", LONG).await.expect("renewed");
        assert_eq!(renewed, [lease("x", 1)]);
        expire(&fresh).await;
        assert_eq!(store.renew_leases("a", LONG).await.expect("a result"), []);
    }
}

#[tokio::test]
async fn a_released_lease_is_free_immediately_with_a_new_token() {
    for fresh in Fresh::both().await {
        let store = SqlLeaseStore::new(fresh.open().await);
        take(&store, "a", &["x", "y"]).await;
        store
            .release_leases(&names(&["x", "y"]), "b")
            .await
            .expect("no lease of this owner");
        assert_eq!(take(&store, "b", &["x"]).await, []);
        store
            .release_leases(&names(&["x"]), "a")
            .await
            .expect("released");
        assert_eq!(take(&store, "b", &["x", "y"]).await, [lease("x", 2)]);
    }
}

#[tokio::test]
async fn held_leases_are_listed_by_prefix_in_byte_order() {
    for fresh in Fresh::both().await {
        let store = SqlLeaseStore::new(fresh.open().await);
        take(&store, "a", &["x/é", "x/%", "x/B"]).await;
        take(&store, "b", &["x/a", "y", "xx"]).await;
        let held = store.held_leases("x/").await.expect("listed");
        assert_eq!(held, names(&["x/%", "x/B", "x/a", "x/é"]));
        let held = store.held_leases("x/%").await.expect("listed");
        assert_eq!(held, names(&["x/%"]), "% is not a wildcard");
        expire(&fresh).await;
        assert_eq!(store.held_leases("").await.expect("listed"), names(&[]));
    }
}

#[tokio::test]
async fn seized_leases_change_owner_immediately_with_new_tokens() {
    for fresh in Fresh::both().await {
        let store = SqlLeaseStore::new(fresh.open().await);
        take(&store, "a", &["x", "y"]).await;
        take(&store, "b", &["z"]).await;
        let mut seized = store
            .seize_leases(&names(&["z", "new", "x", "x"]), "b", LONG)
            .await
            .expect("seized");
        seized.sort_by(|a, b| a.name.cmp(&b.name));
        let expected = [lease("new", 1), lease("x", 2), lease("z", 2)];
        assert_eq!(seized, expected);
        assert_eq!(take(&store, "a", &["x", "y"]).await, [lease("y", 1)]);
    }
}

#[tokio::test]
async fn only_leases_with_a_retention_are_deleted() {
    for fresh in Fresh::both().await {
        let store = SqlLeaseStore::new(fresh.open().await);
        let dead = "heartbeat/dead";
        take(&store, "a", &[dead, "work"]).await;
        for _ in 0..23 {
            expire(&fresh).await;
        }
        acquire(&store, "b", &["heartbeat/b"], Some(HEARTBEATS)).await;
        assert_eq!(
            take(&store, "a", &[dead]).await,
            [lease(dead, 2)],
            "it ended less than a day ago"
        );
        for _ in 0..25 {
            expire(&fresh).await;
        }
        acquire(&store, "c", &["heartbeat/c"], Some(HEARTBEATS)).await;
        assert_eq!(
            take(&store, "c", &[dead, "work"]).await,
            [lease(dead, 1), lease("work", 2)]
        );
    }
}

#[tokio::test]
async fn each_lease_is_acquired_once_by_concurrent_owners() {
    let fresh = Fresh::postgres().await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..8 {
        let store = SqlLeaseStore::new(fresh.open().await);
        tasks.spawn(async move {
            let mut wanted: Vec<String> = (0..16).map(|name| format!("lease {name}")).collect();
            wanted.rotate_left(number * 2);
            let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
            take(&store, &format!("owner {number}"), &wanted)
                .await
                .len()
        });
    }
    let taken: usize = tasks.join_all().await.into_iter().sum();
    assert_eq!(taken, 16);
}
