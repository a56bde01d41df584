//! Stops calling a service that does not answer (Nygard, Release It!, 2007).
//!
//! ```text
//!             failures in a row                 a while, or it is seen to serve
//!   closed ───────────────────────► open ───────────────────────────────────► half-open
//!     ▲                              ▲                                            │
//!     │                              └────────────────── a failure ───────────────┤
//!     └────────────────────────────── successes in a row ─────────────────────────┘
//! ```
//!
//! A failure is a lost connection or a missed deadline, and not what a service answers. While the breaker is open, calls fail at
//! once instead of after their timeout, so that callers do not pile up; half-open it lets a few through to find out.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;
use tonic::Status;

use crate::status::Reason;

/// When a breaker opens and closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerPolicy {
    /// Failures in a row that open it.
    pub failures: u32,
    /// How long it stays open, unless the service is seen to serve.
    pub open_for: Duration,
    /// Successes in a row that close it, and calls that are let through at the same time to get them.
    pub successes: u32,
}

/// The breaker of one service.
#[derive(Debug)]
pub struct CircuitBreaker {
    service: &'static str,
    policy: BreakerPolicy,
    state: Mutex<State>,
    on_change: fn(&str, BreakerState),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed { failures: u32 },
    Open { since: Instant },
    HalfOpen { successes: u32, trials: u32 },
}

/// What a breaker does with calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    /// All are sent.
    Closed,
    /// A few are sent.
    HalfOpen,
    /// None is sent.
    Open,
}

impl From<State> for BreakerState {
    fn from(state: State) -> Self {
        match state {
            State::Closed { .. } => Self::Closed,
            State::HalfOpen { .. } => Self::HalfOpen,
            State::Open { .. } => Self::Open,
        }
    }
}

/// Permits one call. Its end must be reported; a call that is dropped says nothing about the service.
#[derive(Debug)]
pub(crate) struct Permit<'a> {
    breaker: &'a CircuitBreaker,
    is_trial: bool,
}

impl CircuitBreaker {
    /// A closed breaker of calls to `service`. `on_change` is called with the service and each new state.
    #[must_use]
    pub fn new(
        service: &'static str,
        policy: BreakerPolicy,
        on_change: fn(&str, BreakerState),
    ) -> Self {
        let breaker = Self {
            service,
            policy,
            state: Mutex::new(State::Closed { failures: 0 }),
            on_change,
        };
        breaker.measure(BreakerState::Closed);
        breaker
    }

    #[must_use]
    pub fn state(&self) -> BreakerState {
        (*self.state.lock()).into()
    }

    /// The service was seen to serve: an open breaker lets calls through again.
    pub fn seen_serving(&self) {
        let mut state = self.state.lock();
        if matches!(*state, State::Open { .. }) {
            self.set(&mut state, HALF_OPEN);
        }
    }

    /// # Errors
    /// The breaker is open: the call must not be sent.
    pub(crate) fn permit(&self) -> Result<Permit<'_>, Status> {
        let mut state = self.state.lock();
        if let State::Open { since } = *state
            && since.elapsed() >= self.policy.open_for
        {
            self.set(&mut state, HALF_OPEN);
        }
        let is_trial = match &mut *state {
            State::Closed { .. } => false,
            State::HalfOpen { trials, .. } if *trials < self.policy.successes => {
                *trials += 1;
                true
            }
            State::HalfOpen { .. } | State::Open { .. } => {
                return Err(Reason::CircuitOpen.status("the service has not answered for a while"));
            }
        };
        Ok(Permit {
            breaker: self,
            is_trial,
        })
    }

    fn succeeded(&self) {
        let mut state = self.state.lock();
        match &mut *state {
            State::Closed { failures } => *failures = 0,
            State::HalfOpen { successes, .. } => {
                *successes += 1;
                if *successes >= self.policy.successes {
                    self.set(&mut state, State::Closed { failures: 0 });
                }
            }
            // The answer to a call that was sent before it opened.
            State::Open { .. } => {}
        }
    }

    fn failed(&self) {
        let mut state = self.state.lock();
        let opens = match &mut *state {
            State::Closed { failures } => {
                *failures += 1;
                *failures >= self.policy.failures
            }
            State::HalfOpen { .. } => true,
            State::Open { .. } => false,
        };
        if opens {
            let since = Instant::now();
            self.set(&mut state, State::Open { since });
        }
    }

    fn trial_ended(&self) {
        if let State::HalfOpen { trials, .. } = &mut *self.state.lock() {
            *trials = trials.saturating_sub(1);
        }
    }

    fn set(&self, state: &mut State, new: State) {
        *state = new;
        let shown = BreakerState::from(new);
        self.measure(shown);
        (self.on_change)(self.service, shown);
    }

    fn measure(&self, state: BreakerState) {
        let value = match state {
            BreakerState::Closed => 0.0,
            BreakerState::HalfOpen => 1.0,
            BreakerState::Open => 2.0,
        };
        metrics::gauge!("circuit_breaker_state", "service" => self.service).set(value);
    }
}

