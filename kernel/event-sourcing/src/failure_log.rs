//! Limits how often a failure that repeats is logged.
//!
//! Whatever is retried fails again and again while its database is away, and several tasks of one component fail for the
//! same reason. An operator needs the first line at once, a line from time to time while it lasts, and one at its end.

use std::fmt::Display;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::fields;

/// There is at most one line in so long.
pub const INTERVAL: Duration = Duration::from_mins(1);

/// Decides which failures of one kind, in one component, get a line in the log. The line itself is the caller's.
///
/// ```
/// use event_sourcing::FailureLog;
/// use tokio::time::{Duration, Instant};
///
/// let log = FailureLog::new();
/// let start = Instant::now();
/// assert_eq!(log.failed(start), Some(0));
/// assert_eq!(log.failed(start + Duration::from_secs(1)), None);
/// assert_eq!(log.failed(start + Duration::from_secs(60)), Some(1));
/// assert!(log.succeeded(start + Duration::from_secs(61)).is_some());
/// assert!(log.succeeded(start + Duration::from_secs(62)).is_none());
/// ```
#[derive(Debug, Default)]
pub struct FailureLog(Mutex<State>);

#[derive(Debug)]
struct State {
    /// When the last line about a failure was due.
    logged: Option<Instant>,
    /// Failures without a line since then.
    suppressed: u64,
    /// When the present series of failures began.
    since: Option<Instant>,
    /// Whether it has a line. One that has none ends without one.
    is_known: bool,
}

impl Default for State {
    fn default() -> Self {
        Self::NEW
    }
}

impl State {
    const NEW: Self = Self {
        logged: None,
        suppressed: 0,
        since: None,
        is_known: false,
    };
}

/// A series of failures is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// Failures that got no line of their own since the last one that did.
    pub suppressed: u64,
    /// How long the series lasted.
    pub lasted: Duration,
}

impl FailureLog {
    /// Nothing has failed yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(Mutex::new(State::NEW))
    }

    /// Notes a failure. If it is to be logged, returns how many before it were not.
    pub fn failed(&self, now: Instant) -> Option<u64> {
        let mut state = self.0.lock();
        state.since.get_or_insert(now);
        let logged = state.logged;
        if logged.is_some_and(|at| now.saturating_duration_since(at) < INTERVAL) {
            state.suppressed += 1;
            return None;
        }
        state.logged = Some(now);
        state.is_known = true;
        Some(std::mem::take(&mut state.suppressed))
    }

    /// Notes a success. Returns what is to be logged of it: the end of a series of failures that has a line.
    pub fn succeeded(&self, now: Instant) -> Option<Recovery> {
        let mut state = self.0.lock();
        let since = state.since.take()?;
        if !std::mem::take(&mut state.is_known) {
            return None;
        }
        Some(Recovery {
            suppressed: std::mem::take(&mut state.suppressed),
            lasted: now.saturating_duration_since(since),
        })
    }

    /// Notes a success, and logs the end of a series of failures that has a line: `what` says what works again.
    pub fn log_recovery(&self, now: Instant, what: impl Display) {
        if let Some(Recovery { suppressed, lasted }) = self.succeeded(now) {
            let lasted = u64::try_from(lasted.as_millis()).unwrap_or(u64::MAX);
            tracing::info!(
                { fields::SUPPRESSED } = suppressed,
                { fields::ELAPSED_MS } = lasted,
                "{what}"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(second: u64) -> Instant {
        static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
        *START.get_or_init(Instant::now) + Duration::from_secs(second)
    }

    #[test]
    fn a_long_outage_has_a_line_a_minute_with_the_count_and_one_at_its_end() {
        let log = FailureLog::new();
        let lines: Vec<_> = (0..150)
            .filter_map(|at| Some((at, log.failed(second(at))?)))
            .collect();
        assert_eq!(lines, [(0, 0), (60, 59), (120, 59)]);
        let recovery = log.succeeded(second(150)).expect("a line");
        let expected = Recovery {
            suppressed: 29,
            lasted: Duration::from_secs(150),
        };
        assert_eq!(recovery, expected);
        assert_eq!(log.succeeded(second(151)), None);
    }

    /// Otherwise what fails every other time would log as if there were no limit.
    #[test]
    fn what_comes_and_goes_has_two_lines_a_minute() {
        let log = FailureLog::new();
        let mut lines = 0;
        for at in 0..600 {
            lines += usize::from(log.failed(second(at)).is_some());
            lines += usize::from(log.succeeded(second(at)).is_some());
        }
        assert_eq!(lines, 20);
    }

    #[test]
    fn what_was_suppressed_before_a_success_is_in_the_next_line() {
        let log = FailureLog::new();
        assert_eq!(log.failed(second(0)), Some(0));
        assert!(log.succeeded(second(1)).is_some());
        assert_eq!(log.failed(second(2)), None);
        assert_eq!(log.succeeded(second(3)), None);
        assert_eq!(log.failed(second(60)), Some(1));
    }
}
