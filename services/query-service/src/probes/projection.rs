//! How one projection is.
//!
//! ```text
//!   building ── caught up once ──► following ◄──► lagging
//!                                      ▲  ▲
//!                            resumed ──┘  └── succeeded
//!                            parked          failing, damaged
//! ```

use std::time::Duration;

use event_sourcing::Position;
use event_sourcing::projection::RunnerState;
use platform::health::ComponentState;
use read_model_sql::Checkpoint;
use tokio::time::Instant;

use crate::config::LagLimits;

/// What was seen of a projection at one moment.
pub(super) struct Seen<'a> {
    pub(super) checkpoint: &'a Checkpoint,
    /// The runner of this process; another process may be the one that folds.
    pub(super) runner: &'a RunnerState,
    /// Nothing if the log cannot be read.
    pub(super) head: Option<Position>,
    pub(super) at: Instant,
}

/// What has to be remembered of a projection to tell how it is.
#[derive(Debug, Default)]
pub(super) struct ProbeStatus {
    /// Where the log ended when it was first asked: rows up to here make the projection ready.
    goal: Option<Position>,
    has_caught_up: bool,
    /// An end of the log that the rows had not reached, and when that was seen.
    waiting_for: Option<(Position, Instant)>,
}

impl ProbeStatus {
    pub(super) fn has_caught_up(&self) -> bool {
        self.has_caught_up
    }

    /// Whether an event of the log was missing from the rows when it was last looked.
    pub(super) fn is_waiting(&self) -> bool {
        self.waiting_for.is_some()
    }

    pub(super) fn status(&mut self, seen: &Seen<'_>, limits: LagLimits) -> ComponentState {
        self.catch_up(seen);
        let is_lagging = self.is_lagging(seen, limits);
        let kept_from_serving = |word: String| {
            if self.has_caught_up {
                ComponentState::impaired(word)
            } else {
                ComponentState::down(word)
            }
        };
        let position = seen.checkpoint.position;
        if seen.runner.is_damaged {
            kept_from_serving("damaged".to_owned())
        } else if seen.runner.failing.is_some() {
            kept_from_serving("failing".to_owned())
        } else if let Some(parked) = &seen.checkpoint.parked {
            kept_from_serving(format!("parked at {}", parked.position))
        } else if !self.has_caught_up || !seen.checkpoint.caught_up {
            // Later it is built anew if the log turns out to be another one.
            let goal = self
                .goal
                .map_or_else(|| "?".to_owned(), |goal| goal.to_string());
            kept_from_serving(format!("building ({position} of {goal})"))
        } else if is_lagging {
            let missing = seen
                .head
                .map_or(0, |head| head.0.saturating_sub(position.0));
            ComponentState::impaired(format!("lagging ({missing} events)"))
        } else {
            ComponentState::up("following")
        }
    }

    /// For how long an event that the log has was seen to be missing from the rows.
    pub(super) fn lag(&self, now: Instant) -> Duration {
        self.waiting_for
            .map_or(Duration::ZERO, |(_, since)| now.duration_since(since))
    }

    fn catch_up(&mut self, seen: &Seen<'_>) {
        self.goal = self.goal.or(seen.head);
        let is_known = seen.checkpoint.as_of.is_some();
        // One that was parked when this process started has caught up as far as it can: its rows are as right as they
        // were before, and not to serve them would help nobody.
        let has_arrived = self.goal.is_some_and(|goal| {
            seen.checkpoint.position >= goal || seen.checkpoint.parked.is_some()
        });
        self.has_caught_up |= is_known && has_arrived && seen.checkpoint.caught_up;
    }

    /// Whether an event is older than the limit and not in the rows, and more than the limit of them are missing.
    fn is_lagging(&mut self, seen: &Seen<'_>, limits: LagLimits) -> bool {
        let position = seen.checkpoint.position;
        let Some(head) = seen.head else {
            return false;
        };
        let still = self
            .waiting_for
            .filter(|(end, _)| position < *end && *end <= head);
        self.waiting_for = still.or_else(|| (position < head).then_some((head, seen.at)));
        self.waiting_for.is_some_and(|(_, since)| {
            seen.at.duration_since(since) >= limits.age
                && head.0.saturating_sub(position.0) > limits.events
        })
    }
}

#[cfg(test)]
mod tests {
    use event_sourcing::projection::Parked;

    use super::*;

    const LIMITS: LagLimits = LagLimits {
        age: Duration::from_secs(10),
        events: 5,
    };

    struct Case {
        status: ProbeStatus,
        start: Instant,
        runner: RunnerState,
        parked: Option<Parked>,
    }