const HALF_OPEN: State = State::HalfOpen {
    successes: 0,
    trials: 0,
};

impl Permit<'_> {
    pub(crate) fn succeeded(self) {
        self.breaker.succeeded();
    }

    pub(crate) fn failed(self) {
        self.breaker.failed();
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if self.is_trial {
            self.breaker.trial_ended();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::advance;

    use super::{BreakerPolicy, BreakerState, CircuitBreaker};
    use crate::status::{Outcome, Reason};

    const POLICY: BreakerPolicy = BreakerPolicy {
        failures: 5,
        open_for: Duration::from_secs(30),
        successes: 2,
    };

    fn fail(breaker: &CircuitBreaker, times: u32) {
        for _ in 0..times {
            breaker.permit().expect("a permit").failed();
        }
    }

    fn succeed(breaker: &CircuitBreaker) {
        breaker.permit().expect("a permit").succeeded();
    }

    #[tokio::test(start_paused = true)]
    async fn failures_in_a_row_open_it_and_successes_close_it() {
        let breaker = CircuitBreaker::new("test", POLICY, |_, _| {});
        fail(&breaker, 4);
        succeed(&breaker);
        fail(&breaker, 4);
        assert_eq!(breaker.state(), BreakerState::Closed);
        fail(&breaker, 1);
        assert_eq!(breaker.state(), BreakerState::Open);
        let status = breaker.permit().expect_err("open");
        assert_eq!(Reason::of(&status), Some(Reason::CircuitOpen));
        assert_eq!(Outcome::of(&status), Some(Outcome::None));
        advance(Duration::from_secs(29)).await;
        assert!(breaker.permit().is_err());
        advance(Duration::from_secs(1)).await;
        succeed(&breaker);
        assert_eq!(breaker.state(), BreakerState::HalfOpen);
        succeed(&breaker);
        assert_eq!(breaker.state(), BreakerState::Closed);
        fail(&breaker, 4);
        assert_eq!(breaker.state(), BreakerState::Closed);
    }

    #[tokio::test(start_paused = true)]
    async fn half_open_it_lets_a_few_through_and_a_failure_opens_it() {
        let breaker = CircuitBreaker::new("test", POLICY, |_, _| {});
        fail(&breaker, 5);
        breaker.seen_serving();
        let first = breaker.permit().expect("a trial");
        let second = breaker.permit().expect("a trial");
        assert!(breaker.permit().is_err(), "two at the same time");
        drop(first);
        let third = breaker.permit().expect("its place is free");
        third.failed();
        assert_eq!(breaker.state(), BreakerState::Open);
        // The answer to an earlier call does not close it.
        second.succeeded();
        assert_eq!(breaker.state(), BreakerState::Open);
        assert!(breaker.permit().is_err());
    }

    #[test]
    fn a_service_that_is_seen_to_serve_changes_nothing_while_it_is_closed() {
        let breaker = CircuitBreaker::new("test", POLICY, |_, _| {});
        breaker.seen_serving();
        assert_eq!(breaker.state(), BreakerState::Closed);
    }
}
