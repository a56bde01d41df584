//! Given / when / then for commands over several streams.

use std::fmt::Debug;

use super::clock::at;
use crate::aggregate::Aggregate;
use crate::event::{DomainEvent, EncodedEvent};
use crate::execute::{Command, Decided, Histories};
use crate::id::Version;
use crate::stream::StreamId;

/// Streams with their histories. All other streams are empty.
///
/// ```
/// # use event_sourcing::execute::{Command, DecideError, States, UnitOfWork};
/// # use event_sourcing::testing::doc::{Counter, Incremented, increment};
/// use event_sourcing::testing::{given_streams, written};
///
/// # struct IncrementBoth { counters: [&'static str; 2], by: u64 }
/// # impl Command for IncrementBoth {
/// #     const NAME: &'static str = "increment_both";
/// #     type Rejection = String;
/// #     type Reply = u64;
/// #     fn decide(&self, work: &mut UnitOfWork<'_, String>) -> Result<(), DecideError<String>> {
/// #         for counter in self.counters {
/// #             work.decide::<Counter, _>(counter, |counter| increment(counter, self.by))?;
/// #         }
/// #         Ok(())
/// #     }
/// #     fn reply(&self, states: &States) -> Option<u64> {
/// #         Some(states.get::<Counter>(self.counters[0])?.0.value)
/// #     }
/// # }
/// given_streams()
///     .with::<Counter>("a", [Incremented { by: 2 }])
///     .when(&IncrementBoth { counters: ["a", "b"], by: 3 })
///     .then([
///         written::<Counter>("a", [Incremented { by: 3 }]),
///         written::<Counter>("b", [Incremented { by: 3 }]),
///     ]);
/// ```
#[derive(Debug)]
pub struct GivenStreams(Histories);

/// Starts without any stream.
#[must_use]
pub fn given_streams() -> GivenStreams {
    GivenStreams(Histories::default())
}

/// The events that a command writes to one stream.
pub type Written = (StreamId, Vec<EncodedEvent>);

/// The events that a command writes to the stream of this aggregate.
pub fn written<A: Aggregate>(id: &str, events: impl IntoIterator<Item = A::Event>) -> Written {
    let events = events.into_iter().map(|event| event.encode()).collect();
    (A::stream(id), events)
}

impl GivenStreams {
    /// Adds the stream of an aggregate with these events, one per second.
    #[must_use]
    pub fn with<A: Aggregate>(
        mut self,
        id: &str,
        events: impl IntoIterator<Item = A::Event>,
    ) -> Self {
        let (mut state, mut version) = (A::default(), Version::NONE);
        for (second, event) in (0..).zip(events) {
            state.evolve(&event, at(second));
            version = version.next();
        }
        self.0.insert(id, state, version);
        self
    }

    /// Executes a command.
    pub fn when<C: Command>(&self, command: &C) -> WhenExecuted<C::Reply, C::Rejection> {
        WhenExecuted(self.0.decide(command))
    }
}

/// The result of an executed command.
#[derive(Debug)]
pub struct WhenExecuted<T, R>(Result<Decided<T>, R>);

impl<T, R: Debug + PartialEq> WhenExecuted<T, R> {
    /// Expects exactly these events, in log order.
    ///
    /// # Panics
    /// If the decision differs.
    #[track_caller]
    pub fn then(self, events: impl IntoIterator<Item = Written>) {
        let written = self.0.map(|(written, _)| written);
        assert_eq!(written, Ok(events.into_iter().collect()));
    }

    /// Expects success without an event.
    ///
    /// # Panics
    /// If the decision differs.
    #[track_caller]
    pub fn then_nothing(self) {
        self.then([]);
    }

    /// Expects this rejection.
    ///
    /// # Panics
    /// If the decision differs.
    #[track_caller]
    pub fn then_rejected(self, rejection: R) {
        let written = self.0.map(|(written, _)| written);
        assert_eq!(written, Err(rejection));
    }

    /// The rejection.
    ///
    /// # Panics
    /// If the command was not rejected.
    #[track_caller]
    pub fn rejection(self) -> R {
        let Err(rejection) = self.0 else {
            panic!("the command was not rejected");
        };
        rejection
    }

    /// The reply.
    ///
    /// # Panics
    /// If the command was rejected, or its reply is not derived from the streams that it decided on.
    #[track_caller]
    pub fn reply(self) -> T {
        let (_, reply) = self.0.expect("the command was rejected");
        reply.expect("the command's reply is not derived from the streams that it decided on")
    }
}
