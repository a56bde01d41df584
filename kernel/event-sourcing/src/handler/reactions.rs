//! The reactions of an event handler: which events it handles, and how.

use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;

use super::{Delivery, EventHandler, HandlerError};
use crate::aggregate::Aggregate;
use crate::envelope::{AnyEvent, Envelope};
use crate::event::{DecodeError, StoredEvent};
use crate::store::Filter;

/// The result of one delivery attempt.
pub(super) type DeliveryResult = Result<(), HandlerError>;
type Run<H> = Box<
    dyn for<'a> Fn(&'a H, &'a AnyEvent, Delivery<'a>) -> BoxFuture<'a, DeliveryResult>
        + Send
        + Sync,
>;

/// A method of a handler: `async fn(&self, &E, Delivery<'_>) -> Result<(), HandlerError>`.
///
/// Implemented for all such methods. It expresses that their future is `Send`, which a bound on the method cannot
/// express yet.
pub trait React<'a, H, E>: Send + Sync + 'static {
    /// Calls the method.
    fn react(
        &self,
        handler: &'a H,
        event: &'a E,
        delivery: Delivery<'a>,
    ) -> BoxFuture<'a, Result<(), HandlerError>>;
}

impl<'a, H: 'a, E: 'a, F, R> React<'a, H, E> for F
where
    F: Fn(&'a H, &'a E, Delivery<'a>) -> R + Send + Sync + 'static,
    R: Future<Output = DeliveryResult> + Send + 'a,
{
    fn react(
        &self,
        handler: &'a H,
        event: &'a E,
        delivery: Delivery<'a>,
    ) -> BoxFuture<'a, DeliveryResult> {
        Box::pin(self(handler, event, delivery))
    }
}

/// A reaction with the events that it matches.
struct Route<H> {
    filter: Filter,
    decode: fn(&Arc<Envelope>) -> Result<AnyEvent, DecodeError>,
    run: Run<H>,
}

/// The reactions of an event handler.
///
/// An event that no reaction matches is not read. An event in a matched stream that cannot be decoded parks that
/// stream, so that an event of a newer binary is not skipped.
pub struct Reactions<H: EventHandler> {
    routes: Vec<Route<H>>,
}

impl<H: EventHandler> Reactions<H> {
    /// The reactions that the handler registers.
    pub(crate) fn of(handler: &H) -> Self {
        let mut reactions = Self { routes: Vec::new() };
        handler.reactions(&mut reactions);
        reactions
    }

    /// Reacts to the events of an aggregate.
    ///
    /// # Panics
    /// The aggregate has a reaction already.
    pub fn aggregate<A: Aggregate>(
        &mut self,
        reaction: impl for<'a> React<'a, H, A::Event>,
    ) -> Reaction<'_, A::Event> {
        self.events(Filter::of_streams(&[A::TYPE]), reaction)
    }

    /// Reacts to the events that a filter matches, decoded.
    ///
    /// # Panics
    /// One of the stream types that the filter matches has a reaction already.
    pub fn events<E: StoredEvent>(
        &mut self,
        filter: Filter,
        reaction: impl for<'a> React<'a, H, E>,
    ) -> Reaction<'_, E> {
        let decode = |envelope: &Arc<Envelope>| {
            let event = envelope.decode_shared::<E>()?;
            Ok(event as AnyEvent)
        };
        self.route(filter, decode, reaction)
    }

    /// Reacts to the events that a filter matches, without decoding them.
    ///
    /// # Panics
    /// As [`Self::events`].
    pub fn stored(
        &mut self,
        filter: Filter,
        reaction: impl for<'a> React<'a, H, Envelope>,
    ) -> &mut Self {
        self.route::<Envelope>(
            filter,
            |envelope| Ok(Arc::clone(envelope) as AnyEvent),
            reaction,
        );
        self
    }

    fn route<E: Send + Sync + 'static>(
        &mut self,
        filter: Filter,
        decode: fn(&Arc<Envelope>) -> Result<AnyEvent, DecodeError>,
        reaction: impl for<'a> React<'a, H, E>,
    ) -> Reaction<'_, E> {
        let mut known = self.routes.iter();
        assert!(
            !known.any(|known| known.filter.shares_stream_type(&filter)),
            "event handler {} has two reactions for one of the streams {:?}, and the second would never be called",
            H::NAME,
            filter.stream_types()
        );
        let run: Run<H> =
            Box::new(
                move |handler, event, delivery| match event.downcast_ref::<E>() {
                    Some(event) => reaction.react(handler, event, delivery),
                    None => unreachable!("a reaction handles only events that it decoded"),
                },
            );
        self.routes.push(Route {
            filter,
            decode,
            run,
        });
        let last = self.routes.len() - 1;
        Reaction {
            filter: &mut self.routes[last].filter,
            event: std::marker::PhantomData,
        }
    }

    /// The events that the handler reads.
    #[must_use]
    pub fn filter(&self) -> Filter {
        Filter::union(self.routes.iter().map(|route| route.filter.clone()))
    }

    fn route_of(&self, envelope: &Envelope) -> Option<&Route<H>> {
        let (stream_type, event_type) = (envelope.stream.aggregate_type(), &envelope.event_type);
        let mut routes = self.routes.iter();
        routes.find(|route| route.filter.matches(stream_type, event_type))
    }

    /// Runs the reaction to an event that passed the filter.
    pub(crate) async fn run(
        &self,
        handler: &H,
        delivery: Delivery<'_>,
        envelope: &Arc<Envelope>,
    ) -> DeliveryResult {
        let Some(route) = self.route_of(envelope) else {
            return Ok(());
        };
        let event = (route.decode)(envelope)
            .map_err(|error| HandlerError::permanent(crate::error::with_causes(&error)))?;
        (route.run)(handler, &event, delivery).await
    }
}

/// The events that a handler reads.
#[must_use]
pub fn filter_of<H: EventHandler>(handler: &H) -> Filter {
    Reactions::of(handler).filter()
}

impl<H: EventHandler> fmt::Debug for Reactions<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reactions({})", H::NAME)
    }
}

/// A registered reaction, to configure it.
pub struct Reaction<'r, E> {
    filter: &'r mut Filter,
    event: std::marker::PhantomData<fn(&E)>,
}

impl<E: StoredEvent> Reaction<'_, E> {
    /// Excludes events of these types in the streams that the reaction matches. They are not read.
    pub fn ignoring(&mut self, event_types: &[&'static str]) -> &mut Self {
        *self.filter = std::mem::take(self.filter).ignoring(event_types);
        self
    }

    /// Excludes all known event types except these in the streams that the reaction matches. An event of an unknown
    /// type still parks its stream.
    pub fn only(&mut self, event_types: &[&'static str]) -> &mut Self {
        *self.filter = std::mem::take(self.filter).only_of::<E>(event_types);
        self
    }
}

impl<E> fmt::Debug for Reaction<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Reaction").field(&self.filter).finish()
    }
}
