use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use authentication::{Caller, Principal, Role, Roles};
use http::HeaderMap;
use platform::Tasks;
use tokio::time::advance;

use super::{RateLimit, Usage};
use crate::errors::{ApiError, Code};

const HERE: Option<IpAddr> = Some(IpAddr::V4(Ipv4Addr::LOCALHOST));

fn units(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).expect("not zero")
}

fn user(subject: &str, role: Role) -> Caller {
    Caller::Principal(Arc::new(Principal {
        subject: subject.to_owned(),
        roles: Roles::from_iter([role]),
        expires_at: chrono::DateTime::UNIX_EPOCH,
    }))
}

/// What is left after a request of this many units, or how long to wait.
fn spend(limit: &RateLimit, caller: &Caller, number: u32) -> Result<u32, Option<u64>> {
    match limit.spend(caller, HERE, units(number)) {
        Ok(usage) => Ok(usage.expect("limited").remaining),
        Err(over) => {
            let error = ApiError::from(over);
            assert_eq!(error.code, Code::RateLimitExceeded);
            Err(error.retry_after)
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_spends_what_it_has_and_gets_it_back_evenly() {
    let limit = RateLimit::per_minute(units(60), &Tasks::new());
    let ada = user("ada", Role::Customer);
    assert_eq!(spend(&limit, &ada, 50), Ok(10));
    assert_eq!(spend(&limit, &ada, 20), Err(Some(10)));
    assert_eq!(spend(&limit, &ada, 10), Ok(0), "a rejection spends nothing");
    assert_eq!(spend(&limit, &ada, 1), Err(Some(1)));
    advance(Duration::from_secs(5)).await;
    assert_eq!(spend(&limit, &ada, 5), Ok(0));
    advance(Duration::from_mins(5)).await;
    assert_eq!(spend(&limit, &ada, 1), Ok(59), "no more than a minute's");
    assert_eq!(spend(&limit, &ada, 61), Err(None), "it could never pass");
}

#[tokio::test(start_paused = true)]
async fn each_user_and_each_address_has_its_own_bucket() {
    let limit = RateLimit::per_minute(units(10), &Tasks::new());
    let (ada, bob) = (user("ada", Role::Customer), user("bob", Role::Customer));
    assert_eq!(spend(&limit, &ada, 10), Ok(0));
    assert_eq!(spend(&limit, &bob, 10), Ok(0));
    assert_eq!(spend(&limit, &Caller::Anonymous, 10), Ok(0));
    let other = Some(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)));
    let elsewhere = limit.spend(&Caller::Anonymous, other, units(10));
    assert!(elsewhere.is_ok(), "{elsewhere:?}");
    // A token moves with its user.
    assert!(limit.spend(&ada, other, units(1)).is_err());
    // A user with the name of an address is not that address.
    let named = user("127.0.0.1", Role::Customer);
    assert_eq!(spend(&limit, &named, 1), Ok(9));
}

#[tokio::test(start_paused = true)]
async fn administrators_are_not_limited_and_neither_is_anyone_without_a_limit() {
    let limit = RateLimit::per_minute(units(1), &Tasks::new());
    let root = user("root", Role::Admin);
    for _ in 0..3 {
        assert_eq!(limit.spend(&root, HERE, units(5)), Ok(None));
        let unlimited = RateLimit::off().spend(&Caller::Unchecked, HERE, units(1_000));
        assert_eq!(unlimited, Ok(None));
    }
}

#[tokio::test(start_paused = true)]
async fn clients_with_a_full_bucket_are_forgotten() {
    let limit = RateLimit::per_minute(units(60), &Tasks::new());
    let limiter = limit.0.as_ref().expect("limited");
    assert_eq!(spend(&limit, &user("ada", Role::Customer), 1), Ok(59));
    assert_eq!(spend(&limit, &user("bob", Role::Customer), 60), Ok(0));
    advance(Duration::from_secs(30)).await;
    limiter.buckets.retain_recent();
    assert_eq!(limiter.buckets.len(), 1);
}

#[test]
fn the_headers_say_what_is_left() {
    let mut headers = HeaderMap::new();
    let usage = Usage {
        limit: 1_000,
        remaining: 750,
    };
    usage.write(&mut headers);
    let text = |name: &str| headers[name].to_str().expect("text").to_owned();
    assert_eq!(text("ratelimit-policy"), "\"default\";q=1000;w=60");
    assert_eq!(text("ratelimit"), "\"default\";r=750;t=15");
    assert_eq!(text("x-ratelimit-limit"), "1000");
    assert_eq!(text("x-ratelimit-remaining"), "750");
    assert_eq!(text("x-ratelimit-reset"), "15");
}