    impl Case {
        fn new() -> Self {
            Self {
                status: ProbeStatus::default(),
                start: Instant::now(),
                runner: RunnerState::default(),
                parked: None,
            }
        }

        /// After this many seconds, at this position of a log that ends there.
        fn at(
            &mut self,
            seconds: u64,
            position: u64,
            head: impl Into<Option<u64>>,
        ) -> ComponentState {
            let at = self.start + Duration::from_secs(seconds);
            let mut checkpoint = Checkpoint::default();
            checkpoint.position = Position(position);
            checkpoint.caught_up = true;
            checkpoint.parked.clone_from(&self.parked);
            checkpoint.as_of = Some(at);
            let seen = Seen {
                checkpoint: &checkpoint,
                runner: &self.runner,
                head: head.into().map(Position),
                at,
            };
            self.status.status(&seen, LIMITS)
        }
    }

    #[test]
    fn its_lag_grows_while_an_event_is_missing_and_ends_with_it() {
        let mut case = Case::new();
        let mut lag = |seconds, position, head| {
            case.at(seconds, position, head);
            let now = case.start + Duration::from_secs(seconds);
            case.status.lag(now).as_secs()
        };
        assert_eq!(lag(0, 20, Some(20)), 0);
        assert_eq!(lag(2, 20, Some(21)), 0);
        assert_eq!(lag(60, 20, Some(25)), 58);
        assert_eq!(lag(62, 21, Some(25)), 0, "the event of then has arrived");
        assert_eq!(lag(64, 25, Some(25)), 0);
        assert_eq!(lag(600, 25, Some(25)), 0);
    }

    #[test]
    fn it_is_not_ready_before_it_has_caught_up_with_the_log_of_its_start() {
        let mut case = Case::new();
        assert_eq!(
            case.at(0, 0, None),
            ComponentState::down("building (0 of ?)")
        );
        assert_eq!(
            case.at(1, 0, 20),
            ComponentState::down("building (0 of 20)")
        );
        assert_eq!(
            case.at(60, 19, 500),
            ComponentState::down("building (19 of 20)")
        );
        assert_eq!(case.at(61, 20, 500), ComponentState::up("following"));
        assert_eq!(case.at(71, 20, 500).word, "lagging (480 events)");
        assert!(case.at(71, 20, 500).ready);
        assert_eq!(case.at(72, 500, 500), ComponentState::up("following"));
        assert_eq!(Case::new().at(0, 0, 0), ComponentState::up("following"));
    }

    #[test]
    fn it_lags_by_age_and_by_number() {
        let mut case = Case::new();
        case.at(0, 100, 100);
        assert_eq!(case.at(1, 100, 200), ComponentState::up("following"));
        assert_eq!(case.at(10, 100, 200), ComponentState::up("following"));
        assert_eq!(
            case.at(11, 100, 200),
            ComponentState::impaired("lagging (100 events)")
        );
        // A log that is busy all the time is followed all the time.
        assert_eq!(case.at(12, 200, 300), ComponentState::up("following"));
        for second in 13..40 {
            let state = case.at(second, 100 * second, 100 * second + 99);
            assert_eq!(state, ComponentState::up("following"), "{second}");
        }
        // A few events are few however long.
        assert_eq!(case.at(50, 5_000, 5_005), ComponentState::up("following"));
        assert_eq!(case.at(90, 5_000, 5_005), ComponentState::up("following"));
        assert_eq!(case.at(91, 5_000, 5_006).word, "lagging (6 events)");
        // Without the log it is unknown; the part of the event store says so.
        assert_eq!(case.at(99, 5_000, None), ComponentState::up("following"));
    }

    #[test]
    fn what_stands_still_is_named_and_leaves_it_ready() {
        let mut case = Case::new();
        case.at(0, 10, 10);
        case.parked = Some(Parked {
            position: Position(11),
            reason: "an internal reason".to_owned(),
        });
        assert_eq!(case.at(1, 10, 20), ComponentState::impaired("parked at 11"));
        case.runner.failing = Some("a password".to_owned());
        assert_eq!(case.at(2, 10, 20), ComponentState::impaired("failing"));
        case.runner.is_damaged = true;
        assert_eq!(case.at(3, 10, 20), ComponentState::impaired("damaged"));
    }

    #[test]
    fn what_fails_before_it_has_caught_up_is_not_ready() {
        let mut case = Case::new();
        case.runner.failing = Some("a password".to_owned());
        assert_eq!(case.at(0, 0, 20), ComponentState::down("failing"));
        case.runner.failing = None;
        assert_eq!(
            case.at(1, 0, 20),
            ComponentState::down("building (0 of 20)")
        );
    }
}
