//! Rate limits the logging of repeated failures.
//!
//! While a database is unavailable every retry fails, and several tasks of one component fail for the same reason. An
//! operator needs the first line immediately, a periodic line while the failure lasts, and one line on recovery.

use std::fmt::Display;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::fields;

/// The minimum interval between two lines.
pub const INTERVAL: Duration = Duration::from_mins(1);

/// Decides which failures of one kind, in one component, are logged. The caller writes the log line.
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
    /// When a failure was last logged.
    logged: Option<Instant>,
    /// The number of failures not logged since then.
    suppressed: u64,
    /// When the current series of failures started.
    since: Option<Instant>,
    /// Whether the series was logged. The end of one that was not is not logged either.
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

/// The end of a series of failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// The number of failures not logged since the last one that was.
    pub suppressed: u64,
    /// How long the series lasted.
    pub lasted: Duration,
}

impl FailureLog {
    /// A log without failures.
    #[must_use]
    pub const fn new() -> Self {
        Self(Mutex::new(State::NEW))
    }

    /// Records a failure. Returns `Some` if it should be logged, with the number of failures not logged before it.
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

    /// Records a success. Returns the end of a series of failures, if it should be logged.
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

    /// Records a success, and logs `what` if it ends a series of failures that was logged.
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
    fn a_long_outage_is_logged_once_a_minute_with_the_count_and_once_on_recovery() {
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

    /// Otherwise a call that fails every other time would be logged without a limit.
    #[test]
    fn an_intermittent_failure_is_logged_twice_a_minute() {
        let log = FailureLog::new();
        let mut lines = 0;
        for at in 0..600 {
            lines += usize::from(log.failed(second(at)).is_some());
            lines += usize::from(log.succeeded(second(at)).is_some());
        }
        assert_eq!(lines, 20);
    }

    #[test]
    fn failures_suppressed_before_a_success_are_counted_in_the_next_line() {
        let log = FailureLog::new();
        assert_eq!(log.failed(second(0)), Some(0));
        assert!(log.succeeded(second(1)).is_some());
        assert_eq!(log.failed(second(2)), None);
        assert_eq!(log.succeeded(second(3)), None);
        assert_eq!(log.failed(second(60)), Some(1));
    }
}
