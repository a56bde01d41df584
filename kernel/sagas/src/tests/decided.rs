//! When a saga is decided, which definitions are valid, and how long the pauses are.

use std::time::Duration;

use proptest::prelude::*;

use super::trip::{Booking, ErrandSaga, Purchase, Tour, Travel};
use super::{run, run_with};
use crate::state::StepStatus::{self, Calling, Done, Pending};
use crate::{RetryPolicy, Role, SagaDefinition, Step, Writes};
use event_sourcing::Actor;

fn is_decided<S: Travel>(statuses: &[StepStatus]) -> bool {
    run_with::<S>(statuses).is_decided()
}

#[test]
fn a_pivot_decides_when_it_is_done() {
    assert!(!is_decided::<Tour>(&[Done, Done, Done, Pending]));
    assert!(is_decided::<Tour>(&[Done, Done, Done, Done]));
    assert!(!is_decided::<Purchase>(&[Done, Done, Calling]));
    assert!(is_decided::<Purchase>(&[Done, Done, Done, Pending]));
}

#[test]
fn without_a_pivot_the_last_step_decides_unless_the_saga_was_cancelled() {
    assert!(!is_decided::<Booking>(&[Done, Done, Calling]));
    assert!(is_decided::<Booking>(&[Done, Done, Done]));
    let mut run = run_with::<Booking>(&[Done, Done, Done]);
    run.cancel = Some(Actor {
        id: "a customer".to_owned(),
        reason: "a change of mind".to_owned(),
    });
    assert!(!run.is_decided());
}

#[test]
fn a_saga_of_retriable_steps_is_decided_from_the_start() {
    assert!(run::<ErrandSaga>().is_decided());
}

/// Validates a definition with steps of these roles, stage by stage.
fn problem_of(stages: &[&[(&'static str, Role)]]) -> Option<String> {
    let stages: Vec<&'static [Step<Tour>]> = stages
        .iter()
        .map(|stage| {
            let steps = stage
                .iter()
                .map(|(name, role)| Step::local(name, *role, |_, _| Ok(Writes::none())));
            &*Box::leak(steps.collect::<Vec<_>>().into_boxed_slice())
        })
        .collect();
    SagaDefinition::new(1, Box::leak(stages.into_boxed_slice())).validate()
}

#[test]
fn an_invalid_definition_is_rejected() {
    use Role::{Compensatable, Pivot, Retriable};
    let (a, b, p, r) = (
        ("a", Compensatable),
        ("b", Compensatable),
        ("p", Pivot),
        ("r", Retriable),
    );
    for valid in [&[&[a, b][..], &[p], &[r]][..], &[&[a], &[b]], &[&[r]], &[]] {
        assert_eq!(problem_of(valid), None);
    }
    for invalid in [
        &[&[a][..], &[a]][..],
        &[&[a, a]],
        &[&[r], &[a]],
        &[&[p], &[a]],
        &[&[a, r]],
        &[&[p], &[("q", Pivot)]],
        &[&[p, ("q", Pivot)]],
        &[&[r], &[p]],
    ] {
        assert!(problem_of(invalid).is_some(), "{invalid:?}");
    }
    for problem in [
        problem::<Tour>(),
        problem::<Purchase>(),
        problem::<Booking>(),
    ] {
        assert_eq!(problem, None);
    }
}

/// The problem of a saga's newest definition.
fn problem<S: Travel>() -> Option<String> {
    S::definition_of(S::DEFINITION_VERSION).unwrap().validate()
}

proptest! {
    #[test]
    fn pauses_double_within_their_bounds(
        min in 1_u64..5_000,
        more in 0_u64..600_000,
        attempt in 0_u32..1_000,
        random in any::<u64>(),
    ) {
        let (min, max) = (Duration::from_millis(min), Duration::from_millis(min + more));
        let policy = RetryPolicy { min, max, tries: 10 };
        let full = min
            .saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1)))
            .min(max);
        let pause = policy.pause(attempt, random);
        prop_assert!(pause >= full / 2 && pause <= full, "{pause:?} of {full:?}");
    }
}

#[test]
fn a_limited_pause_has_jitter_too() {
    let longest = Duration::from_millis(200);
    let policy = RetryPolicy::DEFAULT.within(longest);
    for attempt in 1..10 {
        let pauses = [0, 250, 500, 999].map(|random| policy.pause(attempt, random));
        assert!(pauses.is_sorted_by(|one, next| one < next), "{pauses:?}");
        assert!(
            pauses
                .iter()
                .all(|pause| *pause >= longest / 2 && *pause <= longest)
        );
    }
    assert_eq!(
        RetryPolicy::DEFAULT.within(Duration::MAX),
        RetryPolicy::DEFAULT
    );
}

#[test]
fn the_longest_pauses_do_not_overflow() {
    let policy = RetryPolicy {
        min: Duration::MAX,
        max: Duration::MAX,
        tries: u32::MAX,
    };
    assert!(policy.pause(u32::MAX, u64::MAX) <= Duration::MAX);
}
