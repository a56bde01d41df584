//! The health of one projection.
//!
//! ```text
//!   building ── caught up once ──► following ◄──► lagging
//!                                      ▲  ▲
//!                            resumed ──┘  └── succeeded
//!                            parked, paused  failing, damaged
//! ```

use std::time::Duration;

use event_sourcing::Position;
use event_sourcing::projection::RunnerState;
use platform::health::ComponentState;
use read_model_sql::Checkpoint;
use tokio::time::Instant;

use crate::config::LagLimits;

/// An observation of a projection.
pub(super) struct Observation<'a> {
    pub(super) checkpoint: &'a Checkpoint,
    /// The runner of this process; the events may be folded by another process.
    pub(super) runner: &'a RunnerState,
    /// `None` if the log cannot be read.
    pub(super) head: Option<Position>,
    pub(super) at: Instant,
}

/// The history of observations that the state depends on.
#[derive(Debug, Default)]
pub(super) struct ProbeStatus {
    /// The log's head at the first observation: the projection is ready once its rows have reached it.
    goal: Option<Position>,
    has_caught_up: bool,
    /// A head of the log that the rows had not reached, and the time of that observation.
    missing_since: Option<(Position, Instant)>,
}

impl ProbeStatus {
    pub(super) fn has_caught_up(&self) -> bool {
        self.has_caught_up
    }

    /// Whether the rows were missing an event at the last observation.
    pub(super) fn is_waiting(&self) -> bool {
        self.missing_since.is_some()
    }

    pub(super) fn status(&mut self, seen: &Observation<'_>, limits: LagLimits) -> ComponentState {
        self.catch_up(seen);
        let is_lagging = self.is_lagging(seen, limits);
        let not_following = |status: String| {
            if self.has_caught_up {
                ComponentState::impaired(status)
            } else {
                ComponentState::down(status)
            }
        };
        let position = seen.checkpoint.position;
        if seen.runner.is_damaged {
            not_following("damaged".to_owned())
        } else if seen.runner.failing.is_some() {
            not_following("failing".to_owned())
        } else if seen.checkpoint.is_paused {
            not_following(format!("paused at {position}"))
        } else if let Some(parked) = &seen.checkpoint.parked {
            not_following(format!("parked at {}", parked.position))
        } else if !self.has_caught_up || !seen.checkpoint.caught_up {
            // Also after readiness: the table is rebuilt if the log turns out to be another one.
            let goal = self
                .goal
                .map_or_else(|| "?".to_owned(), |goal| goal.to_string());
            not_following(format!("building ({position} of {goal})"))
        } else if is_lagging {
            let missing = seen
                .head
                .map_or(0, |head| head.0.saturating_sub(position.0));
            ComponentState::impaired(format!("lagging ({missing} events)"))
        } else {
            ComponentState::up("following")
        }
    }

    /// How long an event of the log has been missing from the rows.
    pub(super) fn lag(&self, now: Instant) -> Duration {
        self.missing_since
            .map_or(Duration::ZERO, |(_, since)| now.duration_since(since))
    }

    fn catch_up(&mut self, seen: &Observation<'_>) {
        self.goal = self.goal.or(seen.head);
        let is_known = seen.checkpoint.as_of.is_some();
        // A projection that was already parked or paused when this process started has caught up as far as it can. Its rows are
        // still correct up to their position, so not serving them would only add an outage.
        let has_arrived = self
            .goal
            .is_some_and(|goal| seen.checkpoint.position >= goal || seen.checkpoint.is_stalled());
        self.has_caught_up |= is_known && has_arrived && seen.checkpoint.caught_up;
    }

