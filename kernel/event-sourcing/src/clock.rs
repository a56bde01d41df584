//! Clocks, which are passed as arguments so that tests can control the time.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use parking_lot::Mutex;

/// A source of the current time.
pub trait Clock: Debug + Send + Sync + 'static {
    /// The current time, truncated to microseconds.
    fn now(&self) -> DateTime<Utc>;
}

/// The system clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the only place that reads the system clock"
    )]
    fn now(&self) -> DateTime<Utc> {
        to_micros(Utc::now())
    }
}

/// A clock that ignores steps of the system clock: the system time at the start plus the elapsed time. A process with a
/// database server corrects it by the server's clock ([`Self::synchronize`]), so that all processes of a system decide
/// deadlines and expiries by one clock. Clones share one clock.
///
/// On Linux the time during which the machine was suspended counts as elapsed; on other systems it may not.
#[derive(Clone, Debug)]
pub struct SteadyClock(Arc<Mutex<Anchor>>);

/// The uptime of the machine (of the process on systems other than Linux).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Uptime(Duration);

/// A time, with the uptime at which it was the current time.
#[derive(Clone, Copy, Debug)]
struct Anchor {
    time: DateTime<Utc>,
    at: Uptime,
}

impl SteadyClock {
    /// Starts a clock at the current system time.
    #[must_use]
    pub fn start() -> Self {
        Self(Arc::new(Mutex::new(Anchor {
            time: SystemClock.now(),
            at: uptime(),
        })))
    }

    /// The current uptime, as an argument for [`Self::synchronize`].
    #[must_use]
    pub fn uptime(&self) -> Uptime {
        uptime()
    }

    /// Corrects the clock by a server's clock, which was queried at `asked_at` and returned `time`. A slow response is
    /// less precise, so the clock is only moved to the nearest time that is consistent with the response.
    pub fn synchronize(&self, time: DateTime<Utc>, asked_at: Uptime) {
        let mut anchor = self.0.lock();
        *anchor = anchor.corrected(time, asked_at, uptime());
    }

    /// How far the system clock is ahead of this one; negative if it lags behind.
    #[must_use]
    pub fn machine_offset(&self) -> TimeDelta {
        SystemClock.now() - self.now()
    }
}

impl Clock for SteadyClock {
    fn now(&self) -> DateTime<Utc> {
        to_micros(self.0.lock().reading(uptime()))
    }
}

impl Anchor {
    fn reading(self, now: Uptime) -> DateTime<Utc> {
        after(self.time, now.0.saturating_sub(self.at.0))
    }

    /// The server read `time` at some moment between the query and the response, so its clock now shows at least `time`
    /// and at most `time` plus the duration of the query.
    fn corrected(self, time: DateTime<Utc>, asked_at: Uptime, answered_at: Uptime) -> Self {
        let latest = after(time, answered_at.0.saturating_sub(asked_at.0));
        Self {
            time: self.reading(answered_at).clamp(time, latest),
            at: answered_at,
        }
    }
}

#[cfg(target_os = "linux")]
fn uptime() -> Uptime {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    let nanos = u32::try_from(now.tv_nsec).unwrap_or(0);
    Uptime(Duration::new(seconds, nanos))
}

#[cfg(not(target_os = "linux"))]
fn uptime() -> Uptime {
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    Uptime(START.get_or_init(std::time::Instant::now).elapsed())
}

/// A clock that only [`Self::advance`] moves, for tests.
#[derive(Debug)]
pub struct ManualClock(Mutex<DateTime<Utc>>);

impl ManualClock {
    /// A clock that shows `start`.
    #[must_use]
    pub fn new(start: DateTime<Utc>) -> Self {
        Self(Mutex::new(to_micros(start)))
    }

    /// Advances it.
    pub fn advance(&self, by: TimeDelta) {
        *self.0.lock() += by;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock()
    }
}

/// The time `pause` after `time`, saturating at the maximum.
#[must_use]
pub fn after(time: DateTime<Utc>, pause: Duration) -> DateTime<Utc> {
    TimeDelta::from_std(pause)
        .ok()
        .and_then(|pause| time.checked_add_signed(pause))
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// Truncates to microseconds, the precision that every engine stores.
#[must_use]
pub fn to_micros(time: DateTime<Utc>) -> DateTime<Utc> {
    time.duration_trunc(TimeDelta::microseconds(1))
        .unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).expect("a time")
    }

    fn at(seconds: u64) -> Uptime {
        Uptime(Duration::from_secs(seconds))
    }

    /// A clock that is `ahead` seconds ahead at an uptime of 1,000 seconds.
    fn anchor(ahead: i64) -> Anchor {
        Anchor {
            time: time(ahead),
            at: at(1_000),
        }
    }

    #[test]
    fn a_wrong_clock_is_set_to_the_servers_time() {
        for ahead in [600, -600, 90_000, -90_000] {
            let corrected = anchor(ahead).corrected(time(10), at(1_010), at(1_010));
            assert_eq!(corrected.reading(at(1_010)), time(10));
            assert_eq!(corrected.reading(at(1_075)), time(75));
        }
    }

    #[test]
    fn a_slow_response_moves_the_clock_no_further_than_necessary() {
        // The server read 10 at some moment of these 4 seconds, so it shows 10 to 14 at their end.
        let correct = |ahead| {
            anchor(ahead)
                .corrected(time(10), at(1_008), at(1_012))
                .reading(at(1_012))
        };
        assert_eq!(correct(-3), time(10));
        assert_eq!(correct(0), time(12));
        assert_eq!(correct(1), time(13));
        assert_eq!(correct(9), time(14));
    }

    #[test]
    fn it_starts_at_the_system_time_and_reports_the_offset() {
        let clock = SteadyClock::start();
        assert!(clock.machine_offset().abs() < TimeDelta::seconds(1));
        let first = clock.now();
        assert!(clock.now() >= first);
        clock.synchronize(first - TimeDelta::hours(25), clock.uptime());
        let offset = clock.clone().machine_offset();
        assert!(
            (offset - TimeDelta::hours(25)).abs() < TimeDelta::seconds(1),
            "{offset}"
        );
    }
}
