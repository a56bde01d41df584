//! What the requests of a connection wait for.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::runtime::connections::IDLE_TIMEOUT;

/// How long a client may not read a response. Each response has a window of its own, so that the connection's writes continue.
/// Event streams are read more often, because they are kept alive.
const READ_TIMEOUT: Duration = Duration::from_mins(1);
/// The same while the connection ends.
const ENDING_READ_TIMEOUT: Duration = Duration::from_secs(5);

/// The open requests of a connection. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Activity(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    /// By number; with the time at which its client last had room for a part of the response.
    open: HashMap<u64, Option<Instant>>,
    next: u64,
    /// When the last request ended.
    idle_since: Instant,
}

/// A guard: a request is open until it is dropped.
#[derive(Debug)]
pub(super) struct OpenRequest {
    activity: Activity,
    number: u64,
}

/// What must become of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Keep,
    /// It had no request for a long time.
    Idle,
    /// The client does not read a response.
    Stalled,
}

impl Activity {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(State {
            open: HashMap::new(),
            next: 0,
            idle_since: Instant::now(),
        })))
    }

    pub(super) fn begin(&self) -> OpenRequest {
        let mut state = self.0.lock();
        let number = state.next;
        state.next += 1;
        state.open.insert(number, None);
        OpenRequest {
            activity: self.clone(),
            number,
        }
    }

    pub(super) fn verdict(&self, is_ending: bool) -> Verdict {
        let state = self.0.lock();
        let limit = if is_ending {
            ENDING_READ_TIMEOUT
        } else {
            READ_TIMEOUT
        };
        let is_late = |since: &Instant| since.elapsed() >= limit;
        if state.open.values().flatten().any(is_late) {
            Verdict::Stalled
        } else if state.open.is_empty() && state.idle_since.elapsed() >= IDLE_TIMEOUT {
            Verdict::Idle
        } else {
            Verdict::Keep
        }
    }
}

impl OpenRequest {
    /// The client has room for a part of the response.
    pub(super) fn read(&self) {
        let mut state = self.activity.0.lock();
        state.open.insert(self.number, Some(Instant::now()));
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        let mut state = self.activity.0.lock();
        state.open.remove(&self.number);
        state.idle_since = Instant::now();
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Duration, advance};

    use super::{Activity, Verdict};

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_requests_is_idle_after_its_timeout() {
        let activity = Activity::new();
        let request = activity.begin();
        advance(Duration::from_hours(1)).await;
        assert_eq!(
            activity.verdict(false),
            Verdict::Keep,
            "it is being answered"
        );
        drop(request);
        advance(Duration::from_secs(74)).await;
        assert_eq!(activity.verdict(false), Verdict::Keep);
        advance(Duration::from_secs(1)).await;
        assert_eq!(activity.verdict(false), Verdict::Idle);
    }

    #[tokio::test(start_paused = true)]
    async fn a_response_that_is_not_received_stalls_its_connection() {
        let activity = Activity::new();
        let (first, second) = (activity.begin(), activity.begin());
        first.read();
        advance(Duration::from_secs(59)).await;
        assert_eq!(activity.verdict(false), Verdict::Keep);
        advance(Duration::from_secs(1)).await;
        assert_eq!(activity.verdict(false), Verdict::Stalled);
        first.read();
        assert_eq!(activity.verdict(false), Verdict::Keep);
        advance(Duration::from_secs(5)).await;
        assert_eq!(activity.verdict(true), Verdict::Stalled);
        drop(first);
        assert_eq!(activity.verdict(true), Verdict::Keep);
        drop(second);
    }
}
