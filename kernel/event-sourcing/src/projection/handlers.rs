//! The handlers of a projection: which events it folds, and how.

use std::fmt;
use std::sync::Arc;

use super::{FoldError, Projection};
use crate::aggregate::Aggregate;
use crate::envelope::{AnyEvent, Envelope};
use crate::event::{DecodeError, StoredEvent};
use crate::store::Filter;

/// The context of an event that is folded.
#[derive(Clone, Copy, Debug)]
pub struct EventContext<'e> {
    /// The key of the row.
    pub key: &'e str,
    /// The stored event.
    pub envelope: &'e Envelope,
}

impl EventContext<'_> {
    /// When the command was decided, in microseconds since 1970.
    #[must_use]
    pub fn recorded_at_micros(&self) -> i64 {
        self.envelope.recorded_at.timestamp_micros()
    }

    /// The event's version in its stream, as a column value.
    #[must_use]
    pub fn stream_version(&self) -> i64 {
        i64::try_from(self.envelope.version.0).unwrap_or(i64::MAX)
    }

    /// The event's position in the log, as a column value.
    #[must_use]
    pub fn position(&self) -> i64 {
        i64::try_from(self.envelope.position.0).unwrap_or(i64::MAX)
    }
}

type Keys = Box<dyn Fn(&AnyEvent, &Envelope) -> Vec<String> + Send + Sync>;
type Fold<R> = Box<
    dyn Fn(Option<R>, &AnyEvent, EventContext<'_>) -> Result<Option<R>, FoldError> + Send + Sync,
>;

/// A handler: the events that it matches, and how they are folded.
struct Route<R> {
    filter: Filter,
    decode: fn(&Envelope) -> Result<AnyEvent, DecodeError>,
    keys: Keys,
    fold: Fold<R>,
}

/// The handlers of a projection.
///
/// An event that no handler matches is not read. An event in a matched stream that cannot be decoded parks the
/// projection, so that an event of a newer binary is not skipped.
pub struct Handlers<P: Projection> {
    routes: Vec<Route<P::Row>>,
}

/// A decoded event, with the keys of the rows that it may change.
#[derive(Debug)]
pub struct Decoded {
    pub(super) envelope: Arc<Envelope>,
    pub(super) event: AnyEvent,
    pub(super) keys: Vec<String>,
    route: usize,
}

impl<P: Projection> Handlers<P> {
    /// The handlers that the projection registers.
    #[must_use]
    pub fn of_projection() -> Self {
        let mut handlers = Self { routes: Vec::new() };
        P::handlers(&mut handlers);
        handlers
    }

    /// Folds the events of an aggregate. The key of the row is the aggregate's id, unless
    /// [`keyed_by`](Handler::keyed_by) defines another.
    ///
    /// `fold` gets the row, if there is one, and returns the row after the event, or `None` to delete it or leave it
    /// missing.
    ///
    /// # Panics
    /// The aggregate has a handler already.
    pub fn aggregate<A: Aggregate>(
        &mut self,
        fold: impl Fn(Option<P::Row>, &A::Event, EventContext<'_>) -> Option<P::Row>
        + Send
        + Sync
        + 'static,
    ) -> Handler<'_, P::Row, A::Event> {
        self.events(Filter::of_streams(&[A::TYPE]), fold)
    }

    /// Like [`Self::aggregate`], with a fold that may fail. Its error parks the projection before the event.
    ///
    /// # Panics
    /// As [`Self::aggregate`].
    pub fn try_aggregate<A: Aggregate>(
        &mut self,
        fold: impl Fn(Option<P::Row>, &A::Event, EventContext<'_>) -> Result<Option<P::Row>, FoldError>
        + Send
        + Sync
        + 'static,
    ) -> Handler<'_, P::Row, A::Event> {
        self.route(Filter::of_streams(&[A::TYPE]), fold)
    }

    /// Like [`Self::aggregate`], for the events that a filter matches. An event is folded by the first handler that
    /// matches it.
    ///
    /// # Panics
    /// One of the stream types that the filter matches has a handler already.
    pub fn events<E: StoredEvent>(
        &mut self,
        filter: Filter,
        fold: impl Fn(Option<P::Row>, &E, EventContext<'_>) -> Option<P::Row> + Send + Sync + 'static,
    ) -> Handler<'_, P::Row, E> {
        self.route(filter, move |row, event: &E, context| {
            Ok(fold(row, event, context))
        })
    }

    fn route<E: StoredEvent>(
        &mut self,
        filter: Filter,
        fold: impl Fn(Option<P::Row>, &E, EventContext<'_>) -> Result<Option<P::Row>, FoldError>
        + Send
        + Sync
        + 'static,
    ) -> Handler<'_, P::Row, E> {
        let mut known = self.routes.iter();
        assert!(
            !known.any(|known| known.filter.shares_stream_type(&filter)),
            "projection {} has two handlers for one of the streams {:?}, and the second would never be called",
            P::NAME,
            filter.stream_types()
        );
        self.routes.push(Route {
            filter,
            decode: |envelope| envelope.decode_shared::<E>().map(|event| event as AnyEvent),
            keys: Box::new(|_, envelope| vec![envelope.stream.aggregate_id().to_owned()]),
            fold: Box::new(move |row, event, context| match event.downcast_ref::<E>() {
                Some(event) => fold(row, event, context),
                None => unreachable!("a handler folds only events that it decoded"),
            }),
        });
        let last = self.routes.len() - 1;
        Handler {
            route: &mut self.routes[last],
            event: std::marker::PhantomData,
        }
    }

    /// The events that the projection reads.
    #[must_use]
    pub fn filter(&self) -> Filter {
        Filter::union(self.routes.iter().map(|route| route.filter.clone()))
    }

    /// Decodes an event that passed the filter.
    ///
    /// # Errors
    /// [`DecodeError`] if this binary cannot read it.
    pub fn decode(&self, envelope: &Arc<Envelope>) -> Result<Decoded, DecodeError> {
        let (stream_type, event_type) = (envelope.stream.aggregate_type(), &envelope.event_type);
        let mut routes = self.routes.iter().enumerate();
        let Some((index, route)) =
            routes.find(|(_, route)| route.filter.matches(stream_type, event_type))
        else {
            return Err(DecodeError::unknown_type(event_type));
        };
        let event = (route.decode)(envelope)?;
        Ok(Decoded {
            keys: (route.keys)(&event, envelope),
            envelope: Arc::clone(envelope),
            event,
            route: index,
        })
    }

    pub(super) fn fold(
        &self,
        key: &str,
        row: Option<P::Row>,
        decoded: &Decoded,
    ) -> Result<Option<P::Row>, FoldError> {
        let context = EventContext {
            key,
            envelope: &decoded.envelope,
        };
        (self.routes[decoded.route].fold)(row, &decoded.event, context)
    }
}

impl Decoded {
    /// The keys of the rows that the event may change.
    #[must_use]
    pub fn into_keys(self) -> Vec<String> {
        self.keys
    }
}

impl<P: Projection> fmt::Debug for Handlers<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handlers({})", P::NAME)
    }
}

