//! Given / when / then for aggregates and projections: no store, no mocks, no clock.

use std::collections::BTreeMap;
use std::fmt::Debug;

use chrono::{DateTime, TimeZone, Utc};

use crate::aggregate::{Aggregate, DomainEvent};
use crate::event::{EncodedEvent, Envelope, Metadata};
use crate::id::{CommandId, Position, Version};
use crate::projection::fold::decode_page;
use crate::projection::{Parked, Projection};
use crate::store::LogPage;
use crate::stream::StreamId;

/// A fixed time, `second` seconds after the start of 2026.
///
/// # Panics
/// If there is no such time.
#[must_use]
pub fn at(second: u32) -> DateTime<Utc> {
    Utc.timestamp_opt(1_767_225_600 + i64::from(second), 0)
        .single()
        .expect("a valid time")
}

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

/// Begins with an aggregate that has these events, one a second.
pub fn given<A: Aggregate>(events: impl IntoIterator<Item = A::Event>) -> Given<A> {
    let mut state = A::default();
    for (second, event) in (0..).zip(events) {
        state.evolve(&event, at(second));
    }
    Given(state)
}

impl<A: Aggregate> Given<A> {
    /// Decides on the state.
    pub fn when<E, R>(self, decide: impl FnOnce(&A) -> Result<Vec<E>, R>) -> When<E, R> {
        When(decide(&self.0))
    }

    /// The state that the events made.
    pub fn state(self) -> A {
        self.0
    }
}

/// A decision that was taken.
#[derive(Debug)]
pub struct When<E, R>(Result<Vec<E>, R>);

impl<E: Debug + PartialEq, R: Debug + PartialEq> When<E, R> {
    /// Expects exactly these events.
    ///
    /// # Panics
    /// If the decision is another.
    #[track_caller]
    pub fn then(self, events: impl IntoIterator<Item = E>) {
        assert_eq!(self.0, Ok(events.into_iter().collect()));
    }

    /// Expects success without an event.
    ///
    /// # Panics
    /// If the decision is another.
    #[track_caller]
    pub fn then_nothing(self) {
        assert_eq!(self.0, Ok(Vec::new()));
    }

    /// Expects this refusal.
    ///
    /// # Panics
    /// If the decision is another.
    #[track_caller]
    pub fn then_refused(self, refusal: R) {
        assert_eq!(self.0, Err(refusal));
    }
}

/// A log for projections, in memory and by hand.
#[derive(Debug, Default)]
pub struct Log {
    events: Vec<Envelope>,
    versions: BTreeMap<StreamId, Version>,
}

impl Log {
    /// Adds an event to the stream of an aggregate, a second after the one before.
    #[must_use]
    pub fn with<A: Aggregate>(self, id: &str, event: &A::Event) -> Self {
        self.with_encoded(A::stream(id), event.encode())
    }

    /// Adds an event as it was stored, of any shape.
    #[must_use]
    pub fn with_encoded(mut self, stream: StreamId, event: EncodedEvent) -> Self {
        let count = self.events.len() as u64;
        let version = self.versions.entry(stream.clone()).or_default();
        *version = version.next();
        let second = u32::try_from(count).unwrap_or(u32::MAX);
        let command_id = CommandId::from_parts(at(second), [0; 10]);
        self.events.push(Envelope {
            position: Position(count + 1),
            stream,
            version: *version,
            event_id: command_id.event_id(0),
            command_id: Some(command_id),
            event_type: event.event_type.to_owned(),
            schema_version: event.schema_version,
            data: event.data,
            metadata: Metadata::default(),
            recorded_at: at(second),
        });
        self
    }

    /// Folds the log as the runner would, in one page: the rows, and why it parked, if it did.
    pub fn project<P: Projection>(
        self,
        projection: &P,
    ) -> (BTreeMap<P::Key, P::Row>, Option<Parked>) {
        let head = Position(self.events.len() as u64);
        let filter = projection.filter();
        let events = self
            .events
            .into_iter()
            .filter(|event| filter.matches(&event.event_type))
            .collect();
        let page = LogPage {
            events,
            through: head,
            head,
        };
        let folded = decode_page(projection, page, &[]).fold(projection, Vec::new());
        let rows = folded
            .changes
            .into_iter()
            .filter_map(|(key, row)| Some((key, row?)))
            .collect();
        (rows, folded.parked)
    }
}

#[doc(hidden)]
pub mod doc {
    //! A counter, for the examples in this module's documentation.

    use chrono::{DateTime, Utc};
    use serde::{Deserialize, Serialize};

    use crate::aggregate::{Aggregate, DecodeError, DomainEvent};
    use crate::event::EncodedEvent;
    use crate::upcast;

    #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Counter {
        pub value: u64,
    }

    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Incremented {
        pub by: u64,
    }

    impl DomainEvent for Incremented {
        fn encode(&self) -> EncodedEvent {
            let data = format!("{{\"by\":{}}}", self.by);
            EncodedEvent {
                event_type: "Incremented",
                schema_version: 1,
                data,
            }
        }

        fn decode(event_type: &str, version: u32, data: &str) -> Result<Self, DecodeError> {
            match event_type {
                "Incremented" => upcast::read(event_type, version, data, &[]),
                _ => Err(DecodeError::UnknownType {
                    event_type: event_type.to_owned(),
                }),
            }
        }
    }

    impl Aggregate for Counter {
        const TYPE: &'static str = "counter";
        const SNAPSHOT_VERSION: u32 = 1;
        type Event = Incremented;

        fn evolve(&mut self, event: &Incremented, _at: DateTime<Utc>) {
            self.value = self.value.saturating_add(event.by);
        }
    }

    /// Increments by a positive number.
    ///
    /// # Errors
    /// If `by` is 0.
    pub fn increment(_counter: &Counter, by: u64) -> Result<Vec<Incremented>, String> {
        if by == 0 {
            Err("by must be positive".to_owned())
        } else {
            Ok(vec![Incremented { by }])
        }
    }
}