    /// Whether an event has been missing for longer than the age limit, and more events are missing than the count
    /// limit.
    fn is_lagging(&mut self, seen: &Observation<'_>, limits: LagLimits) -> bool {
        let position = seen.checkpoint.position;
        let Some(head) = seen.head else {
            return false;
        };
        let still = self
            .missing_since
            .filter(|(end, _)| position < *end && *end <= head);
        self.missing_since = still.or_else(|| (position < head).then_some((head, seen.at)));
        self.missing_since.is_some_and(|(_, since)| {
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
        is_paused: bool,
    }

    impl Case {
        fn new() -> Self {
            Self {
                status: ProbeStatus::default(),
                start: Instant::now(),
                runner: RunnerState::default(),
                parked: None,
                is_paused: false,
            }
        }

        /// An observation after this many seconds, with this position and this head of the log.
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
            checkpoint.is_paused = self.is_paused;
            checkpoint.as_of = Some(at);
            let seen = Observation {
                checkpoint: &checkpoint,
                runner: &self.runner,
                head: head.into().map(Position),
                at,
            };
            self.status.status(&seen, LIMITS)
        }
    }

    #[test]
    fn lag_grows_while_an_event_is_missing_and_resets_when_it_arrives() {
        let mut case = Case::new();
        let mut lag = |seconds, position, head| {
            case.at(seconds, position, head);
            let now = case.start + Duration::from_secs(seconds);
            case.status.lag(now).as_secs()
        };
        assert_eq!(lag(0, 20, Some(20)), 0);
        assert_eq!(lag(2, 20, Some(21)), 0);
        assert_eq!(lag(60, 20, Some(25)), 58);
        assert_eq!(lag(62, 21, Some(25)), 0, "the missing event has arrived");
        assert_eq!(lag(64, 25, Some(25)), 0);
        assert_eq!(lag(600, 25, Some(25)), 0);
    }

    #[test]
    fn a_projection_is_not_ready_before_it_reaches_the_head_of_its_start() {
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
        assert_eq!(case.at(71, 20, 500).status, "lagging (480 events)");
        assert!(case.at(71, 20, 500).ready);
        assert_eq!(case.at(72, 500, 500), ComponentState::up("following"));
        assert_eq!(Case::new().at(0, 0, 0), ComponentState::up("following"));
    }

    #[test]
    fn a_projection_lags_when_age_and_count_exceed_the_limits() {
        let mut case = Case::new();
        case.at(0, 100, 100);
        assert_eq!(case.at(1, 100, 200), ComponentState::up("following"));
        assert_eq!(case.at(10, 100, 200), ComponentState::up("following"));
        assert_eq!(
            case.at(11, 100, 200),
            ComponentState::impaired("lagging (100 events)")
        );
        // A continually busy log is not a lag while the rows advance.
        assert_eq!(case.at(12, 200, 300), ComponentState::up("following"));
        for second in 13..40 {
            let state = case.at(second, 100 * second, 100 * second + 99);
            assert_eq!(state, ComponentState::up("following"), "{second}");
        }
        // Few missing events are not a lag, however old they are.
        assert_eq!(case.at(50, 5_000, 5_005), ComponentState::up("following"));
        assert_eq!(case.at(90, 5_000, 5_005), ComponentState::up("following"));
        assert_eq!(case.at(91, 5_000, 5_006).status, "lagging (6 events)");
        // Without the log the lag is unknown; the event store's component reports the outage.
        assert_eq!(case.at(99, 5_000, None), ComponentState::up("following"));
    }

    #[test]
    fn a_parked_or_failing_projection_is_reported_and_stays_ready() {
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
    fn a_paused_projection_is_reported_and_stays_ready() {
        let mut case = Case::new();
        case.at(0, 10, 10);
        case.is_paused = true;
        assert_eq!(case.at(1, 10, 20), ComponentState::impaired("paused at 10"));
        case.is_paused = false;
        assert_eq!(case.at(2, 20, 20), ComponentState::up("following"));
        // Also one that was paused when the service started.
        let mut case = Case::new();
        case.is_paused = true;
        assert_eq!(case.at(0, 10, 20), ComponentState::impaired("paused at 10"));
    }

    #[test]
    fn a_projection_that_fails_before_it_has_caught_up_is_not_ready() {
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