/// A registered handler, to configure it.
pub struct Handler<'h, R, E> {
    route: &'h mut Route<R>,
    event: std::marker::PhantomData<fn(&E)>,
}

impl<R, E: StoredEvent> Handler<'_, R, E> {
    /// Sets the keys of the rows that an event may change. Each row is folded separately; they change together or not
    /// at all.
    pub fn keyed_by<K: IntoIterator<Item = String>>(
        &mut self,
        keys: impl Fn(&E, &Envelope) -> K + Send + Sync + 'static,
    ) -> &mut Self {
        self.route.keys = Box::new(move |event, envelope| {
            let event = event.downcast_ref::<E>();
            event.map_or_else(Vec::new, |event| {
                keys(event, envelope).into_iter().collect()
            })
        });
        self
    }

    /// Excludes events of these types in the streams that the handler matches. They are not read.
    pub fn ignoring(&mut self, event_types: &[&'static str]) -> &mut Self {
        self.route.filter = std::mem::take(&mut self.route.filter).ignoring(event_types);
        self
    }

    /// Excludes all known event types except these in the streams that the handler matches. An event of an unknown type
    /// still parks the projection.
    ///
    /// # Panics
    /// One of the types is not an event type of the handler.
    pub fn only(&mut self, event_types: &[&'static str]) -> &mut Self {
        self.route.filter = std::mem::take(&mut self.route.filter).only_of::<E>(event_types);
        self
    }
}

impl<R, E> fmt::Debug for Handler<'_, R, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Handler").field(&self.route.filter).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::doc::{Counter, Incremented};

    /// Registers the same aggregate twice.
    struct Twice;

    impl Projection for Twice {
        const NAME: &'static str = "twice";
        const SCHEMA_VERSION: u32 = 1;
        type Row = u64;

        fn handlers(on: &mut Handlers<Self>) {
            on.aggregate::<Counter>(|row, _, _| row);
            on.events::<Incremented>(Filter::of_streams(&[Counter::TYPE]), |row, _, _| row);
        }
    }

    /// Reads only an event type that does not exist.
    struct Misspelt;

    impl Projection for Misspelt {
        const NAME: &'static str = "misspelt";
        const SCHEMA_VERSION: u32 = 1;
        type Row = u64;

        fn handlers(on: &mut Handlers<Self>) {
            on.aggregate::<Counter>(|row, _, _| row)
                .only(&["Incremnted"]);
        }
    }

    #[test]
    #[should_panic(expected = "Incremnted is not one of the handler's event types")]
    fn an_event_type_that_the_handler_does_not_have_panics() {
        let _ = Handlers::<Misspelt>::of_projection();
    }

    #[test]
    #[should_panic(expected = "projection twice has two handlers")]
    fn a_second_handler_of_a_stream_type_panics() {
        let _ = Handlers::<Twice>::of_projection();
    }
}
