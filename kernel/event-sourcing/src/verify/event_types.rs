//! The event types that a program can decode, by the type of their stream.

use std::collections::{HashMap, HashSet};

use crate::aggregate::Aggregate;
use crate::envelope::Envelope;
use crate::event::{DecodeError, StoredEvent};

type Decode = fn(&Envelope) -> Result<(), DecodeError>;

/// The events of all stream types that a program knows.
#[derive(Clone, Debug, Default)]
pub struct EventTypes {
    by_stream_type: HashMap<&'static str, Decode>,
    indexes: HashSet<&'static str>,
}

impl EventTypes {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the events of an aggregate.
    #[must_use]
    pub fn of<A: Aggregate>(self) -> Self {
        self.with::<A::Event>(A::TYPE)
    }

    /// Adds the events `E` of streams of this type.
    #[must_use]
    pub fn with<E: StoredEvent>(mut self, stream_type: &'static str) -> Self {
        let decode: Decode = |envelope| envelope.decode::<E>().map(|_| ());
        self.by_stream_type.insert(stream_type, decode);
        self
    }

    /// Adds the type of an index of the whole log. It has snapshots but no streams: the version of a snapshot is the
    /// position up to which the log was read.
    #[must_use]
    pub fn with_index(mut self, snapshot_type: &'static str) -> Self {
        self.indexes.insert(snapshot_type);
        self
    }

    pub(super) fn is_index(&self, snapshot_type: &str) -> bool {
        self.indexes.contains(snapshot_type)
    }

    /// Decodes the event, upcasting an old one.
    ///
    /// # Errors
    /// [`DecodeError`] if the type is unknown in streams of that type, or the data do not match it.
    pub fn decode(&self, envelope: &Envelope) -> Result<(), DecodeError> {
        let stream_type = envelope.stream.aggregate_type();
        match self.by_stream_type.get(stream_type) {
            Some(decode) => decode(envelope),
            None => Err(DecodeError::unknown_type(&envelope.event_type)),
        }
    }
}
