//! A log for projections and event handlers.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::clock::at;
use crate::aggregate::Aggregate;
use crate::envelope::{DecodedOnce, Envelope};
use crate::event::{DomainEvent, EncodedEvent, Metadata};
use crate::id::{CommandId, Position, Version};
use crate::projection::fold::decode_page;
use crate::projection::{Handlers, Parked, Projection};
use crate::store::{Entry, LogPage};
use crate::stream::StreamId;

/// A log in memory for tests of projections and event handlers.
///
/// ```
/// # use event_sourcing::projection::{Handlers, Projection};
/// # use event_sourcing::testing::doc::{Counter, Incremented};
/// use event_sourcing::testing::given_log;
///
/// # struct Values;
/// # impl Projection for Values {
/// #     const NAME: &'static str = "values";
/// #     const SCHEMA_VERSION: u32 = 1;
/// #     type Row = u64;
/// #     fn handlers(on: &mut Handlers<Self>) {
/// #         on.aggregate::<Counter>(|row, event, _| Some(row.unwrap_or(0) + event.by));
/// #     }
/// # }
/// given_log()
///     .with::<Counter>("a", &Incremented { by: 2 })
///     .with::<Counter>("b", &Incremented { by: 5 })
///     .with::<Counter>("a", &Incremented { by: 3 })
///     .when_projected::<Values>()
///     .then([("a", 5), ("b", 5)]);
/// ```
#[derive(Debug, Default)]
pub struct Log {
    events: Vec<Envelope>,
    versions: BTreeMap<StreamId, Version>,
}

/// Starts with an empty log.
#[must_use]
pub fn given_log() -> Log {
    Log::default()
}

/// The result of projecting a log.
#[derive(Debug)]
pub struct Projected<P: Projection> {
    /// The rows by their keys.
    pub rows: BTreeMap<String, P::Row>,
    /// The event at which it parked, if it did.
    pub parked: Option<Parked>,
}

impl<P: Projection> Projected<P> {
    /// Expects exactly these rows, and that the whole log was folded.
    ///
    /// # Panics
    /// If the rows differ.
    #[track_caller]
    pub fn then<'k>(self, rows: impl IntoIterator<Item = (&'k str, P::Row)>) {
        let rows = rows.into_iter().map(|(key, row)| (key.to_owned(), row));
        assert_eq!(self.rows(), rows.collect());
    }

    /// The rows of the whole log.
    ///
    /// # Panics
    /// If the projection parked.
    #[must_use]
    #[track_caller]
    pub fn rows(self) -> BTreeMap<String, P::Row> {
        assert_eq!(self.parked, None);
        self.rows
    }
}

impl Log {
    /// Adds an event to the stream of an aggregate, a second after the one before.
    #[must_use]
    pub fn with<A: Aggregate>(self, id: &str, event: &A::Event) -> Self {
        self.with_encoded(A::stream(id), event.encode())
    }

    /// Adds a stored event of any type and schema version.
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
            decoded: DecodedOnce::default(),
        });
        self
    }

    /// Its events, in order.
    pub(super) fn into_events(self) -> Vec<Envelope> {
        self.events
    }

    /// Folds the log as the runner would, in one page.
    #[must_use]
    pub fn when_projected<P: Projection>(self) -> Projected<P> {
        let handlers = Handlers::<P>::of_projection();
        let head = Position(self.events.len() as u64);
        let filter = handlers.filter();
        let entries = self
            .events
            .into_iter()
            .filter(|event| filter.matches(event.stream.aggregate_type(), &event.event_type))
            .map(|event| Entry::Event(Arc::new(event)))
            .collect();
        let page = LogPage {
            entries,
            read_up_to: head,
            head,
        };
        let folded = decode_page(&handlers, page, &[]).fold(&handlers, Vec::new());
        let rows = folded
            .changes
            .into_iter()
            .filter_map(|(key, row)| Some((key, row?)))
            .collect();
        Projected {
            rows,
            parked: folded.parked,
        }
    }
}
