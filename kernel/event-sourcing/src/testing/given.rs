//! Given / when / then for aggregates.

use std::fmt::Debug;

use super::clock::at;
use crate::aggregate::Aggregate;

/// An aggregate with a history.
///
/// ```
/// # use event_sourcing::testing::doc::{Counter, Incremented, increment};
/// use event_sourcing::testing::given;
///
/// given::<Counter>([Incremented { by: 2 }])
///     .when(|counter| increment(counter, 3))
///     .then([Incremented { by: 3 }]);
/// ```
#[derive(Debug)]
pub struct Given<A>(A);

/// Starts with an aggregate that has these events, one per second.
pub fn given<A: Aggregate>(events: impl IntoIterator<Item = A::Event>) -> Given<A> {
    let mut state = A::default();
    for (second, event) in (0..).zip(events) {
        state.evolve(&event, at(second));
    }
    Given(state)
}

impl<A: Aggregate> Given<A> {
    /// Runs a decision on the state.
    pub fn when<E, R>(self, decide: impl FnOnce(&A) -> Result<Vec<E>, R>) -> When<E, R> {
        When(decide(&self.0))
    }

    /// The state after the events.
    pub fn state(self) -> A {
        self.0
    }
}

/// The result of a decision.
#[derive(Debug)]
pub struct When<E, R>(Result<Vec<E>, R>);

impl<E: Debug + PartialEq, R: Debug + PartialEq> When<E, R> {
    /// Expects exactly these events.
    ///
    /// # Panics
    /// If the decision differs.
    #[track_caller]
    pub fn then(self, events: impl IntoIterator<Item = E>) {
        assert_eq!(self.0, Ok(events.into_iter().collect()));
    }

    /// Expects success without an event.
    ///
    /// # Panics
    /// If the decision differs.
    #[track_caller]
    pub fn then_nothing(self) {
        assert_eq!(self.0, Ok(Vec::new()));
    }

    /// Expects this rejection.
    ///
    /// # Panics
    /// If the decision differs.
    #[track_caller]
    pub fn then_rejected(self, rejection: R) {
        assert_eq!(self.0, Err(rejection));
    }
}
