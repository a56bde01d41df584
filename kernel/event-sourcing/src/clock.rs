//! Time as an argument.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use parking_lot::Mutex;

/// Tells the time. Decisions get it as an argument, so that tests can choose it.
pub trait Clock: Debug + Send + Sync + 'static {
    /// Now, in microseconds.
    fn now(&self) -> DateTime<Utc>;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the machine's clock"
    )]
    fn now(&self) -> DateTime<Utc> {
        to_micros(Utc::now())
    }
}

/// A clock that no step of the machine's clock moves: the machine's time at the start, and from then on the time that has
/// elapsed. A process that has a database server corrects it by the server's clock ([`Self::synchronize`]), so that all
/// processes of a system decide deadlines and expiries by one clock. All clones are one clock.
///
/// Time in which the machine was suspended counts as elapsed on Linux, and does not on systems that cannot tell it.
#[derive(Clone, Debug)]
pub struct SteadyClock(Arc<Mutex<Anchor>>);

/// For how long the machine has run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Uptime(Duration);

/// A time, and when it was.
#[derive(Clone, Copy, Debug)]
struct Anchor {
    time: DateTime<Utc>,
    at: Uptime,
}

impl SteadyClock {
    /// A clock that shows the machine's time now.
    #[must_use]
    pub fn start() -> Self {
        Self(Arc::new(Mutex::new(Anchor {
            time: SystemClock.now(),
            at: uptime(),
        })))
    }

    /// The present on the scale that [`Self::synchronize`] wants.
    #[must_use]
    pub fn uptime(&self) -> Uptime {
        uptime()
    }

    /// Corrects the clock by that of a server, which was asked at `asked_at` and showed `time` before its answer came.
    /// An answer that took long shows less exactly what time it is, so the clock moves no further than it surely
    /// must.
    pub fn synchronize(&self, time: DateTime<Utc>, asked_at: Uptime) {
        let mut anchor = self.0.lock();
        *anchor = anchor.corrected(time, asked_at, uptime());
    }

    /// By how much the machine's clock is ahead of this one; negative if it lags.
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

    /// A server's clock that showed `time` between the two moments shows at the later one what lies between that and
    /// that much more.
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

/// A clock that moves only when told to.
#[derive(Debug)]
pub struct ManualClock(Mutex<DateTime<Utc>>);

impl ManualClock {
    /// A clock that stands at `start`.
    #[must_use]
    pub fn new(start: DateTime<Utc>) -> Self {
        Self(Mutex::new(to_micros(start)))
    }

    /// Moves it forward.
    pub fn advance(&self, by: TimeDelta) {
        *self.0.lock() += by;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock()
    }
}

/// The time `pause` after `time`, or the last time that there is.
#[must_use]
pub fn after(time: DateTime<Utc>, pause: Duration) -> DateTime<Utc> {
    TimeDelta::from_std(pause)
        .ok()
        .and_then(|pause| time.checked_add_signed(pause))
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// Cuts to microseconds, which is what every engine keeps.
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

    /// A machine's clock that is `ahead` seconds ahead when it has run for 1,000.
    fn anchor(ahead: i64) -> Anchor {
        Anchor {
            time: time(ahead),
            at: at(1_000),
        }
    }

    #[test]
    fn a_clock_that_is_off_shows_the_servers_time() {
        for ahead in [600, -600, 90_000, -90_000] {
            let corrected = anchor(ahead).corrected(time(10), at(1_010), at(1_010));
            assert_eq!(corrected.reading(at(1_010)), time(10));
            assert_eq!(corrected.reading(at(1_075)), time(75));
        }
    }

    #[test]
    fn a_slow_answer_moves_it_no_further_than_it_surely_must() {
        // The server showed 10 at some moment of the 4 seconds, so that it shows 10 to 14 at their end.
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
    fn it_goes_on_from_the_machines_time_and_knows_how_far_that_is_off() {
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
