//! How much each client may ask for.
//!
//! A client may spend a number of units a minute, at once or spread: a bucket that refills evenly (the generic cell rate
//! algorithm). What a request costs follows from its document, so it is known before any service is called. Each process counts
//! by itself, in memory.

use std::fmt;
use std::hash::RandomState;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use authentication::{Caller, Role};
use governor::clock::Clock;
use governor::middleware::{StateInformationMiddleware, StateSnapshot};
use governor::state::keyed::HashMapStateStore;
use governor::{InsufficientCapacity, Quota, RateLimiter};
use http::{HeaderMap, HeaderName, HeaderValue};
use platform::Tasks;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::errors::{ApiError, Code};

const MINUTE: Duration = Duration::from_mins(1);
/// How often clients with a full bucket are forgotten.
const CLEAN_UP_INTERVAL: Duration = Duration::from_secs(10);
/// Addresses that are counted one by one. Beyond, new ones share a bucket.
const MAX_CLIENTS: usize = 100_000;

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const X_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const X_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const X_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// The headers of responses.
pub const HEADERS: [HeaderName; 5] = [RATE_LIMIT, RATE_LIMIT_POLICY, X_LIMIT, X_REMAINING, X_RESET];

/// The rate of requests of each client. Cheap to clone; clones share their state.
#[derive(Clone, Debug)]
pub struct RateLimit(Option<Arc<Limiter>>);

type Buckets = RateLimiter<
    Client,
    HashMapStateStore<Client, RandomState>,
    ElapsedTime,
    StateInformationMiddleware,
>;

struct Limiter {
    units: NonZeroU32,
    buckets: Buckets,
}

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limiter")
            .field("units", &self.units)
            .finish_non_exhaustive()
    }
}

/// Who spends units.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Client {
    /// The subject of a token.
    User(String),
    Address(IpAddr),
    /// All addresses beyond [`MAX_CLIENTS`].
    Others,
}

/// A client has not as many units as it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverLimit {
    limit: u32,
    units: u32,
    /// When it will have them, in seconds; `None` if never.
    wait: Option<u64>,
}

impl OverLimit {
    /// It has nothing left that would be of use.
    #[must_use]
    pub const fn usage(self) -> Usage {
        Usage {
            limit: self.limit,
            remaining: 0,
        }
    }
}

impl From<OverLimit> for ApiError {
    fn from(OverLimit { limit, units, wait }: OverLimit) -> Self {
        let when = wait.map_or_else(String::new, |seconds| {
            format!(", which it has in {seconds} s")
        });
        let message =
            format!("a client may spend {limit} units a minute: this needs {units}{when}");
        Self {
            retry_after: wait,
            ..Self::new(Code::RateLimitExceeded, message)
        }
    }
}

/// What a client has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    limit: u32,
    remaining: u32,
}

impl Usage {
    /// Until the bucket is full, in seconds, rounded up.
    fn reset(self) -> u64 {
        let spent = u64::from(self.limit - self.remaining.min(self.limit));
        (spent * MINUTE.as_secs()).div_ceil(u64::from(self.limit))
    }

    /// Sets the headers of a response: those of the IETF's draft, and those that clients have known for longer.
    pub fn write(self, headers: &mut HeaderMap) {
        let Self { limit, remaining } = self;
        let reset = self.reset();
        let mut set = |name, text: String| {
            // Digits and ASCII.
            if let Ok(value) = HeaderValue::try_from(text) {
                headers.insert(name, value);
            }
        };
        set(RATE_LIMIT_POLICY, format!("\"default\";q={limit};w=60"));
        set(RATE_LIMIT, format!("\"default\";r={remaining};t={reset}"));
        set(X_LIMIT, limit.to_string());
        set(X_REMAINING, remaining.to_string());
        set(X_RESET, reset.to_string());
    }
}

impl RateLimit {
    /// No limit.
    #[must_use]
    pub const fn off() -> Self {
        Self(None)
    }

    /// Each client may spend so many units a minute.
    #[must_use]
    pub fn per_minute(units: NonZeroU32, tasks: &Tasks) -> Self {
        let quota = Quota::per_minute(units).allow_burst(units);
        let clock = ElapsedTime(Instant::now());
        let buckets: Buckets =
            RateLimiter::hashmap_with_clock_and_hasher(quota, clock, RandomState::new())
                .with_middleware();
        let limiter = Arc::new(Limiter { units, buckets });
        let (cleaned, stopping) = (Arc::clone(&limiter), tasks.stopping());
        tasks.spawn("rate limits", async move {
            stopping.run_until_cancelled(cleaned.clean_up()).await;
        });
        Self(Some(limiter))
    }

    /// Spends `units` of a client, which is known by its token or else by its address. Administrators are not limited.
    ///
    /// # Errors
    /// It has not so many left. Nothing is spent.
    pub fn spend(
        &self,
        caller: &Caller,
        address: Option<IpAddr>,
        units: NonZeroU32,
    ) -> Result<Option<Usage>, OverLimit> {
        let Some(limiter) = &self.0 else {
            return Ok(None);
        };
        let client = match (caller, address) {
            (Caller::Principal(principal), _) if principal.roles.contains(Role::Admin) => {
                return Ok(None);
            }
            (Caller::Principal(principal), _) => Client::User(principal.subject.clone()),
            (_, Some(address)) if limiter.buckets.len() < MAX_CLIENTS => Client::Address(address),
            _ => Client::Others,
        };
        limiter.spend(&client, units)
    }
}

impl Limiter {
    fn spend(&self, client: &Client, units: NonZeroU32) -> Result<Option<Usage>, OverLimit> {
        let wait = match self.buckets.check_key_n(client, units) {
            Ok(Ok(left)) => return Ok(Some(self.usage(&left))),
            Ok(Err(not_yet)) => Some(not_yet.wait_time_from(self.buckets.clock().now())),
            Err(InsufficientCapacity(_)) => None,
        };
        metrics::counter!("graphql_rate_limited_total").increment(1);
        Err(OverLimit {
            limit: self.units.get(),
            units: units.get(),
            wait: wait.map(|wait| wait.as_secs() + u64::from(wait.subsec_nanos() > 0)),
        })
    }

    fn usage(&self, left: &StateSnapshot) -> Usage {
        Usage {
            limit: self.units.get(),
            remaining: left.remaining_burst_capacity(),
        }
    }

    async fn clean_up(&self) {
        let mut ticks = interval(CLEAN_UP_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.buckets.retain_recent();
            metrics::gauge!("graphql_rate_limited_clients").set(count(self.buckets.len()));
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a metric")]
const fn count(clients: usize) -> f64 {
    clients as f64
}

/// The clock of the runtime, which tests can move.
#[derive(Clone, Copy, Debug)]
struct ElapsedTime(Instant);

impl Clock for ElapsedTime {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

#[cfg(test)]
#[path = "rate_limit_tests.rs"]
mod tests;
